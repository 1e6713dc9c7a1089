package sim_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orgctl/orgctl/pkg/client/sim"
)

// TestFaultKinds strikes a create, in process and over HTTP: what the caller sees, and whether the service exists.
func TestFaultKinds(t *testing.T) {
	tests := map[sim.FaultKind]struct {
		seen     string // status and body, or the error
		executed bool
	}{
		sim.Fault500Before: {"500 INTERNAL_ERROR: injected before execution", false},
		sim.Fault500After:  {"500 INTERNAL_ERROR: injected after execution", true},
		sim.Fault502Plain:  {"502 Bad Gateway", false},
		sim.FaultCutBefore: {"cut", false},
		sim.FaultCutAfter:  {"cut", true},
		sim.FaultTruncated: {"truncated", true},
		sim.Fault429:       {"429 TOO_MANY_REQUESTS: injected, reset 2.500", false},
		sim.Fault400:       {"400 BAD_REQUEST: injected", false},
		sim.Fault404:       {"404 NOT_FOUND: injected", false},
		sim.Fault409:       {"409 CONFLICT: injected", false},
		sim.FaultHollow:    {"200", true}, // a creation is no list
		sim.FaultSlow:      {"200", true},
	}
	for kind, want := range tests {
		delay := 2500 * time.Millisecond
		if kind == sim.FaultSlow {
			delay = time.Millisecond
		}
		cfg := sim.Config{Faults: []sim.Fault{{Method: "POST", Path: "**/services", Count: 1, Kind: kind, Delay: delay}}}
		body := object{"name": "struck", "provider": "aws", "region": "us-east-1", "ipAccessList": []any{}}
		check := func(t *testing.T, srv *sim.Server, c *caller) {
			t.Helper()
			a, err := c.try("POST", "/services", body)
			var seen string
			switch {
			case errors.Is(err, io.ErrUnexpectedEOF) && strings.Contains(err.Error(), "read: "):
				seen = "truncated"
			case err != nil:
				seen = "cut"
			case a.Error != "":
				seen = fmt.Sprintf("%d %s", a.Status, a.Error)
			case a.Status == http.StatusOK:
				seen = "200"
			default:
				seen = fmt.Sprintf("%d %s", a.Status, a.Raw)
			}
			if err == nil && a.Header.Get("X-RateLimit-Reset") != "" {
				seen += ", reset " + a.Header.Get("X-RateLimit-Reset")
			}
			if seen != want.seen {
				t.Errorf("seen %q (%v), want %q", seen, err, want.seen)
			}
			if executed := len(c.list("/services")) == 1; executed != want.executed {
				t.Errorf("executed %v, want %v", executed, want.executed)
			}
			if first := srv.Requests()[0]; first.Fault != kind {
				t.Errorf("the log shows the fault %q", first.Fault)
			}
			c.newService("after") // the rule has ended
		}
		t.Run("process/"+string(kind), func(t *testing.T) {
			srv, c, _ := start(t, cfg)
			check(t, srv, c.unchecked())
		})
		t.Run("http/"+string(kind), func(t *testing.T) {
			srv, c, _ := start(t, cfg)
			web := httptest.NewServer(srv)
			defer web.Close()
			c.rt, c.base = web.Client().Transport, web.URL
			check(t, srv, c)
		})
	}
}

// TestFaultRules is the table of which of ten requests are struck.
func TestFaultRules(t *testing.T) {
	tests := map[string]struct {
		faults []sim.Fault
		want   string
	}{
		"all":           {[]sim.Fault{{Kind: sim.Fault409}}, "xxxxxxxxxx"},
		"count":         {[]sim.Fault{{Count: 3, Kind: sim.Fault409}}, "xxx......."},
		"nth":           {[]sim.Fault{{Nth: 4, Kind: sim.Fault409}}, "...x......"},
		"every":         {[]sim.Fault{{Every: 3, Kind: sim.Fault409}}, "..x..x..x."},
		"every, twice":  {[]sim.Fault{{Every: 3, Count: 2, Kind: sim.Fault409}}, "..x..x...."},
		"other method":  {[]sim.Fault{{Method: "POST", Kind: sim.Fault409}}, ".........."},
		"other path":    {[]sim.Fault{{Path: "/v1/organizations/*", Kind: sim.Fault409}}, ".........."},
		"path":          {[]sim.Fault{{Path: "/v1/organizations/*/serv*", Nth: 1, Kind: sim.Fault409}}, "x........."},
		"first wins":    {[]sim.Fault{{Nth: 2, Kind: sim.Fault409}, {Nth: 2, Kind: sim.Fault500Before}, {Nth: 3, Kind: sim.Fault500Before}}, ".x5......."},
		"never":         {[]sim.Fault{{Probability: 1e-12, Kind: sim.Fault409}}, ".........."},
		"always":        {[]sim.Fault{{Probability: 1, Kind: sim.Fault409}}, "xxxxxxxxxx"},
		"unknown kind":  {[]sim.Fault{{Nth: 1, Kind: "quake"}}, "5........."},
		"by chance":     {[]sim.Fault{{Probability: 0.5, Kind: sim.Fault409}}, "same"},
		"by chance too": {[]sim.Fault{{Probability: 0.5, Kind: sim.Fault409}}, "same"},
	}
	var byChance string
	for name, test := range tests {
		_, c, _ := start(t, sim.Config{Seed: 7, Faults: test.faults})
		got := ""
		for range 10 {
			got += map[int]string{200: ".", 409: "x", 500: "5"}[c.do("GET", "/services", nil).Status]
		}
		if test.want == "same" {
			// One seed, one sequence; and it is neither all nor nothing.
			if byChance == "" {
				byChance = got
			}
			test.want = byChance
			if !strings.Contains(got, "x") || !strings.Contains(got, ".") {
				t.Errorf("%s: struck %s", name, got)
			}
		}
		if got != test.want {
			t.Errorf("%s: struck %s, want %s", name, got, test.want)
		}
	}
}

func TestRateLimit(t *testing.T) {
	srv, c, clk := start(t, sim.Config{RateLimit: sim.RateLimit{Requests: 3, Window: 10 * time.Second}})
	other, err := srv.Edit(sim.Edit{Kind: "key", Name: "other", Create: true, Set: object{"roles": []any{"Admin"}}})
	if err != nil {
		t.Fatal(err)
	}
	got := ""
	for range 4 {
		got += fmt.Sprint(c.do("GET", "/services", nil).Status, " ")
		clk.advance(1500 * time.Millisecond)
	}
	a := c.do("GET", "/services", nil)
	if got != "200 200 200 429 " || a.Status != 429 || a.Error != "TOO_MANY_REQUESTS: rate limit exceeded" || a.Header.Get("X-RateLimit-Reset") != "4.000" {
		t.Errorf("statuses %s, then %d %q, reset %s", got, a.Status, a.Error, a.Header.Get("X-RateLimit-Reset"))
	}
	c.as(other.KeyID, other.KeySecret).list("/services") // each key has a window of its own
	clk.advance(4*time.Second - time.Millisecond)
	if a := c.do("GET", "/services", nil); a.Status != 429 || a.Header.Get("X-RateLimit-Reset") != "0.001" {
		t.Errorf("just before the reset: status %d, reset %s", a.Status, a.Header.Get("X-RateLimit-Reset"))
	}
	clk.advance(time.Millisecond)
	for range 3 {
		c.list("/services") // refused requests have not counted
	}
}

// TestLatencyInABubble runs slow requests on the fake time of synctest: no real time passes, and a caller that gives up is gone
// before anything is executed.
func TestLatencyInABubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := sim.New(sim.Config{Delays: sim.Delays{Latency: time.Hour, Provision: 30 * time.Minute}})
		c := newCaller(t, srv)
		began := time.Now()
		id := c.newService("slow")
		if took := time.Since(began); took != time.Hour {
			t.Errorf("a request took %s", took)
		}
		if got := c.state(id); got != "running" {
			t.Errorf("an hour later the service is %s", got)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+c.org+"/keys", strings.NewReader(`{"name":"late"}`))
		if err != nil {
			t.Fatal(err)
		}
		req.SetBasicAuth(c.id, c.key)
		req.Header.Set("Content-Type", "application/json")
		resp, err := c.rt.RoundTrip(req)
		if err == nil {
			_ = resp.Body.Close()
		}
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a caller that gives up sees %v", err)
		}
		if got := len(c.list("/keys")); got != 1 {
			t.Errorf("%d keys exist", got)
		}
	})
}

// TestHook records the phases around each request, and that the Server may be used from within.
func TestHook(t *testing.T) {
	var srv *sim.Server
	var seen []string
	srv = sim.New(sim.Config{}, sim.WithHook(func(phase string, n int, r *http.Request) {
		services := srv.Config().Lenient || len(srv.Requests()) != n-1 // use it: neither may deadlock
		seen = append(seen, fmt.Sprintf("%s %d %s %v", phase, n, r.Method, services))
	}))
	c := newCaller(t, srv)
	c.newService("hooked")
	c.list("/services")
	want := []string{"before 1 POST false", "after 1 POST false", "before 2 GET false", "after 2 GET false"}
	if diff := cmp.Diff(want, seen); diff != "" {
		t.Errorf("phases (-want +got):\n%s", diff)
	}
}

func TestRequestLog(t *testing.T) {
	srv, c, _ := start(t, sim.Config{})
	c.newService("logged")
	c.do("GET", "/services/7?x=1", nil)
	c.ok("POST", "/keys", object{"name": "k", "hashData": object{"keyIdHash": hash("abcd"), "keyIdSuffix": "abcd", "keySecretHash": hash("s")}})
	type line struct {
		N                                      int
		Method, Path, Query, KeySuffix, UA, In string
		Status                                 int
	}
	var got []line
	for _, r := range srv.Requests() {
		got = append(got, line{r.N, r.Method, strings.TrimPrefix(r.Path, c.org), r.Query, r.KeySuffix, r.UserAgent, string(r.Body), r.Status})
	}
	suffix := c.id[16:]
	want := []line{
		{1, "POST", "/services", "", suffix, "sim_test/1", `{"ipAccessList":[],"name":"logged","provider":"aws","region":"us-east-1"}`, 200},
		{2, "GET", "/services/7", "x=1", suffix, "sim_test/1", "", 400},
		{3, "POST", "/keys", "", suffix, "sim_test/1", `{"hashData":{"keyIdHash":"[redacted]","keyIdSuffix":"abcd","keySecretHash":"[redacted]"},"name":"k"}`, 200},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
	srv.ResetRequests()
	c.list("/services")
	if log := srv.Requests(); len(log) != 1 || log[0].N != 4 {
		t.Errorf("after a reset the log is %v", log)
	}
}

func TestOutsideTheAPI(t *testing.T) {
	_, c, _ := start(t, sim.Config{})
	for _, path := range []string{"/", "/organizations", "/v2/organizations", "/v1x", "/_sandboxes"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, c.base+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := c.bare.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		page, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil || resp.StatusCode != http.StatusNotFound || !strings.Contains(string(page), "<html>") {
			t.Errorf("%s: status %d, %v: %s", path, resp.StatusCode, err, page)
		}
	}
}

func TestContentType(t *testing.T) {
	_, c, _ := start(t, sim.Config{})
	for header, want := range map[string]int{"application/json": 200, "application/json; charset=utf-8": 200, "text/plain": 400, "": 400} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPatch, c.base+c.org, strings.NewReader(`{}`))
		if err != nil {
			t.Fatal(err)
		}
		req.SetBasicAuth(c.id, c.key)
		req.Header.Set("Content-Type", header)
		resp, err := c.bare.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("%q: status %d, want %d", header, resp.StatusCode, want)
		}
	}
}

// TestEnvelopes pins the raw form of replies.
func TestEnvelopes(t *testing.T) {
	_, c, _ := start(t, sim.Config{})
	keys := func(raw []byte) string {
		var m map[string]json.RawMessage
		if err := json.Unmarshal(raw, &m); err != nil {
			t.Fatalf("%v: %s", err, raw)
		}
		var names []string
		for _, n := range []string{"status", "requestId", "result", "error"} {
			if _, ok := m[n]; ok {
				names = append(names, n)
			}
		}
		return fmt.Sprintf("%d of %d: %s", len(names), len(m), strings.Join(names, " "))
	}
	id := c.newService("x")
	c.ok("PATCH", "/services/"+id+"/state", object{"command": "stop"})
	for name, test := range map[string]struct {
		got  answer
		want string
	}{
		"get":    {c.do("GET", "/services", nil), "3 of 3: status requestId result"},
		"delete": {c.do("DELETE", "/services/"+id, nil), "2 of 2: status requestId"},
		"error":  {c.do("GET", "/services/"+id, nil), "3 of 3: status requestId error"},
	} {
		if got := keys(test.got.Raw); got != test.want {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
	first, second := c.do("GET", "", nil), c.do("GET", "", nil)
	if string(first.Raw) == string(second.Raw) {
		t.Error("two replies have one request id")
	}
}

// TestConcurrency has many callers at once; run with -race.
func TestConcurrency(t *testing.T) {
	srv, c, _ := start(t, sim.Config{Delays: sim.Delays{Lag: time.Second}})
	c = c.unchecked()
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 10 {
				name := fmt.Sprintf("s %d %d", i, j)
				a, err := c.try("POST", "/services", object{"name": name, "provider": "aws", "region": "us-east-1", "ipAccessList": []any{}})
				if err != nil || a.Status != http.StatusOK {
					t.Errorf("create: %v: %s", err, a.Raw)
				}
				if a, err := c.try("GET", "/services", nil); err != nil || a.Status != http.StatusOK {
					t.Errorf("list: %v: %s", err, a.Raw)
				}
				srv.Advance(time.Millisecond)
				srv.Requests()
				if _, err := srv.Edit(sim.Edit{Kind: "organization", Set: object{"name": fmt.Sprint(i, j)}}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	srv.Advance(time.Minute)
	if got := len(c.list("/services")); got != 80 {
		t.Errorf("%d services exist", got)
	}
	if got := len(srv.Requests()); got != 161 {
		t.Errorf("%d requests are logged", got)
	}
}

func TestHollowList(t *testing.T) {
	srv, c, _ := start(t, sim.Config{})
	c.newService("orders")
	srv.SetConfig(sim.Config{Faults: []sim.Fault{{Kind: sim.FaultHollow}}})
	if list := c.unchecked().list("/services"); len(list) != 1 || len(list[0]) != 0 {
		t.Errorf("the list is %v", list)
	}
}

func TestIgnoredOnCreate(t *testing.T) {
	_, c, _ := start(t, sim.Config{IgnoredOnCreate: []string{"complianceType"}})
	c.do("POST", "/services", object{
		"name": "orders", "provider": "aws", "region": "us-east-1", "ipAccessList": []any{}, "complianceType": "hipaa",
	})
	if made := c.list("/services")[0]; made["complianceType"] != nil {
		t.Errorf("the service is %v", made)
	}
}
