package journal_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orgctl/orgctl/pkg/apply/journal"
	"github.com/orgctl/orgctl/pkg/apply/store"
	"github.com/orgctl/orgctl/pkg/apply/store/storetest"
)

var (
	ours    = store.Scope{API: "https://api.example.com", Organization: "1"}
	theirs  = store.Scope{API: "https://api.example.com", Organization: "2"}
	service = journal.Intent{Kind: "service", Name: "orders", Mark: "nonce"}
	key     = journal.Intent{Kind: "key", Name: "ci", Mark: "abcd"}
)

func open(t *testing.T, path string, scope store.Scope) *journal.Journal {
	t.Helper()
	j, err := journal.Open(path, scope)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func begin(t *testing.T, j *journal.Journal, i journal.Intent) int {
	t.Helper()
	n, err := j.Begin(i)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestOnlyOpenIntentsOfTheScopeSurvive(t *testing.T) {
	path := filepath.Join(t.TempDir(), "below", "journal.jsonl")
	first := open(t, path, ours)
	if err := first.End(begin(t, first, service), journal.Done); err != nil {
		t.Fatal(err)
	}
	begin(t, first, key)
	begin(t, open(t, path, theirs), service)

	again := open(t, path, ours)
	if d := cmp.Diff(map[int]journal.Intent{1: key}, again.Pending()); d != "" {
		t.Error(d)
	}
	if n := begin(t, again, service); n != 3 {
		t.Errorf("number %d is taken already or left out", n)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

// What more is learned of an intent takes the place of what was known, and an outcome ends both.
func TestAmendedIntent(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.jsonl")
	first := open(t, path, ours)
	n, made := begin(t, first, key), key
	made.Made = true
	if err := first.Amend(n, made); err != nil {
		t.Fatal(err)
	}
	for _, j := range []*journal.Journal{first, open(t, path, ours), open(t, path, ours)} {
		if d := cmp.Diff(map[int]journal.Intent{n: made}, j.Pending()); d != "" {
			t.Error(d)
		}
	}
	if err := first.End(n, journal.Absent); err != nil {
		t.Fatal(err)
	}
	if pending := open(t, path, ours).Pending(); len(pending) > 0 {
		t.Errorf("pending: %v", pending)
	}
}

// A journal cut at any byte, as by a crash, opens, and holds every intent whose line was complete.
func TestTornAnywhere(t *testing.T) {
	dir := t.TempDir()
	whole := filepath.Join(dir, "whole")
	j := open(t, whole, ours)
	begin(t, j, service)
	begin(t, j, key)
	data, err := os.ReadFile(whole)
	if err != nil {
		t.Fatal(err)
	}
	for cut := range len(data) {
		path := filepath.Join(dir, "cut")
		if err := os.WriteFile(path, data[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		torn := open(t, path, ours)
		complete := 0
		for _, b := range data[:cut] {
			if b == '\n' {
				complete++
			}
		}
		if n := len(torn.Pending()); n < complete || n > complete+1 {
			t.Fatalf("cut at %d: %d intents of %d complete lines", cut, n, complete)
		}
		// What is written after a torn line is not lost with it.
		n := begin(t, torn, journal.Intent{Kind: "invitation", Name: "a@example.com"})
		if _, ok := open(t, path, ours).Pending()[n]; !ok {
			t.Fatalf("cut at %d: the next intent is lost", cut)
		}
	}
}

// A file of which anything is no entry is no journal: it is refused, and left as it is.
func TestWhatIsNoJournalIsLeftAsItIs(t *testing.T) {
	const (
		entry = `{"api":"https://api.example.com","organization":"1","number":0,"intent":{"kind":"service","name":"orders"}}` + "\n"
		done  = `{"api":"https://api.example.com","organization":"1","number":0,"outcome":"done"}` + "\n"
	)
	for name, content := range map[string]string{
		"text":                       "not an entry at all\n{}\n",
		"empty objects":              "{}\n{}\n",
		"a log":                      `{"level":"info","message":"one"}` + "\n",
		"a log without its end":      `{"level":"info","message":"one"}`,
		"a manifest":                 `{"apiVersion":"orgctl/v1","kind":"Organization","metadata":{"name":"acme"},"spec":{}}` + "\n",
		"indented JSON":              "{\n  \"api\": \"https://api.example.com\"\n}\n",
		"another's first line, torn": `{"level":"info","mess`,
		"another's line, torn":       entry + `{"level":"info","mess`,
		"a word":                     "{x",
		"null":                       "null\n",
		"a number":                   "1\n",
		"empty lines":                "\n\n",
		"more than an entry":         strings.Replace(entry, "{", `{"more":1,`, 1),
		"two on a line":              strings.TrimSpace(entry) + done,
		"no scope":                   `{"number":0,"outcome":"done"}` + "\n",
		"neither intent nor outcome": `{"api":"https://api.example.com","organization":"1","number":0}` + "\n",
		"an intent of no kind":       `{"api":"https://api.example.com","organization":"1","number":0,"intent":{}}` + "\n",
		"foreign after entries":      entry + done + `{"level":"info"}` + "\n",
		"foreign among entries":      entry + `{"level":"info"}` + "\n" + done,
		"zeros without an end":       strings.Repeat("\x00", 1<<16),
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "journal")
			if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := journal.Open(path, ours); err == nil {
				t.Error("a file that is no journal was taken for one")
			}
			if now, err := os.ReadFile(path); err != nil || string(now) != content {
				t.Errorf("it holds %q now, %v", now, err)
			}
		})
	}
}

// A crash at the very first entry leaves a file without any: its beginning, or zeros.
func TestFirstEntryTorn(t *testing.T) {
	for name, content := range map[string]string{
		"the first character":   "{",
		"half the opening":      `{"api":"ht`,
		"half an entry":         `{"api":"https://api.example.com","organization":"1","num`,
		"zeros":                 strings.Repeat("\x00", 120),
		"half of it, and zeros": `{"api":"https://api.exa` + strings.Repeat("\x00", 120),
		"two of them":           `{"api":"https://api.exa` + "\n" + `{"api":"https://api`,
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "journal")
			if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			begin(t, open(t, path, ours), service)
			if d := cmp.Diff(map[int]journal.Intent{0: service}, open(t, path, ours).Pending()); d != "" {
				t.Error(d)
			}
		})
	}
}

// A crash of the machine may leave a file that ends in zeros or in half a line. What was complete before it counts, on this run
// and on every later one, and the damage is gone from the disk.
func TestDamageIsRepaired(t *testing.T) {
	for name, tail := range map[string]string{
		"zeros":                          "\x00\x00\x00\x00",
		"half a line":                    `{"api":"https://api.exam`,
		"half a line and zeros":          `{"api":"https://api.exam` + "\x00\x00\x00",
		"zeros that an entry came after": "\x00\x00" + `{"api":"https://api.example.com","organization":"1","number":1,"outcome":"done"}` + "\n",
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "journal")
			first := open(t, path, ours)
			begin(t, first, service)
			n := begin(t, first, key)
			if name == "zeros that an entry came after" {
				n = -1
			}
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, append(data, tail...), 0o600); err != nil {
				t.Fatal(err)
			}
			for run := range 3 {
				j := open(t, path, ours)
				if _, ok := j.Pending()[0]; !ok {
					t.Fatalf("run %d has lost the first intent: %v", run, j.Pending())
				}
				if _, ok := j.Pending()[1]; ok != (n == 1) {
					t.Fatalf("run %d has the second intent: %v", run, ok)
				}
				if data, err := os.ReadFile(path); err != nil || !bytes.HasSuffix(data, []byte("}\n")) || bytes.ContainsRune(data, 0) {
					t.Fatalf("run %d leaves %q, %v", run, data, err)
				}
				if err := j.End(begin(t, j, service), journal.Absent); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// A write that ended in the middle of a line, for want of space, takes nothing with it that comes after.
func TestEntryAfterHalfALine(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	j := open(t, path, ours)
	begin(t, j, service)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, append(data, data[:20]...), 0o600); err != nil {
		t.Fatal(err)
	}
	begin(t, j, key)
	if d := cmp.Diff(map[int]journal.Intent{0: service, 1: key}, open(t, path, ours).Pending()); d != "" {
		t.Error(d)
	}
}

// A journal holds what is open and nothing else, once it has been opened.
func TestWhatIsDoneGoes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	j := open(t, path, ours)
	for range 100 {
		if err := j.End(begin(t, j, service), journal.Done); err != nil {
			t.Fatal(err)
		}
	}
	begin(t, j, key)
	begin(t, open(t, path, theirs), service)
	open(t, path, ours)
	data, err := os.ReadFile(path)
	if n := bytes.Count(data, []byte("\n")); err != nil || n != 2 {
		t.Errorf("%d lines, %v:\n%s", n, err, data)
	}
}

// Runs of different organizations may use one file at a time: neither takes away what the other needs.
func TestTwoScopesAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	var wg sync.WaitGroup
	for _, scope := range []store.Scope{ours, theirs} {
		wg.Go(func() {
			for range 30 {
				j, err := journal.Open(path, scope)
				if err != nil {
					t.Error(err)
					return
				}
				done, err := j.Begin(service)
				if err := errors.Join(err, j.End(done, journal.Done)); err != nil {
					t.Error(err)
				}
				if _, err := j.Begin(key); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	for _, scope := range []store.Scope{ours, theirs} {
		if n := len(open(t, path, scope).Pending()); n != 30 {
			t.Errorf("%d of 30 intents of organization %s", n, scope.Organization)
		}
	}
}

// A crash of the machine takes nothing that the journal has said to hold: at every return file and name are durable, and no
// name is given to data that is not.
func TestNothingIsLostInACrash(t *testing.T) {
	disk := storetest.New()
	path := filepath.Join(t.TempDir(), "two", "below", "journal")
	durable := func(when string) {
		t.Helper()
		if lost := disk.Lost(); len(lost) > 0 {
			t.Errorf("%s: a crash would lose %q", when, lost)
		}
	}
	reopen := func(when string) *journal.Journal {
		t.Helper()
		j, err := journal.OpenOn(disk, path, ours)
		if err != nil {
			t.Fatal(err)
		}
		durable(when)
		return j
	}
	j := reopen("made")
	n := begin(t, j, service)
	durable("begun")
	// An end may be lost, with which the next run only looks once more; it is durable with whatever comes after it.
	if err := j.End(n, journal.Done); err != nil {
		t.Fatal(err)
	}
	n = begin(t, j, key)
	durable("begun after an end")
	if err := j.End(n, journal.Done); err != nil {
		t.Fatal(err)
	}
	reopen("compacted")
}
