// Package journal remembers creations from before they are sent until their outcome is known, so that a run that was killed
// in between can be settled by the next one before it plans: looked for until found, or until absent long enough.
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
	"sync"
)

// Scope is what an entry is bound to: entries of another API or organization are nobody's business.
type Scope struct {
	API          string `json:"api"`
	Organization string `json:"organization"`
}

// Intent is one creation that was about to be sent.
type Intent struct {
	Kind string `json:"kind"` // spec.Kind.Name
	Name string `json:"name"`
	Mark string `json:"mark,omitempty"` // tells it from others of its name: nonce of a service, suffix of a key id
}

// Outcomes of an intent.
const (
	Done   = "done"   // the API answered that the object exists
	Failed = "failed" // the API refused: nothing was made
	Found  = "found"  // looked for, and there
	Absent = "absent" // looked for until it counted as never made
)

// Journal appends entries to a file and makes each durable before it returns. It is safe for concurrent use.
type Journal struct {
	scope Scope

	mu   sync.Mutex
	file *os.File // nil in memory
	next int      // number of the next intent, above all that the file holds of any scope
	open map[int]Intent
	torn bool // the file ends in the middle of a line
}

// entry is one line of the file. An intent and its outcome share a number.
type entry struct {
	Scope
	Number  int     `json:"number"`
	Intent  *Intent `json:"intent,omitempty"`
	Outcome string  `json:"outcome,omitempty"`
}

// Memory is a journal that lasts as long as the process.
func Memory(scope Scope) *Journal { return &Journal{scope: scope, open: map[int]Intent{}} }

// Open reads a journal, made where it is missing (mode 0600), and takes over the intents of the scope that no outcome
// closes. A torn last line, the mark of a crash while writing, is ignored; any other unreadable line is an error, because
// ignoring it might hide a creation.
func Open(path string, scope Scope) (*Journal, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	file, err := os.OpenFile(filepath.Clean(path), os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	j := Memory(scope)
	if j.torn, err = j.read(file); err != nil {
		return nil, errors.Join(fmt.Errorf("open journal %s: %w", path, err), file.Close())
	}
	j.file = file
	return j, nil
}

// read takes over open intents and reports whether the last line is torn. A line that was torn by an earlier crash stays
// where it is, so a broken line is passed over when it could be one: when it is the beginning of an entry.
func (j *Journal) read(file io.Reader) (torn bool, err error) {
	data, err := io.ReadAll(file)
	if err != nil {
		return false, err
	}
	data = bytes.TrimRight(data, "\x00") // what a crash of the machine may leave of a block
	for i, line := range bytes.Split(data, []byte("\n")) {
		var e entry
		err := json.Unmarshal(line, &e)
		var cut *json.SyntaxError
		switch {
		case len(line) == 0, errors.As(err, &cut) && cut.Offset >= int64(len(line)):
			continue
		case err != nil:
			return false, fmt.Errorf("line %d is not an entry: %w", i+1, err)
		}
		j.next = max(j.next, e.Number+1)
		if e.Scope != j.scope {
			continue
		}
		if e.Intent != nil {
			j.open[e.Number] = *e.Intent
		} else {
			delete(j.open, e.Number)
		}
	}
	return len(data) > 0 && data[len(data)-1] != '\n', nil
}

// Begin records an intent. Only after it has returned may the call be sent.
func (j *Journal) Begin(i Intent) (number int, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	number = j.next
	if err := j.append(entry{Scope: j.scope, Number: number, Intent: &i}); err != nil {
		return 0, fmt.Errorf("write journal: %w", err)
	}
	j.open[number] = i
	j.next++
	return number, nil
}

// End records the outcome of an intent. Losing it does no harm: the next run looks once more.
func (j *Journal) End(number int, outcome string) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := j.append(entry{Scope: j.scope, Number: number, Outcome: outcome}); err != nil {
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

// Close closes the file.
func (j *Journal) Close() error {
	if j.file == nil {
		return nil
	}
	return j.file.Close()
}

func (j *Journal) append(e entry) error {
	if j.file == nil {
		return nil
	}
	line, err := json.Marshal(e)
	if err != nil {
		return err
	}
	line = append(line, '\n')
	if j.torn { // an earlier write ended in the middle of a line
		line = append([]byte{'\n'}, line...)
	}
	if _, err := j.file.Write(line); err != nil {
		j.torn = true
		return err
	}
	j.torn = false
	return j.file.Sync()
}
