package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/orgctl/orgctl/pkg/client/sim"
)

// underway is a program whose organization another apply on the host has, until release.
func underway(t *testing.T) (p *program, release func()) {
	t.Helper()
	p = newProgram(t)
	p.write(t, "org.yaml", manifest("spec:\n  name: Acme\n"))
	release, err := lock(filepath.Join(p.dir, "org.json.lock"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(release)
	return p, release
}

// TestLockTimeout: who is told to wait for another apply says so, goes on once that has ended, and plans only then.
func TestLockTimeout(t *testing.T) {
	p, release := underway(t)
	running := p.start(t, nil, "apply", "--sandbox", "org.json", "-f", "org.yaml", "--yes", "--lock-timeout", "1h")
	running.stderr.await(t, "waiting up to 1h for another apply on this host (process ")
	release()
	if code := running.wait(t); code != exitOK || !strings.HasSuffix(running.stdout.String(), "\nconverged\n") {
		t.Errorf("exit code %d\n%s\n%s", code, running.stdout, running.stderr)
	}
	if n := strings.Count(running.stderr.String(), "waiting up to"); n != 1 {
		t.Errorf("said %d times that it waits:\n%s", n, running.stderr)
	}
}

// TestLockTimeoutIsOver: the end of the wait, and whatever else ends the run, leaves everything as it is.
func TestLockTimeoutIsOver(t *testing.T) {
	p, _ := underway(t)
	apply := []string{"apply", "--sandbox", "org.json", "-f", "org.yaml", "--yes"}
	for _, tt := range []struct {
		flags []string
		said  string
	}{
		{nil, "run again when it has ended, or wait for it with --lock-timeout DURATION"},
		{[]string{"--lock-timeout", "1ms"}, "gave up after --lock-timeout 1ms: lock: another apply of this organization is under way on this host"},
		{[]string{"--lock-timeout", "1h", "--timeout", "1ms"}, "gave up after --timeout 1ms; nothing was changed"},
	} {
		if r := p.run(t, append(apply, tt.flags...)...); r.code != exitError || !strings.Contains(r.stderr, tt.said) || r.stdout != "" {
			t.Errorf("%v: exit code %d, and not %q:\n%s\n%s", tt.flags, r.code, tt.said, r.stdout, r.stderr)
		}
	}
	running := p.start(t, nil, append(apply, "--lock-timeout", "1h")...)
	running.stderr.await(t, "waiting up to")
	running.signal(t, os.Interrupt)
	if code := running.wait(t); code != 130 || !strings.Contains(running.stderr.String(), "interrupted; nothing was changed") {
		t.Errorf("exit code %d\n%s", code, running.stderr)
	}
	if _, err := os.Stat(filepath.Join(p.dir, "org.json")); err == nil {
		t.Error("an organization was made by a run that did not have its lock")
	}
}

// TestWhatAWaitingRunPlans: what it has read before it had the lock, to know whose that is, is not what it plans from.
func TestWhatAWaitingRunPlans(t *testing.T) {
	t.Parallel()
	api := holding(http.MethodPost)
	p := newProgram(t, credentials(t, api.Server)...)
	t.Cleanup(api.release)
	p.write(t, "first.yaml", manifest(warehouse))
	p.write(t, "second.yaml", manifest("spec: {name: Changed}"))
	first := p.start(t, nil, "apply", "--yes", "-f", "first.yaml", "--secrets-out", "secrets")
	api.await(t, first)
	second := p.start(t, nil, "apply", "--yes", "-f", "second.yaml", "--lock-timeout", "1h")
	second.stderr.await(t, "waiting up to")
	if _, err := api.Edit(sim.Edit{Kind: "organization", Set: map[string]any{"name": "Changed"}}); err != nil {
		t.Fatal(err)
	}
	api.release()
	if code := first.wait(t); code != exitOK {
		t.Errorf("exit code %d\n%s", code, first.stderr)
	}
	if code := second.wait(t); code != exitOK || !strings.Contains(second.stdout.String(), "No changes") {
		t.Errorf("exit code %d\n%s\n%s", code, second.stdout, second.stderr)
	}
}
