package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/gofrs/flock"
	"github.com/urfave/cli/v2"

	"github.com/orgctl/orgctl/pkg/apply/journal"
	"github.com/orgctl/orgctl/pkg/apply/store"
)

// stateDir is where a host keeps what concerns its own runs: locks, and journals that have no secrets directory to lie in.
func (e *env) stateDir() string {
	if dir := e.getenv("XDG_STATE_HOME"); dir != "" {
		return filepath.Join(dir, "orgctl")
	}
	if home := e.getenv("HOME"); home != "" {
		return filepath.Join(home, ".local", "state", "orgctl")
	}
	return filepath.Join(os.TempDir(), "orgctl-"+strconv.Itoa(os.Getuid()))
}

// lock makes this run the only apply of its organization on this host. It does not wait: whoever comes second would apply a
// plan made of what the first one is changing.
func lock(path string) (release func(), err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("lock: %w; XDG_STATE_HOME may name another place", err)
	}
	l := flock.New(path, flock.SetPermissions(0o600))
	ours, err := l.TryLock()
	if err != nil {
		return nil, fmt.Errorf("lock: %w", err)
	}
	if !ours {
		holder, _ := os.ReadFile(filepath.Clean(path)) // for the message only
		return nil, fmt.Errorf("another apply of this organization is under way on this host (%s, lock %s): nothing was changed; run again when it has ended",
			strings.TrimSpace(string(holder)), path)
	}
	if err := os.WriteFile(path, fmt.Appendf(nil, "process %d\n", os.Getpid()), 0o600); err != nil {
		return nil, fmt.Errorf("lock: %w", err)
	}
	return func() { _ = l.Unlock() }, nil
}

// statePath is a file of one organization in the user's state directory.
func (e *env) statePath(s store.Scope, suffix string) string {
	return filepath.Join(e.stateDir(), s.FileName()+suffix)
}

// openJournal opens the journal that is named, or the one beside the secrets, or else the one of the user's state.
func (t *target) openJournal(e *env, c *cli.Context, s store.Scope) (*journal.Journal, error) {
	const name = "journal.jsonl"
	switch file, secretsDir := c.String("journal"), c.String("secrets-out"); {
	case file != "":
		return journal.Open(file, s)
	case secretsDir != "":
		return journal.Open(filepath.Join(secretsDir, name), s)
	case t.ephemeral:
		return journal.Memory(s), nil
	case t.secretsDir != "":
		return journal.Open(filepath.Join(t.secretsDir, name), s)
	default:
		return journal.Open(e.statePath(s, "."+name), s)
	}
}
