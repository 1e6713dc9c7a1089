package spec_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orgctl/orgctl/pkg/spec"
)

var update = flag.Bool("update", false, "write the golden files")

// TestBad loads every file and directory of testdata/bad and compares all that is reported with its *.want file. A name that
// begins with a code promises that this code is among them.
func TestBad(t *testing.T) {
	t.Chdir(filepath.Join("testdata", "bad"))
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		path := entry.Name()
		name := strings.TrimSuffix(path, ".yaml")
		if strings.HasSuffix(path, ".want") {
			continue
		}
		t.Run(name, func(t *testing.T) {
			files, problems := spec.Read([]string{path}, nil)
			organizations, diags := spec.Load(files)
			diags = append(problems, diags...)
			if organizations != nil || !diags.HasErrors() {
				t.Fatalf("loaded: %v", diags)
			}
			code, _, _ := strings.Cut(name, "-")
			promised := !strings.HasPrefix(code, "OC")
			var got strings.Builder
			for _, d := range diags {
				got.WriteString(d.String() + "\n")
				promised = promised || d.Code == code
			}
			if !promised {
				t.Errorf("no %s among\n%s", code, &got)
			}
			golden(t, name+".want", got.String())
		})
	}
}

// TestWarnings loads every file of testdata/warn, which is a valid manifest, and compares what is said of it with its *.want
// file. The code that a name begins with is among that.
func TestWarnings(t *testing.T) {
	t.Chdir(filepath.Join("testdata", "warn"))
	paths, err := filepath.Glob("*.yaml")
	if err != nil || len(paths) == 0 {
		t.Fatal(paths, err)
	}
	for _, path := range paths {
		name := strings.TrimSuffix(path, ".yaml")
		t.Run(name, func(t *testing.T) {
			files, problems := spec.Read([]string{path}, nil)
			organizations, diags := spec.Load(files)
			if len(organizations) != 1 || diags.HasErrors() || len(problems) > 0 {
				t.Fatalf("not loaded: %v %v", problems, diags)
			}
			code, _, _ := strings.Cut(name, "-")
			var got strings.Builder
			promised := false
			for _, d := range diags {
				got.WriteString(d.String() + "\n")
				promised = promised || d.Code == code
			}
			if !promised {
				t.Errorf("no %s among\n%s", code, &got)
			}
			golden(t, name+".want", got.String())
		})
	}
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}
