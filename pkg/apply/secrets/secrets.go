// Package secrets keeps the secrets that an apply makes: it defines what a record of one holds and where records go.
//
// A secret is stored before the API knows it (write-ahead): a record without an id was generated here and not yet confirmed
// by the API. Sinks never overwrite another secret and never print one.
package secrets

import (
	"context"
	"encoding/json"

	"github.com/orgctl/orgctl/pkg/client/secret"
)

// The kinds of Record.
const (
	Key     = "key"
	Service = "service"
)

// Record is one secret and what it opens.
type Record struct {
	Kind string // Key or Service
	Name string // of the object
	// Mark tells records of one name apart: the suffix of a key id, the nonce of a service's creation.
	Mark string
	ID   string // the server's id; "" until the API has confirmed the object

	KeyID     string // Key
	KeySecret secret.Value

	Username string // Service
	Password secret.Value
	Host     string // "" until known
	Port     int
}

// Sink stores records. Its methods are safe for concurrent use.
type Sink interface {
	// Find gives the stored records of an object, so that an interrupted creation goes on with the secret it began with. An
	// empty mark matches any.
	Find(ctx context.Context, kind, name, mark string) ([]Record, error)
	// Store makes a new record durable before it returns. It fails rather than replace one of the same kind, name and mark.
	Store(ctx context.Context, r Record) error
	// Confirm completes a stored record with what the API said of the object.
	Confirm(ctx context.Context, r Record) error
}

// Encode gives the JSON of a record, secret included: for sinks only.
func Encode(r Record) ([]byte, error) {
	data, err := json.MarshalIndent(document{
		Kind: r.Kind, Name: r.Name, ID: r.ID,
		KeyID: r.KeyID, KeySecret: r.KeySecret.Reveal(),
		Username: r.Username, Password: r.Password.Reveal(), Host: r.Host, Port: r.Port,
	}, "", "  ")
	return append(data, '\n'), err
}

// Decode reads what Encode wrote; the mark is the caller's to know.
func Decode(data []byte, mark string) (Record, error) {
	var d document
	if err := json.Unmarshal(data, &d); err != nil {
		return Record{}, err
	}
	return Record{
		Kind: d.Kind, Name: d.Name, Mark: mark, ID: d.ID,
		KeyID: d.KeyID, KeySecret: secret.New(d.KeySecret),
		Username: d.Username, Password: secret.New(d.Password), Host: d.Host, Port: d.Port,
	}, nil
}

type document struct {
	Kind      string `json:"kind"`
	Name      string `json:"name"`
	ID        string `json:"id,omitempty"`
	KeyID     string `json:"keyId,omitempty"`
	KeySecret string `json:"keySecret,omitempty"`
	Username  string `json:"username,omitempty"`
	Password  string `json:"password,omitempty"`
	Host      string `json:"host,omitempty"`
	Port      int    `json:"port,omitempty"`
}
