package sim_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/orgctl/orgctl/pkg/client/sim"
	"github.com/orgctl/orgctl/pkg/client/sim/openapitest"
)

const unknownID = "11111111-1111-4111-8111-111111111111"

// checker gives the contract checker, nil when no document is at hand.
var checker = sync.OnceValues(func() (*openapitest.Checker, error) {
	path := os.Getenv("ORGCTL_OPENAPI")
	if path == "" {
		return nil, nil
	}
	return openapitest.Load(path)
})

// clock is a settable time source.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func newClock() *clock { return &clock{at: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// caller speaks to a Server with one key.
type caller struct {
	t         *testing.T
	rt        http.RoundTripper
	bare      http.RoundTripper // rt without the contract
	base      string
	org       string
	id, key   string
	userAgent string
}

// start makes a Server on a fake clock and a caller with its admin key. Every exchange is checked against the document, if
// there is one, unless the configuration asks for shapes outside it.
func start(t *testing.T, cfg sim.Config) (*sim.Server, *caller, *clock) {
	t.Helper()
	clk := newClock()
	srv := sim.New(cfg, sim.WithClock(clk.now))
	return srv, newCaller(t, srv), clk
}

func newCaller(t *testing.T, srv *sim.Server) *caller {
	t.Helper()
	cred := srv.Credentials()
	rt := srv.Transport()
	if cfg := srv.Config(); !cfg.OldAPI && !cfg.FutureFields {
		check, err := checker()
		if err != nil {
			t.Fatal(err)
		}
		if check != nil {
			rt = check.RoundTripper(rt, func(err error) { t.Errorf("contract: %v", err) })
		}
	}
	return &caller{
		t: t, rt: rt, bare: srv.Transport(), base: "http://localhost", org: "/v1/organizations/" + cred.OrganizationID,
		id: cred.KeyID, key: cred.KeySecret, userAgent: "sim_test/1",
	}
}

func (c *caller) as(id, key string) *caller {
	other := *c
	other.id, other.key = id, key
	return &other
}

// answer is a decoded reply.
type answer struct {
	Status int
	Header http.Header
	Raw    []byte
	Error  string
	Result any
}

// try sends a request. A path that does not start with a version stands under the organization; body is JSON text, or a value
// to be encoded, or nil.
func (c *caller) try(method, path string, body any) (answer, error) {
	c.t.Helper()
	if !strings.HasPrefix(path, "/v1/") && !strings.HasPrefix(path, "/_sandbox") {
		path = c.org + path
	}
	var content io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		content = strings.NewReader(b)
	default:
		text, err := json.Marshal(b)
		if err != nil {
			c.t.Fatal(err)
		}
		content = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(c.t.Context(), method, c.base+path, content)
	if err != nil {
		c.t.Fatal(err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json; charset=utf-8")
	}
	req.Header.Set("User-Agent", c.userAgent)
	req.SetBasicAuth(c.id, c.key)
	resp, err := c.rt.RoundTrip(req)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return answer{}, fmt.Errorf("read: %w", err)
	}
	a := answer{Status: resp.StatusCode, Header: resp.Header, Raw: raw}
	var envelope struct {
		Error  string
		Result any
	}
	if strings.HasPrefix(path, "/v1/") && strings.HasPrefix(resp.Header.Get("Content-Type"), "application/json") && len(raw) > 0 {
		if err := json.Unmarshal(raw, &envelope); err != nil {
			c.t.Fatalf("%s %s: %v in %s", method, path, err, raw)
		}
	}
	a.Error, a.Result = envelope.Error, envelope.Result
	return a, nil
}

func (c *caller) do(method, path string, body any) answer {
	c.t.Helper()
	a, err := c.try(method, path, body)
	if err != nil {
		c.t.Fatalf("%s %s: %v", method, path, err)
	}
	return a
}

// ok sends a request that must succeed and gives its result.
func (c *caller) ok(method, path string, body any) map[string]any {
	c.t.Helper()
	a := c.do(method, path, body)
	if a.Status != http.StatusOK {
		c.t.Fatalf("%s %s: status %d: %s", method, path, a.Status, a.Raw)
	}
	result, _ := a.Result.(map[string]any)
	return result
}

// list sends a GET that must succeed and gives the objects of its result.
func (c *caller) list(path string) []map[string]any {
	c.t.Helper()
	a := c.do(http.MethodGet, path, nil)
	if a.Status != http.StatusOK {
		c.t.Fatalf("GET %s: status %d: %s", path, a.Status, a.Raw)
	}
	elements, isList := a.Result.([]any)
	if !isList {
		c.t.Fatalf("GET %s: no list: %s", path, a.Raw)
	}
	objects := make([]map[string]any, 0, len(elements))
	for _, e := range elements {
		objects = append(objects, e.(map[string]any))
	}
	return objects
}

// refused sends a request that must fail in exactly this way.
func (c *caller) refused(method, path string, body any, status int, text string) {
	c.t.Helper()
	a := c.do(method, path, body)
	if a.Status != status || a.Error != text {
		c.t.Errorf("%s %s %v:\n got %d %s\nwant %d %s", method, path, body, a.Status, a.Error, status, text)
	}
}

type object = map[string]any

// newService creates a service and gives its id.
func (c *caller) newService(name string, more ...object) string {
	c.t.Helper()
	body := object{"name": name, "provider": "aws", "region": "us-east-1", "ipAccessList": []any{}}
	for _, m := range more {
		for k, v := range m {
			body[k] = v
		}
	}
	created := c.ok(http.MethodPost, "/services", body)
	return created["service"].(object)["id"].(string)
}

func (c *caller) service(id string) object {
	c.t.Helper()
	return c.ok(http.MethodGet, "/services/"+id, nil)
}

// roleID finds a role by name.
func (c *caller) roleID(name string) string {
	c.t.Helper()
	for _, r := range c.list("/roles") {
		if r["name"] == name {
			return r["id"].(string)
		}
	}
	c.t.Fatalf("no role %q", name)
	return ""
}

// pick gives some fields of an object.
func pick(o object, names ...string) object {
	picked := object{}
	for _, n := range names {
		if v, ok := o[n]; ok {
			picked[n] = v
		}
	}
	return picked
}

// control calls the control API and gives its JSON object; it must succeed.
func (c *caller) control(method, path string, body any) object {
	c.t.Helper()
	a := c.do(method, "/_sandbox"+path, body)
	if a.Status != http.StatusOK {
		c.t.Fatalf("%s /_sandbox%s: status %d: %s", method, path, a.Status, a.Raw)
	}
	var result object
	if err := json.Unmarshal(a.Raw, &result); err != nil {
		c.t.Fatalf("%s /_sandbox%s: %v", method, path, err)
	}
	return result
}

// unchecked is the caller without the contract, for requests that are outside it on purpose.
func (c *caller) unchecked() *caller {
	other := *c
	other.rt = c.bare
	return &other
}

// diffStates compares two states of the control API but for the time.
func diffStates(before, after object) string {
	return cmp.Diff(before, after, cmpopts.IgnoreMapEntries(func(name string, _ any) bool { return name == "now" || name == "usedAt" }))
}
