package cloudapi

import (
	"encoding/json"
	"time"

	"github.com/orgctl/orgctl/pkg/client"
)

// Dialect is what the ClickHouse Cloud API is to the transport: paths below /v1, the pair of a key's id and secret, an envelope
// around every answer, and 10 requests per key in 10 seconds.
func Dialect() client.Dialect {
	return client.Dialect{
		Version:      "/v1",
		Scheme:       client.Basic,
		Rate:         client.Rate{Requests: 10, Window: 10 * time.Second},
		KeyVariables: "CLICKHOUSE_CLOUD_API_KEY and CLICKHOUSE_CLOUD_API_SECRET",
		WrongURL:     "is CLICKHOUSE_API_URL the address of the API?",
		Form:         client.Object,
		Open:         open,
		SecretFields: []string{"keyid", "accesskeyid", "encryptionkey", "apikey", "privatekey"},
	}
}

// open reads the frame of an answer: result on success, error otherwise. The older API sends no requestId with errors. Members of
// a wrong type count as absent.
func open(body []byte) client.Envelope {
	var frame struct {
		RequestID string          `json:"requestId"`
		Result    json.RawMessage `json:"result"`
		Error     string          `json:"error"`
	}
	// A type error leaves the other members filled in, and a syntax error all of them empty, which is what is wanted.
	_ = json.Unmarshal(body, &frame)
	return client.Envelope{Result: frame.Result, Message: frame.Error, RequestID: frame.RequestID}
}
