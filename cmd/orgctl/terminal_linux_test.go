package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/orgctl/orgctl/pkg/client/sim/locktera"
)

// terminal gives the two ends of a pseudo-terminal: the one that a person sits at, and the one for a process.
func terminal(t *testing.T) (person, process *os.File) {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = person.Close() })
	fd := int(person.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	process, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = process.Close() })
	return person, process
}

// TestInterruptedQuestion: Ctrl-C answers the question whether to apply; nobody has to press Enter as well.
func TestInterruptedQuestion(t *testing.T) {
	p := newProgram(t)
	p.write(t, "org.yaml", manifest("spec:\n  name: Acme\n"))
	_, stdin := terminal(t)
	running := p.start(t, stdin, "apply", "--sandbox", "org.json", "-f", "org.yaml")
	running.stderr.await(t, "Apply this plan to acme?")
	running.signal(t, os.Interrupt)
	if code := running.wait(t); code != 130 {
		t.Errorf("exit code %d, want 130\n%s", code, running.stderr)
	}
	if !strings.HasSuffix(running.stderr.String(), "\norgctl: interrupted; nothing was changed\n") {
		t.Errorf("it does not say, on a line of its own, that nothing was changed: %s", running.stderr)
	}
	p.ok(t, "plan", "--sandbox", "org.json", "-f", "org.yaml")
	if r := p.run(t, "drift", "--sandbox", "org.json", "-f", "org.yaml"); r.code != exitChanges {
		t.Errorf("something was applied: %s", r.stdout)
	}
}

// TestInterruptedOnTerminal: what the first signal says stays on the screen, above what is still going on, and of that nothing is
// left in the end.
func TestInterruptedOnTerminal(t *testing.T) {
	api := holding(http.MethodPost)
	p := newProgram(t, append(credentials(t, api.Server), "NO_COLOR=1", "ORGCTL_RATE=1000/1s")...)
	t.Cleanup(api.release)
	p.write(t, "org.yaml", manifest(warehouse))
	person, stderr := terminal(t)
	running := &process{cmd: p.command(t, "apply", "--yes", "-f", "org.yaml", "--secrets-out", "secrets"), stdout: newStream(), stderr: newStream()}
	running.cmd.Stdout, running.cmd.Stderr = running.stdout, stderr
	if err := running.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if err := stderr.Close(); err != nil {
		t.Fatal(err)
	}
	read := make(chan struct{})
	go func() {
		defer close(read)
		_, _ = io.Copy(running.stderr, person) // ends with an error once the process has ended
	}()
	api.await(t, running)
	running.stderr.await(t, "  service/orders: create: create service")
	running.signal(t, os.Interrupt)
	running.stderr.await(t, "press again to abort")
	running.stderr.await(t, "  0/2 done, finishing what is under way")
	api.release()
	if code := running.wait(t); code != 130 {
		t.Errorf("exit code %d, want 130\n%s", code, running.stderr)
	}
	<-read
	want := `finishing the calls under way, starting nothing new; press again to abort
[1/2] service/orders: create: unknown: `
	got := shown(t, running.stderr.String())
	if d := cmp.Diff(want, got[:min(len(want), len(got))]); d != "" {
		t.Error(d)
	}
	for line := range strings.Lines(got) {
		if strings.HasPrefix(line, " ") {
			t.Errorf("left over: %q", line)
		}
	}
}

var upAndClear = regexp.MustCompile(`\x1b\[([0-9]+)A\r\x1b\[J`)

// shown is what is on a screen after an output that goes some lines up and clears what is below, again and again.
func shown(t *testing.T, output string) string {
	t.Helper()
	output = strings.ReplaceAll(output, "\r\n", "\n")
	var screen string
	for {
		at := upAndClear.FindStringSubmatchIndex(output)
		if at == nil {
			return screen + output
		}
		lines := strings.SplitAfter(screen+output[:at[0]], "\n")
		up, err := strconv.Atoi(output[at[2]:at[3]])
		if err != nil || up >= len(lines) {
			t.Fatalf("goes %d lines up of %d", up, len(lines)-1)
		}
		screen = strings.Join(lines[:len(lines)-1-up], "")
		output = output[at[1]:]
	}
}

// TestDeleteOrganizationAsks: on a terminal, an id that is typed twice is asked about once more.
func TestDeleteOrganizationAsks(t *testing.T) {
	b := benchLocktera(t, locktera.Config{}, nil)
	id := b.add(t, "Berlin", "", "group")
	for _, c := range []struct {
		answer string
		code   int
		text   string
	}{
		{"y\n", exitError, "not confirmed; nothing was changed"},
		{id + "\n", exitError, "not confirmed; nothing was changed"},
		{"yes\n", exitOK, ""},
	} {
		person, stdin := terminal(t)
		running := b.start(t, stdin, "delete-organization", id, "--confirm", id)
		running.stderr.await(t, "Delete "+id+", with all that is below it? Only \"yes\" is taken as such: ")
		running.stdout.await(t, "\n  name: Berlin\n")
		if _, err := io.WriteString(person, c.answer); err != nil {
			t.Fatal(err)
		}
		if code := running.wait(t); code != c.code || !strings.Contains(running.stderr.String(), c.text) {
			t.Errorf("%q: exit code %d\n%s", c.answer, code, running.stderr)
		}
		if there := b.holds(t, id); there != (c.code != exitOK) {
			t.Errorf("%q: there: %t", c.answer, there)
		}
	}
}
