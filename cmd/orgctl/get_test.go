package main

import (
	"os"
	"strings"
	"testing"

	"github.com/orgctl/orgctl/pkg/client/sim"
)

// TestGetWatch: --watch shows a service again when it changes, appears or goes, nothing of what stays as it is, and ends with a
// signal. It asks no more often than the rate allows.
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
