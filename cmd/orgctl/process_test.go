package main

import (
	"errors"
	"io"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/orgctl/orgctl/pkg/client/sim"
)

// patience is how long a test waits for what must happen at once; only a test that fails waits this long.
const patience = time.Minute

// raceOptions keep the race detector from holding every process back for a second before it ends.
const raceOptions = "atexit_sleep_ms=0"

// program runs orgctl as a process in a directory of its own, with nothing in its environment but what is given.
type program struct {
	dir string
	env []string
}

func newProgram(t *testing.T, env ...string) *program {
	t.Helper()
	dir := t.TempDir()
	return &program{dir: dir, env: append([]string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "TMPDIR=" + dir, "ORGCTL_TICK=1ms", "GORACE=" + raceOptions,
	}, env...)}
}

// credentials are the environment that points at a sandbox served on loopback.
func credentials(t *testing.T, server *sim.Server) []string {
	t.Helper()
	listener := httptest.NewServer(server)
	t.Cleanup(listener.Close)
	c := server.Credentials()
	return []string{
		"CLICKHOUSE_API_URL=" + listener.URL, "CLICKHOUSE_CLOUD_API_KEY=" + c.KeyID, "CLICKHOUSE_CLOUD_API_SECRET=" + c.KeySecret,
	}
}

// command is orgctl about to be run.
func (p *program) command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "orgctl", args...)
	cmd.Dir, cmd.Env = p.dir, p.env
	return cmd
}

// result is what a run came to.
type result struct {
	code           int
	stdout, stderr string
}

// lastLine is where a report has its verdict and a plan its summary.
func (r result) lastLine() string {
	lines := strings.Split(strings.TrimRight(r.stdout, "\n"), "\n")
	return lines[len(lines)-1]
}

func (p *program) run(t *testing.T, args ...string) result {
	t.Helper()
	cmd := p.command(t, args...)
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	code := exitCode(cmd.Run())
	return result{code, stdout.String(), stderr.String()}
}

// ok runs orgctl and expects success.
func (p *program) ok(t *testing.T, args ...string) result {
	t.Helper()
	r := p.run(t, args...)
	if r.code != exitOK {
		t.Fatalf("orgctl %s: exit code %d\n%s\n%s", strings.Join(args, " "), r.code, r.stdout, r.stderr)
	}
	return r
}

// process is orgctl while it runs.
type process struct {
	cmd            *exec.Cmd
	stdout, stderr *stream
}

func (p *program) start(t *testing.T, stdin io.Reader, args ...string) *process {
	t.Helper()
	running := &process{cmd: p.command(t, args...), stdout: newStream(), stderr: newStream()}
	running.cmd.Stdin, running.cmd.Stdout, running.cmd.Stderr = stdin, running.stdout, running.stderr
	if err := running.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return running
}

func (p *process) signal(t *testing.T, s os.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

// wait gives the exit code once the process has ended.
func (p *process) wait(t *testing.T) int {
	t.Helper()
	ended := make(chan error, 1)
	go func() { ended <- p.cmd.Wait() }()
	select {
	case err := <-ended:
		return exitCode(err)
	case <-time.After(patience):
		err := p.cmd.Process.Kill()
		t.Fatalf("still running: %v\n%s\n%s", err, p.stdout, p.stderr)
		return -1
	}
}

// stream is output that can be waited for.
type stream struct {
	mu    sync.Mutex
	text  strings.Builder
	grown chan struct{}
}

func newStream() *stream { return &stream{grown: make(chan struct{}, 1)} }

func (s *stream) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case s.grown <- struct{}{}:
	default:
	}
	return s.text.Write(p)
}

func (s *stream) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// await returns once the stream holds a text.
func (s *stream) await(t *testing.T, text string) {
	t.Helper()
	deadline := time.After(patience)
	for !strings.Contains(s.String(), text) {
		select {
		case <-s.grown:
		case <-deadline:
			t.Fatalf("no %q in\n%s", text, s)
		}
	}
}

// TestClosedPipe: what nobody reads is dropped quietly; the work is done and its exit code is what it would have been.
func TestClosedPipe(t *testing.T) {
	p := newProgram(t)
	p.write(t, "org.yaml", manifest("spec:\n  name: Acme\n"))
	if _, err := sim.Open(filepath.Join(p.dir, "org.json"), sim.Config{}); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		args []string
		want int
	}{
		{[]string{"validate"}, exitOK},
		{[]string{"plan", "--sandbox", "org.json", "--detailed-exitcode"}, exitChanges},
		{[]string{"drift", "--sandbox", "org.json", "-o", "json"}, exitChanges},
		{[]string{"apply", "--sandbox", "org.json", "--yes"}, exitOK},
		{[]string{"plan", "--sandbox", "org.json", "--detailed-exitcode"}, exitOK},
	} {
		cmd := p.command(t, append(step.args, "-f", "org.yaml")...)
		read, write, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		var stderr strings.Builder
		cmd.Stdout, cmd.Stderr = write, &stderr
		err = errors.Join(read.Close(), cmd.Start(), write.Close())
		if err != nil {
			t.Fatal(err)
		}
		if got := exitCode(cmd.Wait()); got != step.want {
			t.Errorf("orgctl %s: exit code %d, want %d\n%s", strings.Join(step.args, " "), got, step.want, &stderr)
		}
		if strings.Contains(stderr.String(), "pipe") {
			t.Errorf("orgctl %s: not quiet: %s", strings.Join(step.args, " "), &stderr)
		}
	}
}

// TestQuiet: only a reader that has left is passed over in silence; a full disk is not.
func TestQuiet(t *testing.T) {
	full := quiet{failingWriter{io.ErrShortWrite}}
	if _, err := full.Write([]byte("text")); !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("Write to a full disk: %v", err)
	}
}

type failingWriter struct{ err error }

func (w failingWriter) Write([]byte) (int, error) { return 0, w.err }

// TestReportThatCannotBePrinted: what became of the organization decides on the exit code, even where nobody can be told.
func TestReportThatCannotBePrinted(t *testing.T) {
	dir := t.TempDir()
	org := filepath.Join(dir, "org.yaml")
	if err := os.WriteFile(org, []byte(manifest("spec:\n  name: Acme\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	e := testEnv()
	var stderr strings.Builder
	e.stdout, e.stderr = &fullAfter{"Plan: "}, &stderr
	e.getenv = func(name string) string { return map[string]string{"HOME": dir}[name] }
	got := run(t.Context(), []string{"orgctl", "apply", "-f", org, "--yes", "--sandbox", filepath.Join(dir, "org.json")}, e)
	if got != exitOK {
		t.Errorf("exit code %d, want %d", got, exitOK)
	}
	if want := "the report cannot be printed: short write\nApplied 1, failed 0, skipped 0, unknown 0.\nconverged\n"; !strings.HasSuffix(stderr.String(), want) {
		t.Errorf("standard error lacks %q:\n%s", want, stderr.String())
	}
}

// fullAfter is a disk that is full once it holds a text.
type fullAfter struct{ text string }

func (w *fullAfter) Write(p []byte) (int, error) {
	if w.text == "" {
		return 0, io.ErrShortWrite
	}
	if strings.Contains(string(p), w.text) {
		w.text = ""
	}
	return len(p), nil
}
