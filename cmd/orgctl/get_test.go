package main

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/orgctl/orgctl/pkg/client/sim"
)

// TestDays: a period is made of whole days in UTC, 31 at most, whatever of it is given.
func TestDays(t *testing.T) {
	moment := func(text string) time.Time {
		if text == "" {
			return time.Time{}
		}
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	now := moment("2026-03-31T23:59:59Z")
	for _, test := range []struct{ from, to, want, problem string }{
		{"", "", "from_date=2026-03-01&to_date=2026-03-31", ""},
		{"2026-03-31T23:00:00Z", "", "from_date=2026-03-31&to_date=2026-03-31", ""},
		{"2026-03-01T00:00:00+01:00", "", "", "2026-02-28 to 2026-03-31 are 32 days"},
		{"", "2026-02-01T00:00:00Z", "from_date=2026-01-02&to_date=2026-02-01", ""},
		{"2024-02-28T12:00:00Z", "2024-03-01T00:00:00Z", "from_date=2024-02-28&to_date=2024-03-01", ""},
		{"2026-03-02T12:00:00Z", "2026-03-02T00:00:00Z", "from_date=2026-03-02&to_date=2026-03-02", ""},
		{"2026-03-02T00:00:00Z", "2026-03-01T23:59:59Z", "", "--from is after --to"},
		{"2026-04-01T00:00:00Z", "", "", "--from is in the future"},
		{"2026-04-01T00:00:00Z", "2026-04-02T00:00:00Z", "from_date=2026-04-01&to_date=2026-04-02", ""},
	} {
		got, err := days(moment(test.from), moment(test.to), now)
		if got.Encode() != test.want {
			t.Errorf("%q to %q: %q, want %q", test.from, test.to, got.Encode(), test.want)
		}
		if (err != nil) != (test.problem != "") || err != nil && !strings.HasPrefix(err.Error(), test.problem) {
			t.Errorf("%q to %q: error %v, want %q", test.from, test.to, err, test.problem)
		}
	}
}

// TestGetWatch: --watch shows a service again when it changes, appears or goes, nothing of what stays as it is, and ends with a
// signal. It only reads.
func TestGetWatch(t *testing.T) {
	server := sim.New(sim.Config{})
	edit := func(e sim.Edit) {
		t.Helper()
		if _, err := server.Edit(e); err != nil {
			t.Fatal(err)
		}
	}
	service := func(name string, create bool, set map[string]any) sim.Edit {
		return sim.Edit{Kind: "service", Name: name, Create: create, Set: set}
	}
	fields := map[string]any{"provider": "aws", "region": "us-east-1", "ipAccessList": []any{}}
	edit(service("orders", true, fields))
	edit(service("events", true, fields))
	p := newProgram(t, credentials(t, server)...)
	running := p.start(t, nil, "get", "services", "--watch", "--interval", "1s", "--rate", "1000/1s")
	running.stdout.await(t, "orders   running")
	edit(service("orders", false, map[string]any{"numReplicas": 7}))
	running.stdout.await(t, "us-east-1   7")
	edit(service("reports", true, fields))
	running.stdout.await(t, "reports")
	edit(sim.Edit{Kind: "service", Name: "events", Delete: true})
	running.stdout.await(t, "gone")
	running.signal(t, os.Interrupt)
	if code := running.wait(t); code != 130 {
		t.Errorf("exit code %d", code)
	}
	for text, want := range map[string]int{"NAME": 1, "\norders": 2, "\nevents": 2, "\nreports": 1} {
		if got := strings.Count(running.stdout.String(), text); got != want {
			t.Errorf("%d times %q, want %d:\n%s", got, text, want, running.stdout)
		}
	}
	for _, r := range server.Requests() {
		if r.Method != "GET" {
			t.Errorf("%s %s was sent", r.Method, r.Path)
		}
	}
}

// TestGetWatchKeepsToTheRate: --watch looks no more often than the rate allows, however short its interval is. The server's window
// is half of what it is taken for, as in TestRunsInARowShareTheRate.
func TestGetWatchKeepsToTheRate(t *testing.T) {
	t.Parallel()
	server := sim.New(sim.Config{RateLimit: sim.RateLimit{Requests: 10, Window: time.Second}})
	replicas := func(n int, create bool) {
		t.Helper()
		set := map[string]any{"numReplicas": n}
		if create {
			set = map[string]any{"numReplicas": n, "provider": "aws", "region": "us-east-1", "ipAccessList": []any{}}
		}
		if _, err := server.Edit(sim.Edit{Kind: "service", Name: "orders", Create: create, Set: set}); err != nil {
			t.Fatal(err)
		}
	}
	replicas(2, true)
	p := newProgram(t, credentials(t, server)...)
	p.env = append(p.env, "ORGCTL_TICK=1s", "ORGCTL_RATE=10/2s")
	running := p.start(t, nil, "get", "services", "--watch", "--interval", "1ms")
	running.stdout.await(t, "us-east-1   2 ")
	for n := 3; len(server.Requests()) <= 10; n++ { // until it had to wait
		replicas(n, false)
		running.stdout.await(t, fmt.Sprintf("us-east-1   %d ", n))
	}
	running.signal(t, os.Interrupt)
	if code := running.wait(t); code != 130 {
		t.Errorf("exit code %d", code)
	}
	for i, r := range server.Requests() {
		if r.Status != http.StatusOK {
			t.Errorf("request %d of %d: %s %s: %d", i+1, len(server.Requests()), r.Method, r.Path, r.Status)
		}
	}
}
