package client

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
)

// Dialect is what the transport has to know of an API. It is a value, one per API: see the subpackages of this one.
type Dialect struct {
	// Version is the path segment, such as /v1, with which the path of every Request begins and in which a base URL may end or
	// not. It is "" for an API whose base URL holds all that stands before those paths.
	Version string
	Scheme  Scheme
	Rate    Rate // what the API grants one key

	// What errors suggest: where the key is set, and what to ask oneself when something else than the API has answered.
	KeyVariables string
	WrongURL     string

	// Form is that of the body of a successful answer.
	Form Form
	// Open takes the body of any answer apart. What it cannot read counts as absent: it is not asked whether a body is sound.
	Open func(body []byte) Envelope
	// SecretFields are names, in lower case, of fields that hold secrets without saying so in their names.
	SecretFields []string
}

// Envelope is the content of an answer.
type Envelope struct {
	Result    json.RawMessage // of a success
	Message   string          // of an error, as the API spelt it
	Code      string          // the same error as a word or a number; "" where that opens the message, or is not there
	RequestID string          // what the vendor's support asks for
}

// Form is what the body of a successful answer must be to be the API's.
type Form string

// The forms that there are.
const (
	Object   Form = "a JSON object"
	AnyValue Form = "JSON"
)

func (f Form) holds(body []byte) bool {
	return (f != Object || bytes.HasPrefix(bytes.TrimSpace(body), []byte("{"))) && json.Valid(body)
}

// open is Open with what a server can put on a terminal bounded.
func (d Dialect) open(body []byte) Envelope {
	e := d.Open(body)
	e.Code = oneLine(e.Code, maxRequestID)
	e.RequestID = oneLine(e.RequestID, maxRequestID)
	return e
}

// IsSecret reports whether a field of this name may hold a secret or what a secret could be guessed from.
func (d Dialect) IsSecret(name string) bool {
	name = strings.ToLower(name)
	for _, part := range []string{"password", "secret", "hash", "credential", "token", "authorization", "connectionstring"} {
		if strings.Contains(name, part) {
			return true
		}
	}
	return slices.Contains(d.SecretFields, name)
}
