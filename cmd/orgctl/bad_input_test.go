package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/orgctl/orgctl/pkg/client/sim"
)

const manifestHead = "apiVersion: orgctl/v1\nkind: Organization\nmetadata: {name: acme}\n"

// manifest is a whole manifest of the organization acme; its body begins in line 4.
func manifest(body string) string { return manifestHead + body }

func (p *program) write(t *testing.T, name, content string) {
	t.Helper()
	path := filepath.Join(p.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// problem is the first line of every reported problem.
var problem = regexp.MustCompile(`(?m)^(\S.*: )?error OC2\d\d: .+$`)

// TestBadInput: whatever is wrong with manifests, it is reported with its place and its code, the exit code is 1, nothing is
// sent, and nothing panics.
func TestBadInput(t *testing.T) {
	service := func(fields string) string {
		return manifest("spec:\n  services:\n    - {name: orders, " + fields + "}\n")
	}
	tests := []struct {
		name string
		body string   // org.yaml
		want []string // how the problems begin, all of them, in order
	}{
		{"unknown key", service("numReplica: 3"), []string{`org.yaml:6:22: error OC221: `}},
		{"wrong type", service("numReplicas: three"), []string{`org.yaml:6:35: error OC222: `}},
		{"missing required", manifest("spec:\n  services:\n    - {provider: aws}\n"), []string{`org.yaml:6:7: error OC224: `}},
		{"enum", service("state: rnuning"), []string{`org.yaml:6:29: error OC225: state must be running or stopped, not "rnuning"; did you mean "running"?`}},
		{"range", service("numReplicas: 0"), []string{`org.yaml:6:35: error OC226: `}},
		{"multiple of", service("minReplicaMemoryGb: 13"), []string{`org.yaml:6:42: error OC227: `}},
		{"pattern", service("backupConfiguration: {backupStartTime: '2:00'}"), []string{`org.yaml:6:61: error OC228: `}},
		{"duplicate key", manifest("spec:\n  name: One\n  name: Two\n"), []string{`org.yaml:6:3: error OC206: `}},
		{"tab", manifest("spec:\n\tname: Acme\n"), []string{`org.yaml:5:1: error OC205: a tab in the indentation; indent with spaces`}},
		{"unclosed quote", manifest("spec:\n  name: \"Acme\n"), []string{`org.yaml:5:9: error OC205: a quote is not closed`}},
		{"empty file", "", []string{`org.yaml:1:1: error OC202: the file holds no manifest`}},
		{"comments alone", "# later\n---\n", []string{`org.yaml:1:1: error OC202: `}},
		{"not UTF-8", manifest("spec: {name: Caf\xe9}\n"), []string{`org.yaml:4:17: error OC204: byte 0xE9 is not UTF-8`}},
		{"UTF-16", "\xff\xfea\x00", []string{`org.yaml:1:1: error OC204: the file is UTF-16`}},
		{"control character", manifest("spec: {name: \"a\x00b\"}\n"), []string{`org.yaml:4:16: error OC204: `}},
		{"50 MB", strings.Repeat("# "+strings.Repeat("x", 97)+"\n", 500_000), []string{`org.yaml:1:1: error OC203: `}},
		{"alias bomb", manifest(aliasBomb()), []string{`org.yaml:12:17: error OC207: `}},
		{"self-alias", manifest("spec: &self {services: [*self]}\n"), []string{`org.yaml:4:25: error OC207: alias *self stands inside the value that it names`}},
		{"unknown anchor", manifest("spec: {name: *nobody}\n"), []string{`org.yaml:4:14: error OC207: alias *nobody names no anchor above it`}},
		{"deep nesting", manifest("spec: " + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + "\n"), []string{`org.yaml:4:70: error OC208: `}},
		{"very deep nesting", strings.Repeat("[", 1_000_000), []string{`org.yaml:1:1: error OC208: `}},
		{"deep blocks", manifest("spec:\n" + staircase(1000)), []string{`org.yaml:67:64: error OC208: `}},
		{"bare date", manifest("spec:\n  keys:\n    - {name: ci, expireAt: 2027-06-30}\n"), []string{`org.yaml:6:28: error OC278: expireAt must be an RFC 3339 timestamp, not "2027-06-30"; a day has no moment; write 2027-06-30T00:00:00Z`}},
		{"yes and no", service("idleScaling: yes, isReadonly: no"), []string{`org.yaml:6:35: error OC222: `, `org.yaml:6:52: error OC222: `}},
		{"one address in two cases", manifest("spec:\n  members:\n    - {email: ana@example.com}\n    - {email: Ana@Example.com}\n"), []string{`org.yaml:7:15: error OC240: `}},
		{"host bits", service("ipAccessList: [{source: 203.0.113.7/24}]"), []string{`org.yaml:6:46: error OC262: `}},
		{"IPv6", service("ipAccessList: [{source: '2001:db8::/32'}]"), []string{`org.yaml:6:46: error OC261: `}},
		{"unknown set", manifest("spec:\n  ipSets: {office: []}\n  services:\n    - {name: orders, ipAccessList: [{set: ofice}]}\n"), []string{`org.yaml:7:43: error OC250: `}},
		{"dangling endpoint", manifest("spec:\n  privateEndpoints: []\n  services:\n    - {name: orders, privateEndpointIds: [vpce-1]}\n"), []string{`org.yaml:7:43: error OC251: `}},
		{"null", manifest("spec:\n  name: null\n  services:\n    - {name: orders, state: ~}\n"), []string{`org.yaml:5:9: error OC223: `, `org.yaml:7:29: error OC223: `}},
		{"not an object", "- a\n", []string{`org.yaml:1:1: error OC222: `}},
		{"another kind", "apiVersion: apps/v1\nkind: Deployment\n", []string{`org.yaml:1:13: error OC220: `, `org.yaml:2:7: error OC220: `}},
	}
	server := sim.New(sim.Config{})
	env := credentials(t, server)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := newProgram(t, env...)
			p.write(t, "org.yaml", tt.body)
			expectProblems(t, p.run(t, "plan", "-f", "org.yaml"), tt.want)
		})
	}
	if sent := server.Requests(); len(sent) > 0 {
		t.Errorf("sent %s %s", sent[0].Method, sent[0].Path)
	}
}

func expectProblems(t *testing.T, r result, want []string) {
	t.Helper()
	if r.code != exitError || r.stdout != "" {
		t.Errorf("exit code %d, want %d\n%s", r.code, exitError, r.stdout)
	}
	if strings.Contains(r.stderr, "goroutine") {
		t.Fatalf("panic: %s", r.stderr)
	}
	got := problem.FindAllString(r.stderr, -1)
	for i := range max(len(got), len(want)) {
		if i >= len(want) || i >= len(got) || !strings.HasPrefix(got[i], want[i]) {
			t.Fatalf("got problems\n%s\nwant\n%s", r.stderr, strings.Join(want, "\n"))
		}
	}
}

// aliasBomb stands for 10^9 values in 10 lines.
func aliasBomb() string {
	var b strings.Builder
	b.WriteString("spec:\n  a0: &a0 [x]\n")
	for i := range 9 {
		alias := "*a" + string(rune('0'+i))
		name := "a" + string(rune('1'+i))
		b.WriteString("  " + name + ": &" + name + " [" + strings.Repeat(alias+", ", 10) + "]\n")
	}
	return b.String()
}

// staircase is a mapping n levels deep.
func staircase(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.Repeat(" ", i+1) + "a:\n")
	}
	return b.String()
}

// TestAllProblemsAtOnce: one run tells of everything that is wrong in all files, whatever is wrong with the others, whichever
// command is run; a problem of two places shows both.
func TestAllProblemsAtOnce(t *testing.T) {
	server := sim.New(sim.Config{})
	p := newProgram(t, credentials(t, server)...)
	for _, f := range txtar.Parse([]byte(`
-- orgs/a.yaml --
apiVersion: orgctl/v1
kind: Organization
metadata: {name: acme, id: 2404d339-6921-4f1c-bf80-b07d5e23b91a}
spec:
  services:
    - {name: orders, state: rnuning, numReplica: 3}
-- orgs/b.yaml --
apiVersion: orgctl/v1
kind: Organization
metadata: {name: acme, id: 2404d339-6921-4f1c-bf80-b07d5e23b91b}
spec:
  services:
    - {name: orders}
-- orgs/c/c.yaml --
spec: [a
-- orgs/d.yml --
apiVersion: orgctl/v1
kind: Organization
metadata: {name: beta}
spec:
  keys:
    - {name: ci, expireAt: 2027-06-30}
`)).Files {
		p.write(t, f.Name, string(f.Data))
	}
	want := []string{
		"missing.yaml: error OC201: ",
		"orgs/a.yaml:6:29: error OC225: ",
		"orgs/a.yaml:6:38: error OC221: ",
		"orgs/b.yaml:3:24: error OC242: ",
		"orgs/b.yaml:6:14: error OC240: ",
		"orgs/c/c.yaml:1:1: error OC205: a list that began with [ is not closed",
		"orgs/d.yml:6:28: error OC278: ",
	}
	for _, command := range [][]string{
		{"validate"}, {"plan"}, {"drift"}, {"apply", "--yes"}, {"plan", "-o", "json=plan.json"}, {"plan", "--org", "beta"},
	} {
		r := p.run(t, append(command, "-f", "orgs", "-f", "missing.yaml")...)
		expectProblems(t, r, want)
		for _, second := range []string{"\n  orgs/a.yaml:3:24: ", "\n  orgs/a.yaml:6:14: ", "\nInvalid: 7 errors.\n"} {
			if !strings.Contains(r.stderr, second) {
				t.Errorf("no %q in\n%s", second, r.stderr)
			}
		}
	}
	if _, err := os.Stat(filepath.Join(p.dir, "plan.json")); err == nil {
		t.Error("a plan was written")
	}
	if sent := server.Requests(); len(sent) > 0 {
		t.Errorf("sent %s %s", sent[0].Method, sent[0].Path)
	}
}

// TestHugeStandardInput: the bound holds where no size is known beforehand, and what is beyond it is not even read.
func TestHugeStandardInput(t *testing.T) {
	p := newProgram(t)
	cmd := p.command(t, "validate", "-f", "-")
	var stderr strings.Builder
	cmd.Stdin, cmd.Stderr = bytes.NewReader(bytes.Repeat([]byte("# nothing yet\n"), 50_000_000/14)), &stderr
	code := exitCode(cmd.Run())
	expectProblems(t, result{code: code, stderr: stderr.String()}, []string{"<stdin>:1:1: error OC203: "})
}
