package cloud_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/orgctl/orgctl/pkg/diff"
	"github.com/orgctl/orgctl/pkg/spec"
)

// recorder keeps what writes send, and of replies the ids of what was made and of data warehouses.
type recorder struct {
	http.RoundTripper
	mu         sync.Mutex
	sent       []sent
	warehouses map[string]string // service id -> id of its data warehouse
}

// sent is one write: METHOD and path below the organization, its body, and the id of what it created.
type sent struct {
	call, id string
	body     map[string]any
}

func (r *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	body := []byte(bodyOf(req))
	resp, err := r.RoundTripper.RoundTrip(req)
	var reply []byte
	if err == nil {
		reply, err = io.ReadAll(resp.Body)
		resp.Body = io.NopCloser(bytes.NewReader(reply))
	}
	r.learn(req, body, reply)
	return resp, err
}

func (r *recorder) learn(req *http.Request, body, reply []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	type object struct{ ID, DataWarehouseID string }
	var one struct {
		Result struct {
			object
			Service, Key object
		}
	}
	var many struct{ Result []object }
	if json.Unmarshal(reply, &many) != nil {
		_ = json.Unmarshal(reply, &one) // of a refusal nothing is made
	}
	for _, s := range append(many.Result, one.Result.object, one.Result.Service) {
		r.warehouses[s.ID] = s.DataWarehouseID
	}
	if len(body) == 0 {
		return
	}
	_, path, _ := strings.Cut(req.URL.Path, "/organizations/")
	_, path, _ = strings.Cut(path, "/")
	w := sent{call: req.Method + " /" + path, id: one.Result.ID + one.Result.Service.ID + one.Result.Key.ID}
	if json.Unmarshal(body, &w.body) == nil {
		r.sent = append(r.sent, w)
	}
}

func (r *recorder) take() []sent {
	r.mu.Lock()
	defer r.mu.Unlock()
	taken := r.sent
	r.sent = nil
	return taken
}

// ownFields are what orgctl sends beside the values of a plan: secrets as hashes, and its mark of an unfinished service.
var ownFields = []string{
	"hashData.keyIdHash", "hashData.keyIdSuffix", "hashData.keySecretHash", // of a new key
	"newPasswordHash", "newDoubleSha1Hash", // of a service
}

// ownTags are the marks of an unfinished service, and the tag that none has.
var ownTags = []string{spec.NonceTag, spec.NonceTag + "-doubt", spec.NonceTag + "-none"}

// checkSent holds every value that an apply has sent to its plan: it stands in the change of the object that it was sent for,
// or is the id that the change refers to.
func (b *bench) checkSent(p *diff.Plan) {
	b.t.Helper()
	writes := b.recorder.take()
	made := map[string]string{} // id -> METHOD and path of its creation, with the name
	for _, w := range writes {
		if name := nameIn(w.body); strings.HasPrefix(w.call, "POST") && name != "" {
			made[w.id] = kindOf(w.call) + "/" + name
		}
	}
	for _, w := range writes {
		allowed := map[string]bool{}
		for _, c := range p.Changes {
			if !concerns(w, c, made) {
				continue
			}
			allow(allowed, c)
			for _, ref := range c.References {
				b.allowReference(allowed, ref, made)
			}
		}
		for field, values := range leaves(spec.Normalize(w.body)) {
			for _, value := range values {
				own := slices.Contains(ownFields, field) || field == "tags.key" && slices.Contains(ownTags, strings.Trim(value, `"`))
				if !own && !allowed[field+" "+value] && !isNonce(w.body, field, value) {
					b.t.Fatalf("%s sends %s: %s, which no change of the plan holds:\n%s\n%s", w.call, field, value, encode(b.t, w.body), encode(b.t, p.Changes))
				}
			}
		}
	}
}

func nameIn(body map[string]any) string {
	name, _ := body["name"].(string)
	email, _ := body["email"].(string)
	return name + strings.ToLower(email)
}

// kindOf is the kind of object that a call is about: METHOD /COLLECTION/ID/...
func kindOf(call string) string {
	_, path, _ := strings.Cut(call, " /")
	collection, _, _ := strings.Cut(path, "/")
	for _, k := range spec.ClickHouse.Kinds {
		if k.Collection == collection && collection != "" {
			return k.Name
		}
	}
	return "organization"
}

// concerns reports whether a write may be a step of a change.
func concerns(w sent, c diff.Change, made map[string]string) bool {
	kind := kindOf(w.call)
	if kind == "organization" {
		return c.Address.Kind == kind || c.Address.Kind == "privateEndpoint" // both are written there
	}
	if c.Address.Kind != kind {
		return false
	}
	if strings.HasPrefix(w.call, "POST") {
		return nameIn(w.body) == c.Address.Name
	}
	id := strings.Split(w.call, "/")[2]
	name, known := made[id] // not where the reply of the creation was lost
	return c.ID == id || name == c.Address.String() || !known && c.Action == diff.Create
}

// allow adds what a change says, under the names that requests have for it.
func allow(allowed map[string]bool, c diff.Change) {
	add := func(path string, v any) {
		for field, values := range leaves(v) {
			field = strings.Trim(path+"."+field, ".")
			field = strings.TrimPrefix(field, "backupConfiguration.")
			if c.Address.Kind == "privateEndpoint" {
				field = "privateEndpoints." + field
			}
			for _, value := range values {
				allowed[field+" "+value] = true
			}
		}
	}
	add("", c.After)
	if c.Action == diff.Delete {
		add("", c.Before) // what it is, to say what goes
	}
	for _, f := range c.Fields {
		add(f.Path, f.Add)
		add(f.Path, f.Remove)
		add(f.Path, f.After)
	}
	if state, ok := c.After["state"].(string); ok {
		allowed[`command "`+map[string]string{"running": "start", "stopped": "stop"}[state]+`"`] = true
	}
	if c.Action == diff.Delete {
		allowed[`command "stop"`] = true
	}
}

// allowReference adds the id that a reference stands for.
func (b *bench) allowReference(allowed map[string]bool, ref diff.Reference, made map[string]string) {
	id := ref.ID
	for of, address := range made {
		if id == "" && address == ref.Address.String() {
			id = of
		}
	}
	switch ref.Path {
	case "roles":
		for _, field := range []string{"assignedRoleIds", "roles", "role"} {
			allowed[field+" "+spec.FormatValue(id)] = true
		}
	case "warehouse":
		b.recorder.mu.Lock()
		defer b.recorder.mu.Unlock()
		allowed["dataWarehouseId "+spec.FormatValue(b.recorder.warehouses[id])] = true
	}
}

// isNonce reports whether a value is that of the mark of an unfinished service.
func isNonce(body map[string]any, field, value string) bool {
	if field != "tags.value" {
		return false
	}
	return slices.ContainsFunc(elements(body["tags"]), func(e any) bool {
		tag, _ := e.(map[string]any)
		key, _ := tag["key"].(string)
		return slices.Contains(ownTags, key) && spec.FormatValue(tag["value"]) == value
	})
}

// elements are those of a list, or of both lists of an {add, remove} patch.
func elements(v any) []any {
	switch v := v.(type) {
	case []any:
		return v
	case map[string]any:
		add, _ := v["add"].([]any)
		remove, _ := v["remove"].([]any)
		return slices.Concat(add, remove)
	default:
		return nil
	}
}

// leaves are the single values of a tree by their path, without regard to the places in lists and to add and remove.
func leaves(v any) map[string][]string {
	out := map[string][]string{}
	var walk func(path string, v any)
	walk = func(path string, v any) {
		switch v := v.(type) {
		case map[string]any:
			for key, e := range v {
				if _, isList := e.([]any); isList && (key == "add" || key == "remove") {
					walk(path, e)
					continue
				}
				walk(strings.TrimPrefix(path+"."+key, "."), e)
			}
		case []any:
			for _, e := range v {
				walk(path, e)
			}
		default:
			out[path] = append(out[path], spec.FormatValue(v))
		}
	}
	walk("", v)
	return out
}
