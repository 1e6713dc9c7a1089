package locktera_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orgctl/orgctl/pkg/client/locktera"
)

// FuzzAnswers: whatever comes back, reading it ends in an error or in an object with its JSON, which reads as the same again.
func FuzzAnswers(f *testing.F) {
	for _, seed := range []string{
		`{"id":"o","name":"Acme","customizations":{"theme":"dark"}}`, `{"customizations":{"a":1}}`, `{"key_id":1e3,"permissions":["read"]}`,
		`"gold"`, `{"name":null}`, `{"timestamp":"t","user":[]}`, `{"old_data":{"a":[1]},"action":7}`, `{"api_calls":1e400,"month":2}`,
		`null`, `[]`, `{}`, `{"id":"\ud800"}`, `{"api_key":"c4n4ry","id":"k"}`, `{"key":{"\u0000":1},"id":"k"}`, `{"id":`, `{"customizations":{"customizations":{}}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		again(t, body, func(o locktera.Organization) []byte { return o.Raw })
		again(t, body, func(k locktera.APIKey) []byte { return k.Raw })
		again(t, body, func(v locktera.Tag) []byte { return v.Raw })
		again(t, body, func(e locktera.Access) []byte { return e.Raw })
		again(t, body, func(e locktera.Audit) []byte { return e.Raw })
		again(t, body, func(c locktera.Consumption) []byte { return c.Raw })
		var custom locktera.Customizations
		if json.Unmarshal(body, &custom) == nil && (!json.Valid(custom.Raw) || custom.Fields == nil) {
			t.Errorf("%s is read as %+v", body, custom)
		}
		_ = locktera.Dialect().Open(body)
	})
}

func again[T any](t *testing.T, body []byte, raw func(T) []byte) {
	t.Helper()
	var first, second T
	if json.Unmarshal(body, &first) != nil {
		return
	}
	if err := json.Unmarshal(raw(first), &second); err != nil {
		t.Errorf("%s is read, and its own spelling %s is not: %v", body, raw(first), err)
	}
	if diff := cmp.Diff(first, second); diff != "" {
		t.Errorf("%s is read otherwise the second time:\n%s", body, diff)
	}
}
