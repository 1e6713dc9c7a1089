// Package secrets keeps the secrets that an apply makes: it defines what a record of one holds and where records go.
//
// A secret is stored before the API knows it (write-ahead): a record without an id was generated here and not yet confirmed
// by the API. Sinks never overwrite another secret and never print one.
package secrets

import (
	"context"
	"encoding/json"

	"github.com/orgctl/orgctl/pkg/apply/store"
	"github.com/orgctl/orgctl/pkg/client/secret"
)

// The kinds of Record.
const (
	Key     = "key"
	Service = "service"
)

// Record is one secret and what it opens.
type Record struct {
	Scope store.Scope // whose it is
	Kind  string      // Key or Service
	Name  string      // of the object
	// Mark tells records of one name apart: the suffix of a key id, the nonce of a service's creation.
	Mark string
	// Version tells records of one mark apart, from 1; the highest one counts. Store gives it: a record that was never
	// stored has none.
	Version int
	ID      string // the server's id; "" until the API has confirmed the object
	// NotInForce says why the secret opens nothing, although it was stored for an object that exists or has existed.
	NotInForce string

	KeyID     string // Key
	KeySecret secret.Value
	// Answer is what the API answered to the creation of a key, as a whole, where nobody knows which part of it is the secret.
	Answer secret.Value

	Username string // Service
	Password secret.Value
	Host     string // "" until known
	Port     int
}

// Unconfirmed reports that the API was never seen to take the secret, so that a creation may use it.
func (r Record) Unconfirmed() bool { return r.ID == "" && r.NotInForce == "" }

// opens reports whether a record is said to open the object of an id.
func (r Record) opens(scope store.Scope, kind, id string) bool {
	return r.Scope == scope && r.Kind == kind && r.ID == id && r.NotInForce == ""
}

// Sink stores records. Its methods are safe for concurrent use.
type Sink interface {
	// Find gives what can be read back of the stored records of an object, in the order of their marks and of each mark the
	// highest version, so that an interrupted creation goes on with the secret it began with. A sink that cannot read what
	// it stores (encrypted files, a command) finds nothing: the creation goes on with a new secret.
	Find(ctx context.Context, q Query) ([]Record, error)
	// InForce gives, of what can be read back, the records that are said to open the object of an id, under whatever name, mark
	// and version, in no order that counts; by Confirm they can be put out of force. What cannot be read is left out.
	InForce(ctx context.Context, scope store.Scope, kind, id string) []Record
	// Store makes a new record durable before it returns, and gives it back with its version, as Confirm wants it. It never
	// replaces another record: a mark that is taken gets its next version.
	Store(ctx context.Context, r Record) (Record, error)
	// Confirm completes a record that Find or Store gave with what the API said of the object.
	Confirm(ctx context.Context, r Record) error
}

// Query says which records are meant: those of one object, whose name other organizations may have too. An empty Mark matches
// any.
type Query struct {
	Scope            store.Scope
	Kind, Name, Mark string
}

func (q Query) matches(r Record) bool {
	return r.Scope == q.Scope && r.Kind == q.Kind && r.Name == q.Name && (q.Mark == "" || r.Mark == q.Mark)
}

// Encode gives the JSON of a record, secret included: for sinks only. The version is not in it.
func Encode(r Record) ([]byte, error) {
	data, err := json.MarshalIndent(document{
		Scope: r.Scope,
		Kind:  r.Kind, Name: r.Name, Mark: r.Mark, ID: r.ID, NotInForce: r.NotInForce,
		KeyID: r.KeyID, KeySecret: r.KeySecret.Reveal(), Answer: r.Answer.Reveal(),
		Username: r.Username, Password: r.Password.Reveal(), Host: r.Host, Port: r.Port,
	}, "", "  ")
	return append(data, '\n'), err
}

// Decode reads what Encode wrote.
func Decode(data []byte) (Record, error) {
	var d document
	if err := json.Unmarshal(data, &d); err != nil {
		return Record{}, err
	}
	return Record{
		Scope: d.Scope,
		Kind:  d.Kind, Name: d.Name, Mark: d.Mark, ID: d.ID, NotInForce: d.NotInForce,
		KeyID: d.KeyID, KeySecret: secret.New(d.KeySecret), Answer: secret.New(d.Answer),
		Username: d.Username, Password: secret.New(d.Password), Host: d.Host, Port: d.Port,
	}, nil
}

type document struct {
	store.Scope
	Kind       string `json:"kind"`
	Name       string `json:"name"`
	Mark       string `json:"mark"`
	ID         string `json:"id,omitempty"`
	NotInForce string `json:"notInForce,omitempty"`
	KeyID      string `json:"keyId,omitempty"`
	KeySecret  string `json:"keySecret,omitempty"`
	Answer     string `json:"answer,omitempty"`
	Username   string `json:"username,omitempty"`
	Password   string `json:"password,omitempty"`
	Host       string `json:"host,omitempty"`
	Port       int    `json:"port,omitempty"`
}
