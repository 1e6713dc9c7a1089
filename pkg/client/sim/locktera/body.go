package locktera

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"unicode"

	"github.com/orgctl/orgctl/pkg/client/sim/internal/stage"
)

// body is a request body, from which a handler takes the fields that it knows. It keeps the first error.
type body struct {
	fields map[string]json.RawMessage
	err    error
}

func (c *call) readBody() *body {
	b := &body{}
	if err := stage.DecodeStrict(c.body, &b.fields); err != nil || b.fields == nil {
		b.err = badRequest("request body must be a JSON object")
	}
	return b
}

// take takes a field out.
func (b *body) take(name string) (json.RawMessage, bool) {
	value, ok := b.fields[name]
	delete(b.fields, name)
	return value, ok
}

// text takes an optional line of text that shows something; nil means that it is absent.
func (b *body) text(name string) *string {
	raw, ok := b.take(name)
	if !ok {
		return nil
	}
	var text *string
	if err := json.Unmarshal(raw, &text); err != nil || text == nil {
		b.fail(badField(name, "must be a string"))
		return nil
	}
	if strings.TrimSpace(*text) == "" || strings.ContainsFunc(*text, unicode.IsControl) {
		b.fail(badField(name, "must be one line of text"))
	}
	return text
}

func (b *body) fail(err error) {
	if b.err == nil {
		b.err = err
	}
}

// done gives the first error. What nobody took is unknown.
func (b *body) done(cfg Config) error {
	if left := slices.Sorted(maps.Keys(b.fields)); b.err == nil && cfg.UnknownFields == refuseIt && len(left) > 0 {
		return badField(left[0], "is not a known field")
	}
	return b.err
}
