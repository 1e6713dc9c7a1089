package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// otherLocktera is Locktera's API as somebody else might have written it, who has read the same documents and not the simulator: ids
// are numbers, a list of one is that one, null fields and fields of no document are everywhere, customizations come wrapped and are
// taken bare, and success is said in as many ways as there are.
type otherLocktera struct {
	mu     sync.Mutex
	name   string
	custom map[string]any
	keys   []map[string]any
	next   int
	says   int
	posts  int
}

func newOtherLocktera() *otherLocktera {
	return &otherLocktera{
		name: "Old", custom: map[string]any{"theme": nil, "_etag": "1", "font": map[string]any{"size": 12.5}}, next: 100,
		keys: []map[string]any{{"id": 7, "key_id": nil, "name": "first", "permissions": []any{"write", "read"}, "created_at": nil, "last_used": 0}},
	}
}

// ServeHTTP answers below /api/v1/orgs/42.
func (o *otherLocktera) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	var sent map[string]any
	if len(body) > 0 && json.Unmarshal(body, &sent) != nil || r.Header.Get("Authorization") != "Bearer the-key" {
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = io.WriteString(w, "no")
		return
	}
	rest, _ := strings.CutPrefix(r.URL.Path, "/api/v1/orgs/42")
	id, deletesKey := strings.CutPrefix(rest, "/api_keys/")
	switch request := r.Method + " " + rest; {
	case request == "GET ":
		answers(w, map[string]any{"id": 42, "name": nil, "org_name": o.name, "role": "group", "email": nil, "customizations": nil, "plan": map[string]any{"tier": 1}})
	case request == "PATCH ":
		if name, ok := sent["org_name"].(string); ok { // what it does not know, it does not mind
			o.name = name
		}
		o.success(w)
	case request == "GET /customizations":
		answers(w, map[string]any{"customizations": o.custom})
	case request == "PUT /customizations":
		sent["_etag"] = strconv.Itoa(o.next)
		o.next++
		o.custom = sent
		o.success(w)
	case request == "GET /api_keys" && len(o.keys) == 1:
		answers(w, o.keys[0])
	case request == "GET /api_keys":
		answers(w, o.keys)
	case request == "POST /api_keys":
		o.next++
		o.posts++
		o.keys = append(o.keys, map[string]any{"id": o.next, "name": sent["name"], "permissions": sent["permissions"]})
		w.WriteHeader(http.StatusCreated)
		answers(w, map[string]any{"message": "made", "key": map[string]any{"value": "s3cret-" + strconv.Itoa(o.next)}})
	case r.Method == http.MethodDelete && deletesKey:
		o.keys = slices.DeleteFunc(o.keys, func(k map[string]any) bool { return fmt.Sprint(k["id"]) == id })
		o.success(w)
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

func answers(w http.ResponseWriter, v any) { _ = json.NewEncoder(w).Encode(v) }

// success is said in another way each time.
func (o *otherLocktera) success(w http.ResponseWriter) {
	o.says++
	switch o.says % 4 {
	case 0:
		w.WriteHeader(http.StatusNoContent)
	case 1:
		_, _ = io.WriteString(w, "OK")
	case 2:
		w.WriteHeader(http.StatusAccepted)
		_, _ = io.WriteString(w, "null")
	default:
		_, _ = io.WriteString(w, `{"message": "done"}`)
	}
}

// TestOtherLocktera takes an organization through its life on that server.
func TestOtherLocktera(t *testing.T) {
	server := newOtherLocktera()
	listener := httptest.NewServer(server)
	defer listener.Close()
	p := withExamples(t, "LOCKTERA_API_URL="+listener.URL+"/api/v1", "LOCKTERA_API_KEY=the-key", "LOCKTERA_ORG_ID=42")
	from := []string{"-f", "examples/locktera"}
	apply := append([]string{"apply", "--yes", "--secrets-out", "secrets"}, from...)
	r := p.ok(t, apply...)
	if r.lastLine() != "converged" || strings.Contains(r.stdout+r.stderr, "s3cret-") {
		t.Fatalf("%s\n%s", r.stdout, r.stderr)
	}
	if font := fmt.Sprint(server.custom["font"]); server.name != "Acme Files" || font != "map[size:12.5]" || server.posts != 2 {
		t.Errorf("name %s, font %s, %d keys made", server.name, font, server.posts)
	}
	p.ok(t, append([]string{"plan", "--detailed-exitcode"}, from...)...)
	p.ok(t, append([]string{"drift"}, from...)...)
	p.ok(t, apply...)
	p.ok(t, "export", "--out", "exported.yaml")
	p.ok(t, "plan", "--detailed-exitcode", "-f", "exported.yaml")

	server.mu.Lock()
	server.custom["theme"] = "light"
	server.keys = slices.DeleteFunc(server.keys, func(k map[string]any) bool { return k["name"] == "audit" })
	server.mu.Unlock()
	if r := p.run(t, append([]string{"drift"}, from...)...); r.code != exitChanges || !strings.Contains(r.stdout, "theme") || !strings.Contains(r.stdout, "audit") {
		t.Errorf("drift: exit %d\n%s\n%s", r.code, r.stdout, r.stderr)
	}
	p.ok(t, apply...)

	p.write(t, "less.yaml", manifest("spec: {api: locktera/v1, keys: [{name: uploads, ensure: absent}, {name: audit, ensure: absent}]}\npolicy: {allowDelete: ['key/*']}\n"))
	p.ok(t, "apply", "--yes", "-f", "less.yaml")
	names := map[string]int{}
	for _, k := range server.keys {
		names[fmt.Sprint(k["name"])]++
	}
	if !maps.Equal(names, map[string]int{"first": 1}) {
		t.Errorf("there are the keys %v", names)
	}
	p.ok(t, "plan", "--detailed-exitcode", "-f", "less.yaml") // the list is one object now
}
