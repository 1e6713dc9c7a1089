package backendtest

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/orgctl/orgctl/pkg/diff"
	"github.com/orgctl/orgctl/pkg/spec"
)

// eachField goes through every field of every kind of the API. One that stands for every key of an object is gone through by the
// keys that Everything declares.
func (s Suite) eachField(t *testing.T, try func(t *testing.T, kind *spec.Kind, field *spec.Field, id string)) {
	t.Helper()
	declared := map[string][]spec.Tree{}
	for _, r := range Manifest(t, s.Everything).Resources {
		declared[r.Address.Kind] = append(declared[r.Address.Kind], r.Spec)
	}
	for _, kind := range s.API.Kinds {
		fields := kind.FieldsOf(declared[kind.Name]...)
		for _, field := range fields {
			id := kind.Name + "." + field.Path
			t.Run(id, func(t *testing.T) { try(t, kind, field, id) })
		}
		for _, field := range kind.Fields {
			whole, open := strings.CutSuffix(field.Path, "*")
			if open && !slices.ContainsFunc(fields, func(f *spec.Field) bool { return strings.HasPrefix(f.Path, whole) }) {
				t.Errorf("no key of %s.%s is declared", kind.Name, field.Path)
			}
		}
	}
}

// Fields changes every field of every kind out of band: the next plan says that and nothing else, and undoes it where the field
// can be changed.
func (s Suite) Fields(t *testing.T) {
	s.eachField(t, func(t *testing.T, kind *spec.Kind, field *spec.Field, id string) {
		edit, ok := s.Changed[id]
		switch {
		case !ok:
			t.Fatal("no edit is written down for this field")
		case edit.Never != "":
			return
		}
		synctest.Test(t, func(t *testing.T) {
			f, run, desired := s.prepared(t.Context(), t, s.Everything)
			if p := run.Plan(desired); !p.Empty() {
				t.Fatalf("a second plan is not empty: %s", Encode(t, p.Changes))
			}
			f.Edit(Edit{Kind: kind.Name, Name: edit.Name, Set: edit.Set})
			p := run.Plan(desired)
			if field.Immutable {
				if len(p.Changes) != 0 || p.Worst() != diff.SeverityBlocked || len(p.Findings) != 1 || p.Findings[0].Code != diff.CodeImmutable {
					t.Fatalf("want one blocking finding and no change, got %s", Encode(t, p))
				}
				return
			}
			shows := edit.Shows
			if shows == nil {
				shows = []string{field.Path}
			}
			if len(p.Changes) != 1 || p.Changes[0].Address.Kind != kind.Name || p.Changes[0].Action != diff.Update || !slices.Equal(paths(p.Changes[0]), shows) {
				t.Fatalf("want one update of %q of a %s, got %s", shows, kind.Name, Encode(t, p.Changes))
			}
			run.Converge(desired)
		})
	})
}

func paths(c diff.Change) []string {
	var out []string
	for _, f := range c.Fields {
		out = append(out, f.Path)
	}
	return out
}

// Export exports organizations and changes them after that: whatever field of whatever object somebody changes is drift, be it
// one that had a value or one that had none, and so is every object that comes or goes.
func (s Suite) Export(t *testing.T) {
	s.eachField(t, func(t *testing.T, kind *spec.Kind, _ *spec.Field, id string) {
		first, editable := s.First[id]
		_, unmanaged := s.Unmanaged[id]
		t.Run("first", func(t *testing.T) {
			switch {
			case !editable && !unmanaged:
				t.Fatal("no edit is written down for this field, and no reason why it cannot be managed")
			case !editable:
				return
			}
			synctest.Test(t, func(t *testing.T) {
				first.Kind = kind.Name
				if drifted := s.driftsFromExport(t, s.Bare, first); drifted == unmanaged {
					t.Errorf("drift: %v, and cannot be managed: %v", drifted, unmanaged)
				}
			})
		})
		t.Run("another", func(t *testing.T) {
			another := s.Changed[id]
			if another.Never != "" {
				return
			}
			synctest.Test(t, func(t *testing.T) {
				if !s.driftsFromExport(t, s.Everything, Edit{Kind: kind.Name, Name: another.Name, Set: another.Set}) {
					t.Error("no drift")
				}
			})
		})
	})
	for _, kind := range s.API.Kinds {
		if kind.Collection == "" {
			continue
		}
		for what, edit := range map[string]Edit{
			"comes": {Kind: kind.Name, Name: s.Stray, Create: true},
			"goes":  {Kind: kind.Name, Name: s.There[kind.Name], Delete: true},
		} {
			t.Run(kind.Name+" "+what, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					if !s.driftsFromExport(t, s.Bare, edit) {
						t.Error("no drift")
					}
				})
			})
		}
	}
}

// driftsFromExport makes an organization, exports it, which plans empty and is no drift, and reports whether an edit is.
func (s Suite) driftsFromExport(t *testing.T, made string, edit Edit) bool {
	t.Helper()
	f, run, _ := s.prepared(t.Context(), t, made)
	desired := run.Exported()
	if p := run.Plan(desired); !p.Converged() {
		t.Fatalf("the export is not as the organization is: %s", Encode(t, p))
	}
	f.Edit(edit)
	return run.Plan(desired).Drifted()
}
