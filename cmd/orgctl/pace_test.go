package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/orgctl/orgctl/pkg/client/sim"
)

// TestRunsInARowShareTheRate: what one run has sent counts against the next. The server's window is half of what it is taken for
// here, so that a busy machine cannot make requests arrive too close to each other.
func TestRunsInARowShareTheRate(t *testing.T) {
	t.Parallel()
	api := sim.New(sim.Config{RateLimit: sim.RateLimit{Requests: 10, Window: time.Second}})
	p := newProgram(t, credentials(t, api)...)
	p.env = append(p.env, "ORGCTL_TICK=1s", "ORGCTL_RATE=10/2s")
	p.write(t, "org.yaml", manifest("spec: {name: Acme}"))
	for range 3 {
		p.ok(t, "plan", "-f", "org.yaml")
	}
	p.ok(t, "apply", "--yes", "-f", "org.yaml")
	refusals := 0
	for _, r := range api.Requests() {
		if r.Status == http.StatusTooManyRequests {
			refusals++
		}
	}
	if refusals > 0 {
		t.Errorf("%d of %d requests were refused for the rate", refusals, len(api.Requests()))
	}
}

// TestPaceIsNoObstacle: where the times of sends cannot be kept, or make no sense, commands work as without them, and nothing is
// written elsewhere.
func TestPaceIsNoObstacle(t *testing.T) {
	t.Parallel()
	api := sim.New(sim.Config{})
	key := api.Credentials().KeyID
	p := newProgram(t, credentials(t, api)...)
	p.write(t, "org.yaml", manifest("spec: {name: Acme}"))
	p.ok(t, "plan", "-f", "org.yaml")
	files, err := filepath.Glob(filepath.Join(p.dir, ".local/state/orgctl/*.pace"))
	if err != nil || len(files) != 1 {
		t.Fatalf("the times of sends are in %q, %v", files, err)
	}
	pace := files[0]
	data, err := os.ReadFile(pace)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Lstat(pace); err != nil || info.Mode() != 0o600 {
		t.Errorf("%s: %v, %v", pace, info.Mode(), err)
	}
	if strings.Contains(string(data)+pace, key) {
		t.Errorf("%s tells the key", pace)
	}

	victim := filepath.Join(p.dir, "victim")
	p.write(t, "victim", "as it was")
	for name, spoil := range map[string]func() error{
		"garbage":    func() error { return os.WriteFile(pace, []byte(strings.Repeat("garbage\xff", 1000)), 0o600) },
		"empty":      func() error { return os.WriteFile(pace, nil, 0o600) },
		"a link":     func() error { return os.Symlink(victim, pace) },
		"a folder":   func() error { return os.Mkdir(pace, 0o700) },
		"no place":   func() error { return os.RemoveAll(filepath.Dir(pace)) },
		"no folder":  func() error { return os.WriteFile(filepath.Dir(pace), nil, 0o600) },
		"everyone's": func() error { return os.WriteFile(pace, data, 0o666) },
	} {
		if err := os.RemoveAll(filepath.Dir(pace)); err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(filepath.Dir(pace), 0o700); err != nil {
			t.Fatal(err)
		}
		if name == "no folder" {
			if err := os.Remove(filepath.Dir(pace)); err != nil {
				t.Fatal(err)
			}
		}
		if err := spoil(); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if r := p.ok(t, "plan", "-f", "org.yaml"); r.stderr != "" {
			t.Errorf("%s: %s", name, r.stderr)
		}
	}
	if data, err := os.ReadFile(victim); err != nil || string(data) != "as it was" {
		t.Errorf("a link was followed: %q, %v", data, err)
	}
}
