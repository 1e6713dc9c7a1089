package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// repository is the root of the repository, seen from this folder.
var repository = filepath.Join("..", "..")

// withExamples is a program beside a copy of the examples, as in a fresh clone.
func withExamples(t *testing.T, env ...string) *program {
	t.Helper()
	p := newProgram(t, env...)
	if err := os.CopyFS(filepath.Join(p.dir, "examples"), os.DirFS(filepath.Join(repository, "examples"))); err != nil {
		t.Fatal(err)
	}
	return p
}

// TestExamples: every example, which is a file or a folder directly under examples, is valid, creates an organization from
// nothing, and leaves nothing to do; what export then writes plans empty.
func TestExamples(t *testing.T) {
	examples, err := os.ReadDir(filepath.Join(repository, "examples"))
	if err != nil {
		t.Fatal(err)
	}
	for _, example := range examples {
		t.Run(example.Name(), func(t *testing.T) {
			p := withExamples(t)
			manifest := "examples/" + example.Name()
			p.ok(t, "validate", "-f", manifest)

			r := p.ok(t, "plan", "--sandbox", "org.json", "-f", manifest)
			if !strings.HasPrefix(r.lastLine(), "Plan: ") {
				t.Fatalf("nothing to create: %s", r.stdout)
			}
			if r := p.ok(t, "apply", "--sandbox", "org.json", "--yes", "-f", manifest); r.lastLine() != "converged" {
				t.Fatalf("%s\n%s", r.stdout, r.stderr)
			}
			r = p.ok(t, "apply", "--sandbox", "org.json", "--yes", "-f", manifest)
			if !strings.Contains(r.stdout, "\nNo changes. ") || r.lastLine() != "converged" {
				t.Errorf("second apply: %s", r.stdout)
			}
			p.ok(t, "drift", "--sandbox", "org.json", "-f", manifest)

			p.ok(t, "export", "--sandbox", "org.json", "--out", "exported.yaml")
			r = p.ok(t, "plan", "--sandbox", "org.json", "-f", "exported.yaml", "--detailed-exitcode")
			if !strings.HasPrefix(r.lastLine(), "No changes. ") || strings.Contains(r.stdout, "Unmanaged") {
				t.Errorf("plan of the export: %s", r.stdout)
			}
		})
	}
}

// commandLines are the lines of code of a text that begin with a command, comments and redirections removed.
func commandLines(text, command string) []string {
	var out []string
	for line := range strings.Lines(text) {
		line, isCode := strings.CutPrefix(strings.Replace(line, "#", " ", 1), "    ")
		if !isCode || !strings.HasPrefix(line, command+" ") {
			continue
		}
		line, _, _ = strings.Cut(line, " #")
		line, _, _ = strings.Cut(line, " >")
		out = append(out, strings.TrimSpace(line))
	}
	return out
}

// TestFirstCommand runs the first command that the README shows, in its own words: it creates the whole example, and finds
// nothing to do when run again.
func TestFirstCommand(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join(repository, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	commands := commandLines(string(readme), "go run ./cmd/orgctl")
	if len(commands) == 0 {
		t.Fatal("the README shows no command")
	}
	args := strings.Fields(strings.TrimPrefix(commands[0], "go run ./cmd/orgctl"))
	p := withExamples(t)
	if r := p.ok(t, args...); r.lastLine() != "converged" || !strings.Contains(r.stdout, "\nPlan: ") {
		t.Errorf("first run: %s", r.stdout)
	}
	if r := p.ok(t, args...); r.lastLine() != "converged" || !strings.Contains(r.stdout, "\nNo changes. ") {
		t.Errorf("second run: %s", r.stdout)
	}
}

// TestDocumentedCommands: every command line that documentation, help texts and examples show is one that orgctl understands.
func TestDocumentedCommands(t *testing.T) {
	texts := map[string]string{}
	for _, root := range []string{"README.md", "docs", "examples"} {
		err := filepath.WalkDir(filepath.Join(repository, root), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			text, err := os.ReadFile(path)
			texts[path] = string(text)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range newApp(testEnv()).Commands {
		texts["help of "+c.Name] = "    " + strings.ReplaceAll(c.UsageText, "\n", "\n    ")
	}
	found := 0
	for path, text := range texts {
		for _, line := range commandLines(text, "orgctl") {
			found++
			if err := parse(t, strings.Fields(strings.ReplaceAll(line, "'", ""))); err != nil {
				t.Errorf("%s: %s: %v", path, line, err)
			}
		}
	}
	if found < 20 {
		t.Errorf("only %d command lines found", found)
	}
}
