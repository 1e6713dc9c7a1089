package docs_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/orgctl/orgctl/docs"
)

// codesOfTheSource are the codes that the program's source names, tests left aside.
func codesOfTheSource(t *testing.T) []string {
	t.Helper()
	var codes []string
	for _, root := range []string{"pkg", "cmd"} {
		err := filepath.WalkDir(filepath.Join("..", root), func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			source, err := os.ReadFile(path)
			codes = append(codes, regexp.MustCompile(`\bOC[0-9]{3}\b`).FindAllString(string(source), -1)...)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	slices.Sort(codes)
	return slices.Compact(codes)
}

// TestEveryCodeHasASection: whatever code a message can have, errors.md says something about it.
func TestEveryCodeHasASection(t *testing.T) {
	known := map[string]docs.Section{}
	for _, s := range docs.Errors() {
		known[s.Code] = s
	}
	codes := codesOfTheSource(t)
	if len(codes) < 50 {
		t.Fatalf("the source names only %v", codes)
	}
	for _, code := range codes {
		if known[code].Text == "" {
			t.Errorf("errors.md has no section for %s", code)
		}
	}
}

// TestSections: a section has its text and title, and nothing of what stands before or behind it.
func TestSections(t *testing.T) {
	all := slices.Concat(docs.Errors(), docs.Guards())
	for _, s := range all {
		if s.Title == "" || !strings.HasPrefix(s.Text, "**"+s.Title[:4]) {
			t.Errorf("%s of %s has the title %q and begins with\n%.80s", s.Code, s.Page, s.Title, s.Text)
		}
		if line := s.Code + "  " + s.Title; len(line) > 80 {
			t.Errorf("in the list of orgctl explain %s is longer than a line: %s", s.Code, line)
		}
		for _, foreign := range []string{"\n## ", "\n### ", "Findings in plans", "-----\n", "<!--"} {
			if strings.Contains(s.Text, foreign) {
				t.Errorf("%s of %s holds %q", s.Code, s.Page, foreign)
			}
		}
	}
	at := slices.IndexFunc(all, func(s docs.Section) bool { return s.Code == "OC206" })
	want := docs.Section{
		Code: "OC206", Title: "A key is given twice in one object", Page: "errors.md",
		Text: "**A key is given twice in one object.** YAML leaves open which one counts, so neither does. Keep one.\n\n" +
			"```yaml\nspec:\n  enableCoreDumps: true\n  enableCoreDumps: false\n```\n",
	}
	if at < 0 || all[at] != want {
		t.Errorf("OC206 is %+v", all[max(0, at)])
	}
}
