package main

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"

	"github.com/orgctl/orgctl/pkg/spec"
)

// TestDocsLinks: what a page links to is there, and so is the heading.
func TestDocsLinks(t *testing.T) {
	paths := append(documentation(t), "CONTRIBUTING.md", "CHANGELOG.md")
	text, anchors := map[string]string{}, map[string]bool{}
	fences := regexp.MustCompile("(?s)```.*?\n```\n")
	for _, page := range paths {
		data, err := os.ReadFile(filepath.Join(repository, filepath.FromSlash(page)))
		if err != nil {
			t.Fatal(err)
		}
		text[page] = fences.ReplaceAllString(string(data), "")
		for _, heading := range regexp.MustCompile(`(?m)^#+ (.*)$|^(\S.*)\n-{3,}$`).FindAllStringSubmatch(text[page], -1) {
			name := regexp.MustCompile(`[^a-z0-9 _-]`).ReplaceAllString(strings.ToLower(heading[1]+heading[2]), "")
			anchors[page+"#"+strings.ReplaceAll(name, " ", "-")] = true
		}
	}
	for page, content := range text {
		for _, link := range regexp.MustCompile(`\]\(([^)\s]+)\)`).FindAllStringSubmatch(content, -1) {
			file, anchor, _ := strings.Cut(link[1], "#")
			if strings.Contains(file, "://") {
				continue
			}
			target := page
			if file != "" {
				target = path.Join(path.Dir(page), file)
			}
			if _, err := os.Stat(filepath.Join(repository, filepath.FromSlash(target))); err != nil {
				t.Errorf("%s: %v", page, err)
			} else if anchor != "" && !anchors[target+"#"+anchor] {
				t.Errorf("%s: %s has no heading %s", page, target, anchor)
			}
		}
	}
}

// TestDocsNameTests: the tests and scripts that pages name as their proof are there.
func TestDocsNameTests(t *testing.T) {
	written := map[string]bool{}
	err := fs.WalkDir(os.DirFS(repository), ".", func(file string, _ fs.DirEntry, err error) error {
		if strings.HasSuffix(file, ".txtar") {
			written[path.Base(file)] = true
		}
		if err != nil || !strings.HasSuffix(file, "_test.go") {
			return err
		}
		text, err := os.ReadFile(filepath.Join(repository, filepath.FromSlash(file)))
		for _, function := range regexp.MustCompile(`(?m)^func ((?:Test|Fuzz|Benchmark)\w+)`).FindAllSubmatch(text, -1) {
			written[string(function[1])] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range append(documentation(t), "CONTRIBUTING.md") {
		text, err := os.ReadFile(filepath.Join(repository, filepath.FromSlash(page)))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range regexp.MustCompile("`((?:Test|Fuzz|Benchmark)[A-Z]\\w+|\\w+\\.txtar)`").FindAllSubmatch(text, -1) {
			if !written[string(name[1])] {
				t.Errorf("%s names %s, which is not there", page, name[1])
			}
		}
	}
}

// TestDocsNameEveryFlag: the tables of commands.md, or of sandbox.md for its own command, have every flag, and none that does not
// exist.
func TestDocsNameEveryFlag(t *testing.T) {
	named := map[string]bool{}
	for _, path := range []string{"commands.md", "sandbox.md"} {
		text, err := os.ReadFile(filepath.Join(repository, "docs", path))
		if err != nil {
			t.Fatal(err)
		}
		for _, cell := range regexp.MustCompile("(?m)^\\| `-[^|]+").FindAllString(string(text), -1) {
			for _, flag := range regexp.MustCompile("`(--?[a-z-]+)").FindAllStringSubmatch(cell, -1) {
				named[flag[1]] = false
			}
		}
	}
	app := newApp(testEnv())
	flags := slices.Clone(app.Flags)
	for _, c := range app.Commands {
		flags = append(flags, c.Flags...)
	}
	for _, flag := range flags {
		found := false
		for _, name := range flag.Names() {
			dashed := strings.Repeat("-", min(len(name), 2)) + name
			if _, ok := named[dashed]; ok {
				named[dashed], found = true, true
			}
		}
		if shown, ok := flag.(cli.VisibleFlag); !found && ok && shown.IsVisible() {
			t.Errorf("no page names %v", flag.Names())
		}
	}
	for name, exists := range named {
		if _, otherTool := otherFlags[strings.TrimLeft(name, "-")]; !exists && !otherTool {
			t.Errorf("there is no flag %s", name)
		}
	}
}

// TestDocsShowValidManifests: every manifest in manifest.md is valid, or becomes so with what its place in the page implies.
func TestDocsShowValidManifests(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(repository, "docs", "manifest.md"))
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(string(text), -1)
	if len(blocks) == 0 {
		t.Fatal("there is none")
	}
	const head = "apiVersion: orgctl/v1\nkind: Organization\nmetadata: {name: acme}\n"
	for i, block := range blocks {
		manifest := block[1]
		if strings.HasPrefix(manifest, "    - ") {
			manifest = "spec:\n  services:\n" + manifest
		}
		if !strings.Contains(manifest, "apiVersion:") {
			manifest = head + manifest
		}
		files := []spec.File{{Name: fmt.Sprintf("block-%d.yaml", i+1), Data: []byte(manifest)}}
		if !strings.Contains(manifest, "office:") {
			files = append(files, spec.File{Name: "office.yaml", Data: []byte(head + "spec: {ipSets: {office: [{source: 203.0.113.0/24}]}}\n")})
		}
		if _, diagnostics := spec.Load(files); len(diagnostics) > 0 {
			t.Errorf("%v\n%s", diagnostics, block[1])
		}
	}
}
