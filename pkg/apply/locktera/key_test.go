package locktera_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/orgctl/orgctl/pkg/apply"
	"github.com/orgctl/orgctl/pkg/apply/backendtest"
	"github.com/orgctl/orgctl/pkg/apply/secrets"
	sim "github.com/orgctl/orgctl/pkg/client/sim/locktera"
	"github.com/orgctl/orgctl/pkg/diff"
)

const oneKey = `
spec:
  api: locktera/v1
  keys: [{name: ci, permissions: [read]}]
`

// losesAnswer has a key made whose answer is lost.
func losesAnswer(b *bench) apply.Result {
	b.t.Helper()
	cfg := b.world.config
	cfg.Faults = []sim.Fault{{Kind: "cut-after", Method: http.MethodPost, Count: 1}}
	b.server.SetConfig(cfg)
	report := b.run().TryApply(backendtest.Manifest(b.t, oneKey))
	return report.Results[0]
}

// made are the keys that are not the caller's own.
func (b *bench) made() []simulatedKey {
	b.t.Helper()
	var out []simulatedKey
	for _, k := range b.keys() {
		if !b.foreign[k.ID] {
			out = append(out, k)
		}
	}
	return out
}

// A key whose secret was lost with the answer is named with its id, by its own run and by each that follows, until it is gone. No
// other is made meanwhile, and the next is.
func TestLostSecretIsKeptInMind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t.Context(), t, world{})
		result := losesAnswer(b)
		made := b.made()
		if len(made) != 1 {
			t.Fatalf("there are %v", made)
		}
		id := made[0].ID
		if result.Status != apply.Failed || !strings.Contains(result.Error, id) || !strings.Contains(result.Error, "its secret was lost") {
			t.Errorf("%s: %s", result.Status, result.Error)
		}
		for range 2 {
			notes, err := b.run().Backend.Recover(t.Context())
			if err != nil || len(notes) != 1 || !strings.Contains(notes[0], id) || !strings.Contains(notes[0], "delete it") {
				t.Errorf("%q, %v", notes, err)
			}
			b.run().Converge(backendtest.Manifest(t, oneKey))
			if made := b.made(); len(made) != 1 {
				t.Fatalf("there are %v", made)
			}
		}
		b.run().Converge(backendtest.Manifest(t, `
spec: {api: locktera/v1, keys: [{name: ci, id: `+id+`, ensure: absent}]}
policy: {allowDelete: [key/ci]}
`))
		b.run().Converge(backendtest.Manifest(t, oneKey)) // also without another look for what was begun
		if made := b.made(); len(made) != 1 || made[0].ID == id {
			t.Errorf("there are %v", made)
		}
		if problems := b.Problems(); len(problems) > 0 {
			t.Error(problems)
		}
	})
}

// What somebody else makes under the name at the same time is not taken for ours, and not taken away.
func TestLostSecretAmongOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		theirs := sim.Edit{Kind: "key", Name: "ci", Create: true}
		b := newBench(t.Context(), t, world{config: sim.Config{Meanwhile: []sim.Meanwhile{{Method: http.MethodPost, Edit: theirs}}}})
		result := losesAnswer(b)
		for _, k := range b.made() {
			if !strings.Contains(result.Error, k.ID) {
				t.Errorf("%s is not named: %s", k.ID, result.Error)
			}
		}
		if len(b.made()) != 2 || result.Status != apply.Failed {
			t.Errorf("%s, and there are %v", result.Status, b.made())
		}
	})
}

// noPlace is a sink that stores nothing.
type noPlace struct{ secrets.Sink }

func (noPlace) Store(context.Context, secrets.Record) (secrets.Record, error) {
	return secrets.Record{}, errors.New("no space")
}

// A key whose secret cannot be stored is taken away, as long as the answer says which it is; otherwise it is named, and left.
func TestSecretThatCannotBeStored(t *testing.T) {
	for name, c := range map[string]struct {
		config sim.Config
		left   int
	}{
		"the answer has the id":   {sim.Config{}, 0},
		"the answer has no id":    {sim.Config{SecretField: "id"}, 1},
		"keys are without a name": {sim.Config{Shape: "spec"}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t.Context(), t, world{config: c.config})
				b.place = noPlace{b.sink}
				desired := backendtest.Manifest(t, "spec: {api: locktera/v1, keys: [{name: sandbox, id: "+callerKey+"}, {name: ci, permissions: [read]}]}")
				result := b.run().TryApply(desired).Results[0]
				made := b.made()
				if result.Status != apply.Failed || !strings.Contains(result.Error, "no space") || len(made) != c.left {
					t.Fatalf("%s: %s\nleft: %v", result.Status, result.Error, made)
				}
				if c.left > 0 && !strings.Contains(result.Error, made[0].ID) {
					t.Errorf("%s is not named: %s", made[0].ID, result.Error)
				}
				notes, err := b.run().Backend.Recover(t.Context())
				if err != nil || len(notes) != c.left {
					t.Errorf("%q, %v", notes, err)
				}
			})
		})
	}
}

// Of keys without names it is not known which is meant: none is made as long as there is one that is not pinned, and what a creation
// without an answer has left may be any of those that came since.
func TestKeysWithoutNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t.Context(), t, world{config: sim.Config{Shape: "spec"}})
		unpinned := backendtest.Manifest(t, oneKey)
		if p := b.run().Plan(unpinned); !p.Empty() || len(p.Findings) != 1 || p.Findings[0].Code != diff.CodeAmbiguous {
			t.Fatalf("plan: %s", backendtest.Encode(t, p))
		}
		pinned := func(id string) string {
			return "spec:\n  api: locktera/v1\n  name: Acme\n  customizations: {theme: dark}\n  keys:\n    - {name: sandbox, id: " + callerKey + ", permissions: [write, read]}\n    - {name: ci, " + id + "permissions: [read]}\n"
		}
		// The answer is lost: the key is named, and not made again.
		cfg := b.world.config
		cfg.Faults = []sim.Fault{{Kind: "cut-after", Method: http.MethodPost, Count: 1}}
		b.server.SetConfig(cfg)
		report := b.run().TryApply(backendtest.Manifest(t, pinned("")))
		made := b.made()
		if len(made) != 1 || report.Converged || !strings.Contains(backendtest.Encode(t, report), made[0].ID) {
			t.Fatalf("there are %v, and %s", made, backendtest.Encode(t, report))
		}
		lost := made[0].ID
		stray := b.edit(sim.Edit{Kind: "key", Name: "theirs", Create: true}).ID
		notes, err := b.run().Backend.Recover(t.Context())
		if err != nil || len(notes) != 1 || !strings.Contains(notes[0], lost) || !strings.Contains(notes[0], stray) || strings.Contains(notes[0], callerKey) {
			t.Errorf("%q, %v", notes, err)
		}
		if p := b.run().Plan(backendtest.Manifest(t, pinned(""))); !p.Empty() || p.Worst() != diff.SeverityBlocked {
			t.Errorf("plan: %s", backendtest.Encode(t, p))
		}
		b.edit(sim.Edit{Kind: "key", ID: lost, Delete: true})
		b.edit(sim.Edit{Kind: "key", ID: stray, Delete: true})
		if notes, err = b.run().Backend.Recover(t.Context()); err != nil || len(notes) != 1 || !strings.Contains(notes[0], "was not created") {
			t.Errorf("%q, %v", notes, err)
		}

		// Made, it has to be pinned, and is then as declared, export and all.
		_, report = b.run().Apply(backendtest.Manifest(t, pinned("")))
		if made = b.made(); len(made) != 1 || report.Results[len(report.Results)-1].Status != apply.Applied || report.Converged {
			t.Fatalf("there are %v, and %s", made, backendtest.Encode(t, report))
		}
		if findings := report.Remaining.Findings; len(findings) != 1 || !strings.Contains(findings[0].Hint+findings[0].Message, made[0].ID) {
			t.Errorf("findings: %s", backendtest.Encode(t, findings))
		}
		settled := backendtest.Manifest(t, pinned("id: "+made[0].ID+", "))
		b.run().Converge(settled)
		if p := b.run().Plan(b.run().Exported()); !p.Converged() {
			t.Errorf("the export is not as the organization is: %s", backendtest.Encode(t, p))
		}
		b.edit(sim.Edit{Kind: "key", ID: made[0].ID, Set: map[string]any{"permissions": []any{"write"}}})
		if p := b.run().Plan(settled); !p.Drifted() {
			t.Error("no drift")
		}
		b.run().Converge(backendtest.Manifest(t, `
spec:
  api: locktera/v1
  keys: [{name: sandbox, id: `+callerKey+`}, {name: ci, id: `+made[0].ID+`, ensure: absent}]
policy: {allowDelete: [key/ci]}
`))
		if problems := b.Problems(); len(b.made()) > 0 || len(problems) > 0 {
			t.Errorf("there are %v; %q", b.made(), problems)
		}
	})
}
