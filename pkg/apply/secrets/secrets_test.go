package secrets_test

import (
	order "cmp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orgctl/orgctl/pkg/apply/secrets"
	scopes "github.com/orgctl/orgctl/pkg/apply/store"
)

func store(t *testing.T, s secrets.Sink, r secrets.Record) secrets.Record {
	t.Helper()
	stored, err := s.Store(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return stored
}

func confirm(t *testing.T, s secrets.Sink, r secrets.Record) {
	t.Helper()
	if err := s.Confirm(t.Context(), r); err != nil {
		t.Fatal(err)
	}
}

func checkFound(t *testing.T, s secrets.Sink, kind, name, mark string, want ...secrets.Record) {
	t.Helper()
	got, err := s.Find(t.Context(), secrets.Query{Scope: ours, Kind: kind, Name: name, Mark: mark})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(revealed(want), revealed(got)); d != "" {
		t.Errorf("Find(%s, %q, %q): %s", kind, name, mark, d)
	}
}

// revealed makes records comparable, secrets included.
func revealed(records []secrets.Record) []map[string]any {
	out := []map[string]any{}
	for _, r := range records {
		out = append(out, map[string]any{
			"scope": r.Scope, "kind": r.Kind, "name": r.Name, "mark": r.Mark, "version": r.Version, "id": r.ID, "keyId": r.KeyID,
			"keySecret": r.KeySecret.Reveal(), "username": r.Username, "password": r.Password.Reveal(), "host": r.Host, "port": r.Port,
		})
	}
	return out
}

// What a sink that can be read back owes to an interrupted creation.
func TestReadableSinks(t *testing.T) {
	for name, open := range map[string]func(t *testing.T) secrets.Sink{
		"Memory": func(*testing.T) secrets.Sink { return secrets.NewMemory() },
		"Dir":    func(t *testing.T) secrets.Sink { d, _ := newDir(t); return d },
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t)
			checkFound(t, s, secrets.Key, "ci", "")
			if err := s.Confirm(t.Context(), keyRecord("ci", "Ab12")); err == nil {
				t.Error("a record was confirmed that was never stored")
			}

			a := store(t, s, keyRecord("ci", "Ab12"))
			b := store(t, s, keyRecord("ci", "Cd34"))
			other := store(t, s, keyRecord("cd", "Ab12"))
			service := store(t, s, serviceRecord("ci", "Ab12"))
			checkFound(t, s, secrets.Key, "ci", "", a, b)
			checkFound(t, s, secrets.Key, "ci", "Cd34", b)
			checkFound(t, s, secrets.Key, "ci", "Zz99")
			checkFound(t, s, secrets.Key, "cd", "", other)
			checkFound(t, s, secrets.Service, "ci", "", service)

			a.ID = "id"
			confirm(t, s, a)
			confirm(t, s, a)
			checkFound(t, s, secrets.Key, "ci", "", a, b)

			again := store(t, s, keyRecord("ci", "Ab12"))
			if again.Version != a.Version+1 {
				t.Errorf("version %d after %d", again.Version, a.Version)
			}
			checkFound(t, s, secrets.Key, "ci", "Ab12", again)
			a.ID = "another id"
			confirm(t, s, a)
			checkFound(t, s, secrets.Key, "ci", "", again, b)
		})
	}
}

// What is stored for one organization is found for no other, whoever's record of that mark is the later one.
func TestScopesOfOneSink(t *testing.T) {
	for name, open := range map[string]func(t *testing.T) secrets.Sink{
		"Memory": func(*testing.T) secrets.Sink { return secrets.NewMemory() },
		"Dir":    func(t *testing.T) secrets.Sink { d, _ := newDir(t); return d },
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t)
			mine := store(t, s, keyRecord("ci", "Ab12"))
			for _, scope := range []scopes.Scope{{API: ours.API, Organization: "o2"}, {API: "https://other.example.com", Organization: ours.Organization}, {}} {
				theirs := keyRecord("ci", "Ab12")
				theirs.Scope = scope
				store(t, s, theirs)
			}
			checkFound(t, s, secrets.Key, "ci", "", mine)
		})
	}
}

// A record opens what it was confirmed for, whatever its name, mark and version, until it is said to be out of force.
func TestInForce(t *testing.T) {
	for name, open := range map[string]func(t *testing.T) secrets.Sink{
		"Memory": func(*testing.T) secrets.Sink { return secrets.NewMemory() },
		"Dir":    func(t *testing.T) secrets.Sink { d, _ := newDir(t); return d },
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t)
			kept := func(r secrets.Record, id, notInForce string) secrets.Record {
				stored := store(t, s, r)
				stored.ID, stored.NotInForce = id, notInForce
				confirm(t, s, stored)
				return stored
			}
			first := kept(serviceRecord("orders", "a"), "1", "")
			second := kept(serviceRecord("orders", "a"), "1", "")
			renamed := kept(serviceRecord("sales", "b"), "1", "")
			kept(serviceRecord("orders", "c"), "1", "it was retired")
			kept(serviceRecord("orders", "d"), "2", "")
			kept(keyRecord("orders", "e"), "1", "")
			theirs := serviceRecord("orders", "f")
			theirs.Scope.Organization = "o2"
			kept(theirs, "1", "")
			store(t, s, serviceRecord("orders", "g"))

			check := func(want ...secrets.Record) {
				t.Helper()
				got := slices.SortedFunc(slices.Values(s.InForce(t.Context(), ours, secrets.Service, "1")), func(a, b secrets.Record) int {
					return order.Or(strings.Compare(a.Name, b.Name), a.Version-b.Version)
				})
				if d := cmp.Diff(revealed(want), revealed(got)); d != "" {
					t.Error(d)
				}
			}
			check(first, second, renamed)
			second.NotInForce = "there is another"
			confirm(t, s, second)
			check(first, renamed)
		})
	}
}

func TestRecordRoundTrip(t *testing.T) {
	for _, r := range []secrets.Record{
		keyRecord("ci", "Ab12"),
		{Kind: secrets.Service, Name: "<a>&\u2028\"", Mark: "n", ID: "i", Username: "u", Password: serviceRecord("", "").Password, Host: "h", Port: 1},
	} {
		data, err := secrets.Encode(r)
		if err != nil {
			t.Fatal(err)
		}
		got, err := secrets.Decode(data)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(revealed([]secrets.Record{r}), revealed([]secrets.Record{got})); d != "" {
			t.Error(d)
		}
	}
	if _, err := secrets.Decode([]byte("{")); err == nil {
		t.Error("half a document was decoded")
	}
}
