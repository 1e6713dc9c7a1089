package main

import (
	"fmt"
	"os"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
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
	p.ok(t, "plan", "--sandbox", "org.json", "-f", "org.yaml")
	if r := p.run(t, "drift", "--sandbox", "org.json", "-f", "org.yaml"); r.code != exitChanges {
		t.Errorf("something was applied: %s", r.stdout)
	}
}
