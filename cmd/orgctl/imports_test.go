package main

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/orgctl/orgctl/"

// importTable says what each package may rest on, through whatever it imports: the first-party packages in full, and what no
// package of the standard library or of others may bring in. The linter holds the direct imports; this holds all of them.
var importTable = map[string]struct {
	ours   []string // first-party dependencies, all of them
	stdlib bool     // nothing but the standard library besides
	no     []string // never, not even at the far end
}{
	"docs":                          {stdlib: true, no: []string{"net/http"}},
	"schemas":                       {stdlib: true, no: []string{"net/http"}},
	"pkg/spec":                      {ours: []string{"schemas"}, no: []string{"net/http"}},
	"pkg/diff":                      {ours: []string{"schemas", "pkg/spec"}, no: []string{"net/http"}},
	"pkg/apply":                     {ours: []string{"schemas", "pkg/spec", "pkg/diff"}, no: []string{"net/http"}},
	"pkg/apply/backendtest":         {ours: []string{"schemas", "pkg/spec", "pkg/diff", "pkg/apply"}},
	"pkg/apply/store":               {stdlib: true, no: []string{"net/http"}},
	"pkg/apply/journal":             {ours: []string{"pkg/apply/store"}, no: []string{"net/http"}},
	"pkg/apply/secrets":             {ours: []string{"pkg/apply/store", "pkg/client/secret"}, no: []string{"net/http"}},
	"pkg/client/secret":             {stdlib: true, no: []string{"net/http"}},
	"pkg/client":                    {ours: []string{"pkg/client/secret"}},
	"pkg/client/cloudapi":           {ours: []string{"pkg/client", "pkg/client/secret"}},
	"pkg/client/locktera":           {ours: []string{"pkg/client", "pkg/client/secret"}},
	"pkg/client/sim":                {ours: []string{"pkg/client/sim/internal/stage"}, stdlib: true},
	"pkg/client/sim/internal/stage": {stdlib: true},
	"pkg/client/sim/locktera":       {ours: []string{"pkg/client/sim/internal/stage"}, stdlib: true},
	"pkg/client/otherapi":           {stdlib: true},
	"pkg/apply/cloud": {ours: []string{
		"schemas", "pkg/spec", "pkg/diff", "pkg/apply", "pkg/apply/journal", "pkg/apply/secrets", "pkg/apply/store", "pkg/client",
		"pkg/client/cloudapi", "pkg/client/secret",
	}},
	"pkg/apply/locktera": {ours: []string{
		"schemas", "pkg/spec", "pkg/diff", "pkg/apply", "pkg/apply/journal", "pkg/apply/secrets", "pkg/apply/store", "pkg/client",
		"pkg/client/locktera", "pkg/client/secret",
	}},
	"cmd/orgctl/internal/view": {ours: []string{"schemas", "pkg/spec", "pkg/diff", "pkg/apply"}, no: []string{"net/http"}},
}

func TestImportTable(t *testing.T) {
	for name, rule := range importTable {
		out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", "{{.ImportPath}} {{.Standard}}", module+name).CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		for line := range strings.Lines(string(out)) {
			path, standard, _ := strings.Cut(strings.TrimSpace(line), " ")
			own, first := strings.CutPrefix(path, module)
			switch {
			case own == name:
			case first && !slices.Contains(rule.ours, own):
				t.Errorf("%s rests on %s", name, own)
			case !first && standard == "false" && rule.stdlib:
				t.Errorf("%s rests on %s, and may have the standard library only", name, path)
			case slices.Contains(rule.no, path):
				t.Errorf("%s rests on %s", name, path)
			}
		}
	}
}
