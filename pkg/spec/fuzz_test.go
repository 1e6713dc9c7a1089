package spec_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/orgctl/orgctl/pkg/spec"
)

// FuzzLoad: whatever the input, Load ends, gives organizations or errors but never both, and every place that it names
// exists, be it read as YAML or as JSON. Two loads of one input report the same.
func FuzzLoad(f *testing.F) {
	for _, pattern := range []string{"testdata/*/*.yaml", "testdata/*/*/*.yaml"} {
		names, err := filepath.Glob(pattern)
		if err != nil || len(names) == 0 {
			f.Fatalf("no seeds in %s: %v", pattern, err)
		}
		for _, name := range names {
			data, err := os.ReadFile(name)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data)
		}
	}
	f.Add([]byte(asJSON(`{"services": [{"name": "\ud83d\ude00", "numReplicas": 3e0}]}`)))
	f.Add([]byte("---\n" + asJSON("{}") + "\n---\n" + asJSON(`{"name": "a\/b"}`) + "\n...\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		checkLoad(t, spec.File{Name: "f.yaml", Data: data})
		checkLoad(t, spec.File{Name: "f.json", Data: data})
	})
}

func checkLoad(t *testing.T, f spec.File) {
	t.Helper()
	organizations, diags := spec.Load([]spec.File{f})
	if diags.HasErrors() == (organizations != nil) {
		t.Fatalf("%d organizations, %v", len(organizations), diags)
	}
	lines := bytes.Count(f.Data, []byte("\n")) + 1
	checkPos := func(p spec.Pos) {
		if p.Line > lines || p.Line > 0 && p.Column < 1 {
			t.Errorf("%s in a text of %d lines", p, lines)
		}
	}
	for _, d := range diags {
		checkPos(d.Pos)
	}
	for _, o := range organizations {
		for _, r := range o.Resources {
			checkPos(r.Intent.Pos)
			for _, p := range r.Intent.Fields {
				checkPos(p)
			}
		}
	}
	_, again := spec.Load([]spec.File{f})
	text := func(d spec.Diagnostic) string { return d.String() }
	if !slices.Equal(mapped(diags, text), mapped(again, text)) {
		t.Errorf("first\n%v\nthen\n%v", diags, again)
	}
}

func mapped[A, B any](list []A, f func(A) B) []B {
	out := make([]B, len(list))
	for i, e := range list {
		out[i] = f(e)
	}
	return out
}
