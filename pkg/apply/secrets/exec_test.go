//go:build unix

package secrets_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orgctl/orgctl/pkg/apply/secrets"
	"github.com/orgctl/orgctl/pkg/client/secret"
)

// executions reads what a command that appends its standard input to a file was given.
func executions(t *testing.T, path string) []map[string]any {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	var out []map[string]any
	for d := json.NewDecoder(f); d.More(); {
		var fields map[string]any
		if err := d.Decode(&fields); err != nil {
			t.Fatal(err)
		}
		out = append(out, fields)
	}
	return out
}

func TestExecGetsEachRecordTwice(t *testing.T) {
	file := filepath.Join(t.TempDir(), "records")
	t.Setenv("FILE", file)
	e := secrets.NewExec(`cat >>"$FILE"`)
	r := store(t, e, serviceRecord("orders", "n0nce"))
	checkFound(t, e, secrets.Service, "orders", "n0nce")
	r.ID, r.Host, r.Port = "service-id", "orders.example.com", 9440
	confirm(t, e, r)

	stored := map[string]any{
		"api": ours.API, "organization": ours.Organization,
		"kind": "service", "name": "orders", "mark": "n0nce", "username": "default", "password": r.Password.Reveal(),
	}
	confirmed := map[string]any{"id": "service-id", "host": "orders.example.com", "port": 9440.0}
	for name, value := range stored {
		confirmed[name] = value
	}
	if d := cmp.Diff([]map[string]any{stored, confirmed}, executions(t, file)); d != "" {
		t.Error(d)
	}
}

func TestExecPassesTheEnvironmentOnExceptForCredentials(t *testing.T) {
	file := filepath.Join(t.TempDir(), "environment")
	t.Setenv("FILE", file)
	t.Setenv("VAULT_ADDR", "https://vault.example.com")
	t.Setenv("API_SECRET", "c4n4ry")
	t.Setenv("API_SECRET_2", "kept")
	store(t, secrets.NewExec(`env >"$FILE"`, "API_SECRET"), keyRecord("ci", "Ab12"))
	environment := strings.Split(string(read(t, file)), "\n")
	for variable, want := range map[string]bool{
		"VAULT_ADDR=https://vault.example.com": true, "API_SECRET_2=kept": true, "API_SECRET=c4n4ry": false,
	} {
		found := false
		for _, line := range environment {
			found = found || line == variable
		}
		if found != want {
			t.Errorf("%s: inherited %t, want %t", variable, found, want)
		}
	}
}

func TestExecFailure(t *testing.T) {
	r := keyRecord("ci", "Ab12")
	for title, c := range map[string]struct{ command, want string }{
		"status":             {"exit 3", "run the secrets command: exit status 3"},
		"message":            {"echo permission denied >&2; exit 1", "exit status 1: permission denied"},
		"both streams":       {"echo out; echo err >&2; exit 1", "exit status 1: out err"},
		"repeats its input":  {"cat; exit 1", `"keyId": "[redacted]", "keySecret": "[redacted]" }`},
		"traces":             {"set -x; v=$(cat); exit 1", `[redacted]`},
		"terminal sequences": {`printf '\033[2J\a\r\nx'; exit 1`, "exit status 1: \ufffd[2J\ufffd x"},
		"not found":          {"no-such-command-anywhere", "exit status 127"},
		"killed":             {"kill -9 $$", "signal: killed"},
		"long":               {"yes abcdefg | head -c 300000; exit 1", "exit status 1: … abcdefg abcdefg"},
		// The cut falls into the secret, and what follows it shrinks to nothing.
		"halved":             {`v=$(cat | tr -dc A-Za-z0-9); printf '%s%65516s' "$v" ""; exit 1`, "exit status 1"},
		"long, with secrets": {"v=$(cat); for i in $(seq 400); do printf '%s' \"$v\"; done; exit 1", "…"},
	} {
		t.Run(title, func(t *testing.T) {
			e := secrets.NewExec(c.command)
			_, storeErr := e.Store(t.Context(), r)
			for verb, err := range map[string]error{"store": storeErr, "confirm": e.Confirm(t.Context(), r)} {
				if err == nil {
					t.Fatalf("%s: no error", verb)
				}
				text := err.Error()
				if !strings.HasPrefix(text, verb+" the secret of key ci: ") || !strings.Contains(text, c.want) {
					t.Errorf("%s: %s", verb, text)
				}
				for _, hidden := range []string{r.KeyID, r.KeySecret.Reveal(), r.KeySecret.Reveal()[:20], r.KeySecret.Reveal()[22:]} {
					if strings.Contains(text, hidden) {
						t.Errorf("%s shows a secret: %s", verb, text)
					}
				}
				if len(text) > 1500 || strings.ContainsAny(text, "\x1b\a\r\n") {
					t.Errorf("%s: not fit to be printed: %q", verb, text)
				}
			}
		})
	}
}

// Of an answer nobody knows which part is the secret, so that nothing of the output is shown, however the command spells it.
func TestExecFailureShowsNothingOfAnAnswer(t *testing.T) {
	const hidden = "lk_5up3rs3cr3tv4lu3"
	r := secrets.Record{
		Scope: ours, Kind: secrets.Key, Name: "ci", Mark: "Ab12",
		Answer: secret.New(`{"id":"42","nested":{"api_key":"` + hidden + `","parts":["` + hidden[:9] + `","` + hidden[9:] + `"]}}`),
	}
	for title, command := range map[string]string{
		"the record":   "cat; exit 1",
		"to stderr":    "cat >&2; exit 1",
		"traces":       "set -x; v=$(cat); exit 1",
		"unescaped":    `sed 's/\\//g'; exit 1`,
		"a field":      `sed -n 's/.*api_key[^a-z]*\([a-z0-9_]*\).*/\1/p'; exit 1`,
		"pieces":       "fold -w 9; exit 1",
		"with a space": `sed 's/5up/5 up/'; exit 1`,
	} {
		t.Run(title, func(t *testing.T) {
			e := secrets.NewExec(command)
			_, storeErr := e.Store(t.Context(), r)
			for verb, err := range map[string]error{"store": storeErr, "confirm": e.Confirm(t.Context(), r)} {
				if err == nil {
					t.Fatalf("%s: no error", verb)
				}
				text := err.Error()
				if !strings.Contains(text, "exit status 1: it wrote ") || !strings.Contains(text, " bytes, which are not shown") {
					t.Errorf("%s: %s", verb, text)
				}
				for _, part := range []string{"5up", "3rs3", "cr3t", "v4lu3"} {
					if strings.Contains(text, part) {
						t.Errorf("%s shows a secret: %s", verb, text)
					}
				}
			}
		})
	}
	if _, err := secrets.NewExec("exit 3").Store(t.Context(), r); err == nil || !strings.HasSuffix(err.Error(), "exit status 3") {
		t.Errorf("of a command that writes nothing: %v", err)
	}
}

// A command that says nothing and reads nothing may still have stored: its status is what counts.
func TestExecTrustsTheStatus(t *testing.T) {
	store(t, secrets.NewExec("true"), keyRecord("ci", "Ab12"))
	// A helper that the command leaves running holds its output open and must not keep anybody waiting.
	store(t, secrets.NewExec("sleep 60 & exit 0"), keyRecord("ci", "Ab12"))
}

// The end of the context ends the command and whatever it has started.
func TestExecEndsWithItsContext(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "started")
	t.Setenv("FIFO", fifo)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	started := make(chan error, 1)
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	go func() {
		_, err := os.ReadFile(fifo) // opens, and ends, with the writer
		started <- err
		cancel()
	}()
	// cat waits for an end of the fifo that never comes; it is a child of the shell.
	_, err := secrets.NewExec(`echo >"$FIFO"; cat "$FIFO"; exit 0`).Store(ctx, keyRecord("ci", "Ab12"))
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want %v", err, context.Canceled)
	}
	if err := <-started; err != nil {
		t.Error(err)
	}
	if _, err := secrets.NewExec("true").Store(ctx, keyRecord("ci", "Ab12")); !errors.Is(err, context.Canceled) {
		t.Errorf("begun after the end: %v", err)
	}
}

// The command need not be fit for company: no two run at once.
func TestExecRunsOneAtATime(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("DIR", dir)
	e := secrets.NewExec(`mkdir "$DIR/busy" || exit 1; cat >>"$DIR/records"; rmdir "$DIR/busy"`)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if _, err := e.Store(t.Context(), keyRecord("ci", "Ab12")); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := len(executions(t, filepath.Join(dir, "records"))); n != 8 {
		t.Errorf("%d records, want 8", n)
	}
}
