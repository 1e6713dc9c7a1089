package locktera

import (
	"bytes"
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/orgctl/orgctl/pkg/client"
)

// Dialect is what Locktera's API is to the transport: a base URL with a prefix that differs from host to host, one text for a
// key, JSON without an envelope, and 100 requests a minute, which is what a key without an admin's rights gets.
func Dialect() client.Dialect {
	return client.Dialect{
		Scheme:       client.Bearer,
		Rate:         client.Rate{Requests: 100, Window: time.Minute},
		KeyVariables: "LOCKTERA_API_KEY",
		WrongURL:     "is LOCKTERA_API_URL the address of the API, with its prefix, such as https://share.locktera.com/api/v1?",
		Form:         client.AnyValue,
		Open:         open,
		SecretFields: []string{"api_key", "apikey", "key", "access_key", "accesskey", "private_key", "privatekey"},
	}
}

// open reads an answer, which is its result, or says in message, code and fields what is wrong. The code is shown as a number and
// as a word.
func open(body []byte) client.Envelope {
	e := client.Envelope{Result: bytes.TrimSpace(body)}
	if !bytes.HasPrefix(e.Result, []byte("{")) {
		return e
	}
	var o object
	_ = json.Unmarshal(e.Result, &o) // what is no JSON has no message
	e.Code = o.text("code")
	var said []string
	if message := o.text("message"); message != "" {
		said = append(said, message)
	}
	var fields map[string]json.RawMessage
	_ = json.Unmarshal(o["fields"], &fields)
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		said = append(said, name+" "+cmp.Or(object(fields).text(name), string(fields[name])))
	}
	e.Message = strings.Join(said, "; ")
	return e
}
