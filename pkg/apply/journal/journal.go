// Package journal remembers creations from before they are sent until their outcome is known, so that a run that was killed
// in between can be recovered from by the next one before it plans: each is looked for until found, or until absent long enough.
//
// A journal is safe to lose. The nonce tag of services, the suffix of stored keys and the natural keys of the rest say
// nearly as much; the journal adds that there is something to look for while the API does not show it yet.
package journal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/gofrs/flock"

	"github.com/orgctl/orgctl/pkg/apply/store"
)

// Intent is one creation that was about to be sent.
type Intent struct {
	Kind string `json:"kind"` // spec.Kind.Name
	Name string `json:"name"`
	Mark string `json:"mark,omitempty"` // tells it from others of its name: nonce of a service, suffix of a key id
	// Before are the ids of the objects that were there and have no name by which the new one could be told from them.
	Before []string `json:"before,omitempty"`
	// Made says that the API has answered that the object exists, and that no list has shown it yet: its absence proves nothing.
	Made bool `json:"made,omitempty"`
}

// Outcomes of an intent.
const (
	Done   = "done"   // the API answered that the object exists
	Failed = "failed" // the API refused: nothing was made
	Found  = "found"  // looked for, and there
	Absent = "absent" // looked for until it counted as never made
)

// Journal appends entries to a file and makes each intent durable before it returns. It is safe for concurrent use, and so is the
// file: runs of other organizations may write to it at the same time. It needs no closing.
type Journal struct {
	scope store.Scope
	disk  store.Disk
	path  string // "" in memory

	mu   sync.Mutex
	next int // number of the next intent, above all that the file holds of any scope
	open map[int]Intent
}

// entry is one line of the file. An intent and its outcome share a number within their scope.
type entry struct {
	store.Scope
	Number  int     `json:"number"`
	Intent  *Intent `json:"intent,omitempty"`
	Outcome string  `json:"outcome,omitempty"`
}

// Memory is a journal that lasts as long as the process.
func Memory(scope store.Scope) *Journal { return &Journal{scope: scope, open: map[int]Intent{}} }

// Open reads a journal, made where it is missing (mode 0600) and refused where it may be somebody else's, and takes over the
// intents of the scope that no outcome closes. What is done leaves the file, and so does the damage that a crash may have done
// to the end of a write: half an entry, or zeros. Any other line is an error, and the file is left as it is: it is no journal, or
// one in which ignoring a line might hide a creation.
func Open(path string, scope store.Scope) (*Journal, error) { return open(store.OS{}, path, scope) }

func open(disk store.Disk, path string, scope store.Scope) (*Journal, error) {
	j := Memory(scope)
	j.disk, j.path = disk, filepath.Clean(path)
	err := j.create()
	if err == nil {
		// What is no journal is not even waited for: it may be a lock that somebody holds for ever.
		_, _, err = j.read()
	}
	if err == nil {
		err = j.alone(j.takeOver)
	}
	if err != nil {
		return nil, fmt.Errorf("open journal %s: %w", path, err)
	}
	return j, nil
}

// create makes the file where it is missing.
func (j *Journal) create() error {
	folder := filepath.Dir(j.path)
	if err := store.MakeDir(j.disk, folder); err != nil {
		return err
	}
	f, err := store.OpenOwn(j.disk, j.path, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Close(), j.disk.SyncDir(folder))
}

// alone does something to the file while no other process does. A file that has been replaced while we waited for our turn is
// not the one to wait for.
func (j *Journal) alone(do func() error) error {
	for {
		turn := flock.New(j.path, flock.SetFlag(os.O_RDWR))
		if err := turn.Lock(); err != nil {
			return err
		}
		locked, lockedErr := turn.Stat()
		now, nowErr := os.Lstat(j.path)
		err := errors.Join(lockedErr, nowErr)
		current := err == nil && os.SameFile(locked, now)
		if current {
			err = do()
		}
		if err = errors.Join(err, turn.Unlock()); current || err != nil {
			return err
		}
	}
}

// takeOver reads the file and leaves nothing in it but the open intents of all scopes.
func (j *Journal) takeOver() error {
	data, pending, err := j.read()
	if err != nil {
		return err
	}
	var kept bytes.Buffer
	for _, e := range pending {
		line, err := json.Marshal(e)
		if err != nil {
			return err
		}
		kept.Write(append(line, '\n'))
		j.next = max(j.next, e.Number+1)
		if e.Scope == j.scope {
			j.open[e.Number] = *e.Intent
		}
	}
	if bytes.Equal(data, kept.Bytes()) {
		return nil
	}
	return store.Replace(j.disk, j.path, kept.Bytes())
}

func (j *Journal) read() (data []byte, pending []entry, err error) {
	if data, err = store.ReadOwn(j.path); err == nil {
		pending, err = openIntents(data)
	}
	return data, pending, err
}

// openIntents gives the entries of intents that no outcome follows, in their order. A line that a crash has cut is passed over.
func openIntents(data []byte) ([]entry, error) {
	type key struct {
		scope  store.Scope
		number int
	}
	pending := map[key]entry{}
	var order []key
	complete := false
	lines := bytes.Split(data, []byte("\n"))
	for i, line := range lines {
		e, err := parse(line)
		switch last := i == len(lines)-1; {
		case damaged(line, err), last && len(line) == 0:
			continue
		case err != nil:
			return nil, fmt.Errorf("line %d is no entry of a journal; the file is left as it is", i+1)
		}
		complete = true
		k := key{e.Scope, e.Number}
		if e.Intent == nil {
			delete(pending, k)
			continue
		}
		pending[k] = e
		order = append(order, k)
	}
	if !complete && len(data) > maxDamage {
		return nil, errors.New("it holds no entry of a journal; the file is left as it is")
	}
	var out []entry
	for _, k := range order {
		if e, ok := pending[k]; ok {
			out = append(out, e)
			delete(pending, k)
		}
	}
	return out, nil
}

// parse reads a line. Nothing is an entry but what append writes; a line that ends too early is io.ErrUnexpectedEOF.
func parse(line []byte) (entry, error) {
	var e entry
	d := json.NewDecoder(bytes.NewReader(bytes.Trim(line, "\x00")))
	d.DisallowUnknownFields()
	if err := d.Decode(&e); err != nil {
		return e, err
	}
	_, end := d.Token()
	scoped := e.API != "" && e.Organization != ""
	begins := e.Intent != nil && e.Intent.Kind != "" && e.Outcome == ""
	ends := e.Intent == nil && e.Outcome != ""
	if !errors.Is(end, io.EOF) || !scoped || !begins && !ends {
		return e, errors.New("not an entry")
	}
	return e, nil
}

// opening is how every entry begins.
const opening = `{"api":"http`

// maxDamage is the size in bytes of what a crash may leave of a journal that has no complete entry yet: less than a few of them.
const maxDamage = 4 << 10

// damaged reports whether a line is what a crash may leave of an entry: zeros of a block that was never written, the beginning
// of the entry, or both. A write that comes after begins another line.
func damaged(line []byte, err error) bool {
	text := bytes.Trim(line, "\x00")
	if len(text) == 0 {
		return len(line) > 0
	}
	if len(text) < len(opening) {
		return bytes.HasPrefix([]byte(opening), text)
	}
	return errors.Is(err, io.ErrUnexpectedEOF) && bytes.HasPrefix(text, []byte(opening))
}

// Scope is the organization whose creations are remembered.
func (j *Journal) Scope() store.Scope { return j.scope }

// Begin records an intent. Only after it has returned may the call be sent.
func (j *Journal) Begin(i Intent) (number int, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	number = j.next
	if err := j.append(entry{Scope: j.scope, Number: number, Intent: &i}, store.File.Sync); err != nil {
		return 0, fmt.Errorf("write journal: %w", err)
	}
	j.open[number] = i
	j.next++
	return number, nil
}

// Amend records what more is known of an intent that is open. It is not waited for.
func (j *Journal) Amend(number int, i Intent) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := j.append(entry{Scope: j.scope, Number: number, Intent: &i}, nil); err != nil {
		return fmt.Errorf("write journal: %w", err)
	}
	j.open[number] = i
	return nil
}

// End records the outcome of an intent. It is not waited for: losing it in a crash of the machine does no harm, the next run looks
// once more.
func (j *Journal) End(number int, outcome string) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := j.append(entry{Scope: j.scope, Number: number, Outcome: outcome}, nil); err != nil {
		return fmt.Errorf("write journal: %w", err)
	}
	delete(j.open, number)
	return nil
}

// Pending are the intents without an outcome, by number.
func (j *Journal) Pending() map[int]Intent {
	j.mu.Lock()
	defer j.mu.Unlock()
	return maps.Clone(j.open)
}

// append writes an entry, and makes it durable by sync if that is not nil.
func (j *Journal) append(e entry, sync func(store.File) error) error {
	if j.path == "" {
		return nil
	}
	line, err := json.Marshal(e)
	if err != nil {
		return err
	}
	return j.alone(func() error {
		f, err := store.OpenOwn(j.disk, j.path, os.O_APPEND)
		if err != nil {
			return err
		}
		err = appendLine(f, line)
		if err == nil && sync != nil {
			err = sync(f)
		}
		return errors.Join(err, f.Close())
	})
}

// appendLine begins a new line even where an earlier write, for want of space, ended in the middle of one.
func appendLine(f store.File, line []byte) error {
	end, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	if end > 0 {
		last := make([]byte, 1)
		if _, err := f.Seek(-1, io.SeekEnd); err != nil {
			return err
		}
		if _, err := io.ReadFull(f, last); err != nil {
			return err
		}
		if last[0] != '\n' {
			line = slices.Concat([]byte{'\n'}, line)
		}
	}
	_, err = f.Write(append(line, '\n'))
	return err
}
