package main

import (
	"net/http"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/orgctl/orgctl/pkg/client/sim"
)

// heldSandbox serves an organization that keeps one sort of request of its services waiting, so that a test can act while it is
// under way.
type heldSandbox struct {
	*sim.Server
	reached chan struct{} // closed when the first such request has come
	release func()        // lets it and all later ones go on
}

func holding(method string) *heldSandbox {
	reached, released := make(chan struct{}), make(chan struct{})
	var once sync.Once
	h := &heldSandbox{reached: reached, release: sync.OnceFunc(func() { close(released) })}
	h.Server = sim.New(sim.Config{}, sim.WithHook(func(phase string, _ int, r *http.Request) {
		if phase == "before" && r.Method == method && strings.HasSuffix(r.URL.Path, "/services") {
			once.Do(func() { close(reached) })
			<-released
		}
	}))
	return h
}

func (h *heldSandbox) await(t *testing.T, p *process) {
	t.Helper()
	select {
	case <-h.reached:
	case <-time.After(patience):
		t.Fatalf("the request never came\n%s\n%s", p.stdout, p.stderr)
	}
}

// count says how many requests of a sort were answered.
func (h *heldSandbox) count(method, suffix string) int {
	n := 0
	for _, r := range h.Requests() {
		if r.Method == method && strings.HasSuffix(r.Path, suffix) && r.Status == http.StatusOK {
			n++
		}
	}
	return n
}

const warehouse = "spec:\n  serviceDefaults: {provider: aws, region: us-east-1, ipAccessList: []}\n" +
	"  services:\n    - {name: orders}\n    - {name: reports, warehouse: orders}\n"

// TestInterruptedApply: the first signal lets the call under way finish and begins nothing more; the report says what became
// of everything, the exit code says which signal it was, and running again goes on from there.
func TestInterruptedApply(t *testing.T) {
	for _, tt := range []struct {
		signal os.Signal
		want   int
	}{{os.Interrupt, 130}, {syscall.SIGTERM, 143}, {syscall.SIGHUP, 143}} {
		t.Run(tt.signal.String(), func(t *testing.T) {
			t.Parallel()
			api := holding(http.MethodPost)
			p := newProgram(t, credentials(t, api.Server)...)
			t.Cleanup(api.release)
			p.write(t, "org.yaml", manifest(warehouse))

			running := p.start(t, nil, "apply", "--yes", "-f", "org.yaml", "--secrets-out", "secrets")
			api.await(t, running)
			running.signal(t, tt.signal)
			running.stderr.await(t, "finishing the calls under way, starting nothing new")
			api.release()
			if code := running.wait(t); code != tt.want {
				t.Errorf("exit code %d, want %d\n%s", code, tt.want, running.stderr)
			}
			for _, want := range []string{
				"Unknown (1):", "create service/orders (org.yaml:7): ", "Skipped (1):", "create service/reports (org.yaml:8): ",
				"Applied 0, failed 0, skipped 1, unknown 1.", "not converged: ",
			} {
				if !strings.Contains(running.stdout.String(), want) {
					t.Errorf("no %q in the report\n%s", want, running.stdout)
				}
			}
			if n := api.count(http.MethodPost, "/services"); n != 1 {
				t.Errorf("%d services were created, want the one under way", n)
			}

			if r := p.ok(t, "apply", "--yes", "-f", "org.yaml", "--secrets-out", "secrets"); r.lastLine() != "converged" {
				t.Errorf("the next run: %s", r.stdout)
			}
			if n := api.count(http.MethodPost, "/services"); n != 2 {
				t.Errorf("%d services were created in all, want 2", n)
			}
		})
	}
}

// TestSecondInterrupt aborts: the process ends although the API has not answered. That this is so, the first one says even to the
// quiet.
func TestSecondInterrupt(t *testing.T) {
	t.Parallel()
	api := holding(http.MethodPost)
	p := newProgram(t, credentials(t, api.Server)...)
	t.Cleanup(api.release)
	p.write(t, "org.yaml", manifest(warehouse))

	running := p.start(t, nil, "apply", "--quiet", "--yes", "-f", "org.yaml", "--secrets-out", "secrets")
	api.await(t, running)
	running.signal(t, os.Interrupt)
	running.stderr.await(t, "press again to abort")
	running.signal(t, os.Interrupt)
	if code := running.wait(t); code != 130 {
		t.Errorf("exit code %d, want 130\n%s", code, running.stderr)
	}
	if !strings.Contains(running.stdout.String(), "Applied 0, failed 0, skipped 1, unknown 1.") {
		t.Errorf("the report does not count what was under way as unknown\n%s", running.stdout)
	}
}

// TestInterruptedRead: while nothing is being changed there is nothing to finish: the first signal aborts.
func TestInterruptedRead(t *testing.T) {
	for _, command := range []string{"plan", "drift", "apply", "export"} {
		t.Run(command, func(t *testing.T) {
			t.Parallel()
			api := holding(http.MethodGet)
			p := newProgram(t, credentials(t, api.Server)...)
			t.Cleanup(api.release)
			p.write(t, "org.yaml", manifest(warehouse))
			args := []string{command}
			if command != "export" {
				args = append(args, "-f", "org.yaml")
			}
			if command == "apply" {
				args = append(args, "--yes", "--secrets-out", "secrets")
			}
			running := p.start(t, nil, args...)
			api.await(t, running)
			running.signal(t, syscall.SIGTERM)
			if code := running.wait(t); code != 143 {
				t.Errorf("exit code %d, want 143\n%s", code, running.stderr)
			}
			if running.stdout.String() != "" {
				t.Errorf("stdout: %s", running.stdout)
			}
		})
	}
}

// TestInterruptedWait: waiting for a slow object is given up at once, and said so; the next run finds the object and carries on
// with it.
func TestInterruptedWait(t *testing.T) {
	t.Parallel()
	api := sim.New(sim.Config{Delays: sim.Delays{Provision: time.Hour}})
	p := newProgram(t, credentials(t, api)...)
	p.env = append(p.env, "ORGCTL_TICK=50ms", "ORGCTL_RATE=1000/1s") // the limit of the wait is far away
	p.write(t, "org.yaml", manifest(warehouse))

	running := p.start(t, nil, "apply", "--yes", "-f", "org.yaml", "--secrets-out", "secrets")
	running.stderr.await(t, "service/orders: create: waiting (provisioning, ")
	running.signal(t, os.Interrupt)
	if code := running.wait(t); code != 130 {
		t.Errorf("exit code %d, want 130\n%s", code, running.stderr)
	}
	if !strings.Contains(running.stdout.String(), "Applied 0, failed 0, skipped 1, unknown 1.") {
		t.Errorf("report: %s", running.stdout)
	}
	api.Advance(time.Hour)
	api.SetConfig(sim.Config{})
	p.env = append(p.env, "ORGCTL_TICK=1ms")
	if r := p.ok(t, "apply", "--yes", "-f", "org.yaml", "--secrets-out", "secrets"); r.lastLine() != "converged" {
		t.Errorf("the next run: %s", r.stdout)
	}
	created := 0
	for _, r := range api.Requests() {
		if r.Method == http.MethodPost && strings.HasSuffix(r.Path, "/services") {
			created++
		}
	}
	if created != 2 {
		t.Errorf("%d services were created in all, want 2", created)
	}
}

// TestStoppedInAPause: while the API asks for a pause nothing is under way, so that the first signal ends the run, and so does
// --timeout; what was refused is not called unknown.
func TestStoppedInAPause(t *testing.T) {
	for _, tt := range []struct {
		name string
		args []string
		code int
		says string
	}{
		{"signal", nil, 130, "interrupted; run again to go on"},
		{"timeout", []string{"--timeout", "5s"}, exitPartial, "stopped after --timeout 5s; run again to go on"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			api := sim.New(sim.Config{Faults: []sim.Fault{{Kind: sim.Fault429, Method: http.MethodPost, Delay: time.Hour}}})
			p := newProgram(t, credentials(t, api)...)
			p.env = append(p.env, "ORGCTL_TICK=1s", "ORGCTL_RATE=1000/1s")
			p.write(t, "org.yaml", manifest(warehouse))
			args := append([]string{"apply", "--yes", "-f", "org.yaml", "--secrets-out", "secrets"}, tt.args...)
			running := p.start(t, nil, args...)
			running.stderr.await(t, "for the rate limit")
			if tt.args == nil {
				running.signal(t, os.Interrupt)
			}
			if code := running.wait(t); code != tt.code {
				t.Errorf("exit code %d, want %d\n%s", code, tt.code, running.stderr)
			}
			for _, want := range []string{"Applied 0, failed 0, skipped 2, unknown 0.", tt.says} {
				if !strings.Contains(running.stdout.String(), want) {
					t.Errorf("no %q in the report\n%s", want, running.stdout)
				}
			}
		})
	}
}

// reading are the commands that read the organization before anything else.
func reading() [][]string {
	return [][]string{
		{"plan", "-f", "org.yaml"},
		{"drift", "-f", "org.yaml"},
		{"export"},
		{"apply", "--yes", "-f", "org.yaml", "--secrets-out", "secrets"},
	}
}

// TestTimeoutOfReading: plan, drift, export and the planning of apply end with --timeout, exit 1: nothing was changed.
func TestTimeoutOfReading(t *testing.T) {
	for _, args := range reading() {
		t.Run(args[0], func(t *testing.T) {
			t.Parallel()
			api := holding(http.MethodGet)
			p := newProgram(t, credentials(t, api.Server)...)
			t.Cleanup(api.release)
			p.write(t, "org.yaml", manifest(warehouse))
			r := p.run(t, append(args, "--timeout", "100ms")...)
			if r.code != exitError || r.stdout != "" || !strings.Contains(r.stderr, "orgctl: gave up after --timeout 100ms") {
				t.Errorf("exit code %d\n%s\n%s", r.code, r.stdout, r.stderr)
			}
		})
	}
}

// TestInterruptedReading: who presses Ctrl-C before anything is applied is told that nothing was.
func TestInterruptedReading(t *testing.T) {
	for _, args := range reading() {
		t.Run(args[0], func(t *testing.T) {
			t.Parallel()
			api := holding(http.MethodGet)
			p := newProgram(t, credentials(t, api.Server)...)
			t.Cleanup(api.release)
			p.write(t, "org.yaml", manifest(warehouse))
			running := p.start(t, nil, args...)
			api.await(t, running)
			running.signal(t, os.Interrupt)
			if code := running.wait(t); code != 130 {
				t.Errorf("exit code %d, want 130", code)
			}
			if !strings.HasSuffix(running.stderr.String(), "orgctl: interrupted; nothing was changed\n") {
				t.Errorf("standard error: %s", running.stderr)
			}
		})
	}
}

// TestServedSandbox: orgctl sandbox in one terminal, what it prints in the environment of another, and the whole example is
// applied over HTTP.
func TestServedSandbox(t *testing.T) {
	t.Parallel()
	p := withExamples(t)
	sandbox := p.start(t, nil, "sandbox", "--listen", "127.0.0.1:0")
	sandbox.stdout.await(t, "export CLICKHOUSE_CLOUD_API_SECRET=")
	sandbox.stderr.await(t, "serving organization ")
	settings := map[string]string{}
	for line := range strings.Lines(sandbox.stdout.String()) {
		setting, ok := strings.CutPrefix(strings.TrimSpace(line), "export ")
		if !ok {
			t.Fatalf("not a setting: %s", line)
		}
		name, value, _ := strings.Cut(setting, "=")
		settings[name] = value
		p.env = append(p.env, setting)
	}
	// A client that takes the settings as they are, and appends paths to the URL, as the vendor's provider does.
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet,
		settings["CLICKHOUSE_API_URL"]+"/organizations/"+settings["CLICKHOUSE_ORG_ID"]+"/services", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.SetBasicAuth(settings["CLICKHOUSE_CLOUD_API_KEY"], settings["CLICKHOUSE_CLOUD_API_SECRET"])
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	if err := response.Body.Close(); err != nil || response.StatusCode != http.StatusOK {
		t.Errorf("GET %s: %s, %v", request.URL, response.Status, err)
	}
	r := p.ok(t, "apply", "--yes", "-f", "examples/acme", "--rate", "1000/10s", "--secrets-out", "secrets")
	if r.lastLine() != "converged" {
		t.Errorf("%s\n%s", r.stdout, r.stderr)
	}
	r = p.ok(t, "plan", "-f", "examples/acme", "--detailed-exitcode", "--rate", "1000/10s")
	if !strings.HasPrefix(r.lastLine(), "No changes. ") {
		t.Errorf("second plan: %s", r.stdout)
	}
	sandbox.signal(t, os.Interrupt)
	if code := sandbox.wait(t); code != 130 {
		t.Errorf("sandbox: exit code %d, want 130\n%s", code, sandbox.stderr)
	}
}
