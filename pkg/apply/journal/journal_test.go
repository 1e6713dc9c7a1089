package journal_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orgctl/orgctl/pkg/apply/journal"
)

var (
	ours    = journal.Scope{API: "https://api.example.com", Organization: "1"}
	theirs  = journal.Scope{API: "https://api.example.com", Organization: "2"}
	service = journal.Intent{Kind: "service", Name: "orders", Mark: "nonce"}
	key     = journal.Intent{Kind: "key", Name: "ci", Mark: "abcd"}
)

func open(t *testing.T, path string, scope journal.Scope) *journal.Journal {
	t.Helper()
	j, err := journal.Open(path, scope)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
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

func TestForeignLineIsAnError(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	if err := os.WriteFile(path, []byte("not an entry at all\n{}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := journal.Open(path, ours); err == nil {
		t.Error("a file that is no journal was taken for one")
	}
}
