package secrets

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/orgctl/orgctl/pkg/apply/store"
	"github.com/orgctl/orgctl/pkg/client/secret"
)

// Exec is a sink that hands each record, as JSON, to the standard input of a shell command: once to store it, and once more,
// now with an id, to confirm it. A record of the same scope, kind, name and mark is an update. Nothing can be read back.
//
// One command runs at a time: many of those that people write here cannot bear company.
type Exec struct {
	command  string
	withheld []string
	turn     sync.Mutex
}

// NewExec makes a sink of what is run as sh -c command. The command inherits the environment except for the withheld
// variables: what it does not need it cannot give away.
func NewExec(command string, withheld ...string) *Exec {
	return &Exec{command: command, withheld: withheld}
}

// Find implements Sink: nothing can be read back.
func (e *Exec) Find(context.Context, Query) ([]Record, error) { return nil, nil }

// InForce implements Sink: nothing can be read back.
func (e *Exec) InForce(context.Context, store.Scope, string, string) []Record { return nil }

// Store implements Sink. The record is stored once the command ends with status 0; until then it takes ctx to end it.
func (e *Exec) Store(ctx context.Context, r Record) (Record, error) {
	if err := e.run(ctx, r); err != nil {
		return r, fmt.Errorf("store the secret of %s %s: %w", r.Kind, r.Name, err)
	}
	r.Version = 1
	return r, nil
}

// Confirm implements Sink.
func (e *Exec) Confirm(ctx context.Context, r Record) error {
	if err := e.run(ctx, r); err != nil {
		return fmt.Errorf("confirm the secret of %s %s: %w", r.Kind, r.Name, err)
	}
	return nil
}

// leftOver is how long output is still read after the command itself has ended and a child of it holds on to the stream.
const leftOver = 200 * time.Millisecond

func (e *Exec) run(ctx context.Context, r Record) error {
	data, err := Encode(r)
	if err != nil {
		return err
	}
	e.turn.Lock()
	defer e.turn.Unlock()
	var output tail
	cmd := exec.CommandContext(ctx, "sh", "-c", e.command) //nolint:gosec // running the operator's command is the purpose
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(data), &output, &output
	cmd.Env = slices.DeleteFunc(cmd.Environ(), func(variable string) bool {
		name, _, _ := strings.Cut(variable, "=")
		return slices.Contains(e.withheld, name)
	})
	cmd.WaitDelay = leftOver
	isolate(cmd)
	err = cmd.Run()
	switch {
	case err == nil || errors.Is(err, exec.ErrWaitDelay): // the latter is of a command that ended with status 0
		return nil
	case ctx.Err() != nil:
		err = ctx.Err()
	}
	if said := output.said(r); said != "" {
		return fmt.Errorf("run the secrets command: %w: %s", err, said)
	}
	return fmt.Errorf("run the secrets command: %w", err)
}

// What is kept and what is shown of a command's output, in bytes and characters.
const (
	maxKept  = 64 << 10
	maxShown = 1 << 10
)

// tail keeps the end of what is written to it.
type tail struct {
	kept    []byte
	written int
}

func (t *tail) Write(p []byte) (int, error) {
	t.kept, t.written = append(t.kept, p...), t.written+len(p)
	if n := len(t.kept); n > maxKept {
		t.kept = slices.Clone(t.kept[n-maxKept:])
	}
	return len(p), nil
}

// said is what may be shown of the output. Of an answer nobody knows which part is the secret, and a command may repeat any part
// of it in any spelling: no more than its length is told then.
func (t tail) said(r Record) string {
	switch {
	case r.Answer.Empty():
		return excerpt(t.masked(r))
	case t.written > 0:
		return fmt.Sprintf("it wrote %d bytes, which are not shown since the secret may be among them", t.written)
	default:
		return ""
	}
}

// masked is the text without the secrets of a record, where the command has repeated them.
func (t tail) masked(r Record) string {
	text, longest := string(t.kept), 0
	for _, v := range []secret.Value{secret.New(r.KeyID), r.KeySecret, r.Password} {
		if !v.Empty() {
			text = strings.ReplaceAll(text, v.Reveal(), v.String())
			longest = max(longest, len(v.Reveal()))
		}
	}
	if len(t.kept) == maxKept {
		text = text[min(longest, len(text)):] // the cut may have left half a secret at the front
	}
	return text
}

// excerpt is the end of a text, on one line and without anything that a terminal would obey.
func excerpt(text string) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsPrint(r):
			return r
		default:
			return unicode.ReplacementChar
		}
	}, text)
	text = strings.Join(strings.Fields(text), " ")
	if runes := []rune(text); len(runes) > maxShown {
		return "…" + string(runes[len(runes)-maxShown:])
	}
	return text
}
