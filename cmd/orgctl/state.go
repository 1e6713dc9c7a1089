package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"

	"github.com/orgctl/orgctl/pkg/apply/journal"
	"github.com/orgctl/orgctl/pkg/apply/store"
)

// stateDir is where a host keeps what concerns its own runs: locks, and journals that have no secrets directory to lie in. There is
// no falling back to a temporary directory, where others could prepare it.
func (e *env) stateDir() (string, error) {
	dir := e.getenv("XDG_STATE_HOME")
	if home := e.getenv("HOME"); dir == "" && home != "" {
		dir = filepath.Join(home, ".local", "state")
	}
	if dir == "" {
		return "", errors.New("there is no place for the lock of the organization, since neither XDG_STATE_HOME nor HOME is set: let XDG_STATE_HOME name a directory of yours")
	}
	dir = filepath.Join(dir, "orgctl")
	if err := store.OwnDir(store.OS{}, dir); err != nil {
		return "", fmt.Errorf("state directory: %w; XDG_STATE_HOME may name another place", err)
	}
	return dir, nil
}

// lock makes this run the only apply of its organization on this host. It does not wait; see awaitLock.
func lock(path string) (release func(), err error) {
	l := flock.New(path, flock.SetFlag(os.O_RDWR))
	if err := take(l); err != nil {
		return nil, errors.Join(fmt.Errorf("lock: %w", err), l.Unlock())
	}
	return func() { _ = l.Unlock() }, nil
}

// heldError is a lock that another run has.
type heldError struct{ path, holder string }

func (e *heldError) Error() string {
	return fmt.Sprintf("another apply of this organization is under way on this host (%s, lock %s): nothing was changed; "+
		"run again when it has ended, or wait for it with --lock-timeout DURATION", e.holder, e.path)
}

// awaitLock tries again, at intervals, as long as another run has the lock and the limit is not reached.
func awaitLock(ctx context.Context, path string, limit, interval time.Duration) (release func(), err error) {
	over := time.After(limit)
	for held := (*heldError)(nil); ; {
		if release, err = lock(path); !errors.As(err, &held) {
			return release, err
		}
		select {
		case <-time.After(interval):
		case <-over:
			return nil, fmt.Errorf("gave up after --lock-timeout %s: %w", limit, err)
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for the lock: %w", ctx.Err())
		}
	}
}

func take(l *flock.Flock) error {
	f, err := store.OpenOwn(store.OS{}, l.Path(), 0)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	holder, err := readHolder(f)
	if err != nil {
		return fmt.Errorf("%s: %w", l.Path(), err)
	}
	ours, err := l.TryLock()
	if err != nil {
		return err
	}
	if !ours {
		return &heldError{path: l.Path(), holder: strings.TrimSpace(holder)}
	}
	opened, err := f.Stat()
	if err != nil {
		return err
	}
	if locked, err := l.Stat(); err != nil || !os.SameFile(opened, locked) {
		return errors.Join(fmt.Errorf("%s was exchanged a moment ago: run again", l.Path()), err)
	}
	// Of one length, so that nothing has to be cut off what an earlier holder wrote.
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	_, err = fmt.Fprintf(f, holderForm, os.Getpid())
	return err
}

const holderForm = "process %-12d\n"

// readHolder reads what the last holder of a lock wrote. A file of another content is not a lock.
func readHolder(f io.Reader) (string, error) {
	data, err := io.ReadAll(io.LimitReader(f, 64))
	if err == nil && len(data) > 0 && !strings.HasPrefix(string(data), "process ") {
		err = errors.New("it holds something else: it is no lock of orgctl, and is left as it is")
	}
	return string(data), err
}

// statePath is a file of one organization in the user's state directory.
func (e *env) statePath(s store.Scope, suffix string) (string, error) {
	dir, err := e.stateDir()
	return filepath.Join(dir, s.FileName()+suffix), err
}

// openSends opens the file by which runs in a row share the rate of a key, or gives nil: it only spares a run some refusals, so
// that what is wrong with it, or with the place for it, is no error. It is open as long as the process lives.
func (e *env) openSends(t *target) io.ReadWriteSeeker {
	url, err := t.provider.dialect.CanonicalURL(t.url)
	if err != nil {
		return nil // the client says so
	}
	dir, err := e.stateDir()
	if err != nil {
		return nil
	}
	sum := sha256.Sum256([]byte(url + "\n" + t.credentials.KeyID))
	file, err := store.OpenOwn(store.OS{}, filepath.Join(dir, hex.EncodeToString(sum[:8])+".pace"), 0)
	if err != nil {
		return nil
	}
	return file
}

// journalOutput is where a journal that is named goes, as an output: what is read must not be written to.
func journalOutput(file string) []output {
	if file == "" {
		return nil
	}
	to, err := follow(file)
	if err != nil {
		return nil // there is nothing yet, or whoever opens it has the better message
	}
	return []output{{option: "--journal " + file, to: to}}
}

// openJournal opens the journal that is named, or the one beside the secrets, or else the one of the user's state.
func (t *target) openJournal(e *env, o applyOptions, s store.Scope) (*journal.Journal, error) {
	const name = "journal.jsonl"
	switch {
	case o.journal != "":
		return journal.Open(o.journal, s)
	case o.secrets.dir != "":
		return journal.Open(filepath.Join(o.secrets.dir, name), s)
	case t.ephemeral:
		return journal.Memory(s), nil
	case t.secretsDir != "":
		return journal.Open(filepath.Join(t.secretsDir, name), s)
	default:
		path, err := e.statePath(s, "."+name)
		if err != nil {
			return nil, err
		}
		return journal.Open(path, s)
	}
}
