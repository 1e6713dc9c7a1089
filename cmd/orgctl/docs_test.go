package main

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orgctl/orgctl/pkg/client/sim"
)

// notRun are the shell blocks of the documentation that TestDocs does not run, by page and first line, and why.
var notRun = map[string]string{
	"docs/locktera.md: orgctl delete-organization ID --confirm ID":                                                 "needs an organization that may go; sandbox.md has one",
	"docs/secrets.md: age --decrypt --identity key.txt secrets/keys/ci.x7Qp.json.age | jq --raw-output .keySecret": "needs age and jq, and a key that only you have",
	"docs/secrets.md: #!/bin/sh": "needs Vault and jq",
}

// TestDocs runs the shell blocks of every page as its reader would: in the order of the page, in a directory that has the
// examples, with orgctl on the PATH and an organization behind the API. A shell block is code that is indented or fenced as sh;
// whatever else is code says by its fence what it is. Comments that the reader does not see say the rest:
//
//	<!-- not run: WHY -->              the block that follows is not run; notRun has it, too
//	<!-- run: COMMAND -->              done between two blocks, such as the edit that the text asks for
//	<!-- output -->                    the text that follows is what the last command wrote to standard output
//	<!-- output: last N lines -->      the end of it; first N lines, the beginning
//	<!-- stderr -->                    likewise, of standard error
//
// A command succeeds unless a comment at its end says "exits N". Of a page that serves a sandbox, the rest talks to that one.
// What changes from one run to the next (masks) need not agree. With -update, shown output is rewritten where it differs.
func TestDocs(t *testing.T) {
	pages := map[string]*page{}
	unrun := map[string]string{}
	for _, path := range documentation(t) {
		p := readPage(t, path)
		pages[path] = p
		for _, s := range p.steps {
			if s.why != "" {
				unrun[path+": "+s.lines[0]] = s.why
			}
		}
	}
	if diff := cmp.Diff(notRun, unrun); diff != "" {
		t.Errorf("blocks that are not run (-docs_test.go +documentation):\n%s", diff)
	}
	commands := 0
	for path, p := range pages {
		if !slices.ContainsFunc(p.steps, func(s step) bool { return s.why == "" }) {
			continue
		}
		for _, s := range p.steps {
			commands += len(s.commands())
		}
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			newReader(t, p).read(t)
			if *update {
				p.write(t)
			}
		})
	}
	if commands < 30 {
		t.Errorf("only %d commands found", commands)
	}
}

// documentation lists the pages: README.md, what is under docs, and what explains examples.
func documentation(t *testing.T) []string {
	t.Helper()
	paths := []string{"README.md"}
	for _, root := range []string{"docs", "examples"} {
		err := fs.WalkDir(os.DirFS(repository), root, func(path string, _ fs.DirEntry, err error) error {
			if strings.HasSuffix(path, ".md") {
				paths = append(paths, path)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return paths
}

// page is a document as what is to be done with it, in order.
type page struct {
	path  string
	lines []string
	steps []step
}

// step is a piece of a page: code to run, or output to compare.
type step struct {
	kind       stepKind
	lines      []string
	why        string // of a shell block that is not run
	part       string // which lines of the output: "first" or "last" of them, or all
	n          int
	begin, end int // where the lines stand in the page; a hidden command stands nowhere
}

type stepKind int

const (
	shell stepKind = iota
	hidden
	stdout
	stderr
)

var (
	comment = regexp.MustCompile(`^<!-- (not run|run|output|stderr)(?:: (.*))? -->$`)
	part    = regexp.MustCompile(`^(first|last) (\d+) lines?$`)
)

func readPage(t *testing.T, path string) *page {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(repository, filepath.FromSlash(path)))
	if err != nil {
		t.Fatal(err)
	}
	p := &page{path: path, lines: strings.Split(string(text), "\n")}
	pending := step{} // what the last comment says of the block to come
	for i := 0; i < len(p.lines); i++ {
		line := p.lines[i]
		said := comment.FindStringSubmatch(line)
		switch {
		case said != nil && said[1] == "run":
			p.steps = append(p.steps, step{kind: hidden, lines: []string{said[2]}})
		case said != nil && said[1] == "not run":
			pending.why = said[2]
		case said != nil:
			pending.kind = map[string]stepKind{"output": stdout, "stderr": stderr}[said[1]]
			if lines := part.FindStringSubmatch(said[2]); lines != nil {
				pending.part = lines[1]
				pending.n, _ = strconv.Atoi(lines[2])
			} else if said[2] != "" {
				t.Errorf("%s:%d: cannot compare %q", path, i+1, said[2])
			}
		case strings.HasPrefix(line, "```"):
			block := pending
			block.begin = i + 1
			for i++; i < len(p.lines) && p.lines[i] != "```"; i++ {
				block.lines = append(block.lines, p.lines[i])
			}
			block.end = i
			language := strings.TrimPrefix(line, "```")
			if !slices.Contains([]string{"sh", "text", "yaml", "json"}, language) {
				t.Errorf("%s:%d: the fence does not say what it holds: %q", path, block.begin, language)
			}
			if language == "sh" || pending.kind != shell {
				p.steps = append(p.steps, block)
			}
			pending = step{}
		case strings.HasPrefix(line, "    ") && (i == 0 || p.lines[i-1] == ""):
			block := pending
			block.begin = i
			for ; i < len(p.lines) && strings.HasPrefix(p.lines[i], "    "); i++ {
				block.lines = append(block.lines, strings.TrimPrefix(p.lines[i], "    "))
			}
			block.end = i
			i--
			p.steps = append(p.steps, block)
			pending = step{}
		case line != "" && (pending.why != "" || pending.kind != shell):
			t.Errorf("%s:%d: no block follows the comment above", path, i+1)
			pending = step{}
		}
	}
	return p
}

// commands are the lines of a step that is run, those that go on after a backslash put together.
func (s step) commands() []string {
	if s.kind > hidden || s.why != "" {
		return nil
	}
	joined := strings.ReplaceAll(strings.Join(s.lines, "\n"), "\\\n", " ")
	return slices.DeleteFunc(strings.Split(joined, "\n"), func(line string) bool { return strings.TrimSpace(line) == "" })
}

// write puts the page in place of its file, with the lines that its steps have by now.
func (p *page) write(t *testing.T) {
	t.Helper()
	lines := slices.Clone(p.lines)
	for _, s := range slices.Backward(p.steps) {
		if s.kind > hidden {
			lines = slices.Replace(lines, s.begin, s.end, s.lines...)
		}
	}
	if slices.Equal(lines, p.lines) {
		return
	}
	if err := os.WriteFile(filepath.Join(repository, filepath.FromSlash(p.path)), []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
}

// reader is somebody who does what a page says.
type reader struct {
	*program
	page           *page
	address        string // of the organization's API, in place of the address that pages give
	settings       map[string]string
	digest         string // of the plan that was shown last
	stdout, stderr string // of the last command
}

// belongings are files that pages take for granted.
var belongings = map[string]struct {
	text string
	mode fs.FileMode
}{
	// Go, of which the README knows these uses: this test runs what is built already, and neither itself nor what is published.
	"bin/go": {`#!/bin/sh
case "$*" in
"run ./cmd/orgctl "*) shift 2 && exec orgctl "$@" ;;
"test ./..." | "install github.com/orgctl/orgctl/cmd/orgctl@latest") ;;
*) echo "unknown: go $*" >&2 && exit 1 ;;
esac
`, 0o700},
	".ssh/id_ed25519.pub": {"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop me\n", 0o600},
	"store-secret":        {"#!/bin/sh\ncat >>stored\n", 0o700},
}

func newReader(t *testing.T, p *page) *reader {
	t.Helper()
	r := &reader{program: withExamples(t, "ORGCTL_RATE=10000/1s"), page: p}
	for name, file := range belongings {
		path := filepath.Join(r.dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(file.text), file.mode); err != nil {
			t.Fatal(err)
		}
	}
	r.setenv("PATH", filepath.Join(r.dir, "bin")+string(filepath.ListSeparator)+os.Getenv("PATH"))
	server := sim.New(sim.Config{})
	listener := httptest.NewServer(server)
	t.Cleanup(listener.Close)
	c := server.Credentials()
	r.point(strings.TrimPrefix(listener.URL, "http://"), map[string]string{
		"CLICKHOUSE_API_URL": listener.URL, "CLICKHOUSE_CLOUD_API_KEY": c.KeyID, "CLICKHOUSE_CLOUD_API_SECRET": c.KeySecret,
	})
	return r
}

// point lets the reader have an organization, and the settings for it in the environment, but for those that the page sets.
func (r *reader) point(address string, settings map[string]string) {
	r.address, r.settings = address, settings
	shown := strings.Join(r.page.lines, "\n")
	for name, value := range settings {
		if !strings.Contains(shown, "\n    export "+name+"=") {
			r.setenv(name, value)
		}
	}
}

func (r *reader) setenv(name, value string) {
	r.env = slices.DeleteFunc(r.env, func(setting string) bool { return strings.HasPrefix(setting, name+"=") })
	r.env = append(r.env, name+"="+value)
}

// read goes through the page.
func (r *reader) read(t *testing.T) {
	t.Helper()
	for i, s := range r.page.steps {
		switch s.kind {
		case stdout:
			r.page.steps[i].lines = s.compare(t, r.page.path, r.stdout)
		case stderr:
			r.page.steps[i].lines = s.compare(t, r.page.path, r.stderr)
		default:
			for _, command := range s.commands() {
				r.do(t, command)
			}
		}
	}
}

const (
	documentedAddress = "127.0.0.1:8123"
	documentedDigest  = "sha256:..."
)

var (
	exits  = regexp.MustCompile(`# exits (\d+)`)
	digest = regexp.MustCompile(`sha256:[0-9a-f]{64}`)
)

// do runs a command, as printed but for what its reader has to fill in: what stands for a digest or a setting, the address, and
// the answer to apply.
func (r *reader) do(t *testing.T, command string) {
	t.Helper()
	command = strings.ReplaceAll(command, documentedDigest, r.digest)
	command = strings.ReplaceAll(command, documentedAddress, r.address)
	if setting, ok := strings.CutPrefix(command, "export "); ok {
		name, value, _ := strings.Cut(setting, "=")
		want, given := r.settings[name]
		if value == "..." {
			value = want
		}
		if given && value != want {
			t.Errorf("%s: export %s=%s, want %s", r.page.path, name, value, want)
		}
		r.setenv(name, value)
		return
	}
	words := strings.Fields(command)
	if words[0] == "orgctl" && words[1] == "sandbox" {
		r.serve(t, words[1:])
		return
	}
	if words[0] == "orgctl" && words[1] == "apply" && !slices.Contains(words, "--yes") {
		command += " --yes"
	}
	want := "0"
	if said := exits.FindStringSubmatch(command); said != nil {
		want = said[1]
	}
	sh := exec.CommandContext(t.Context(), "sh", "-c", command)
	sh.Dir, sh.Env = r.dir, r.env
	var out, errs bytes.Buffer
	sh.Stdout, sh.Stderr = &out, &errs
	if got := exitCode(sh.Run()); fmt.Sprint(got) != want {
		t.Fatalf("%s: %s\nexit code %d, want %s\n%s\n%s", r.page.path, command, got, want, &out, &errs)
	}
	r.stdout, r.stderr = out.String(), errs.String()
	if shown := digest.FindString(r.stdout); shown != "" {
		r.digest = shown
	}
}

// serve runs orgctl sandbox in a terminal of its own, on a port that is free.
func (r *reader) serve(t *testing.T, args []string) {
	t.Helper()
	for i, arg := range args {
		if arg == r.address {
			args[i] = "127.0.0.1:0"
		}
	}
	sandbox := r.start(t, nil, args...)
	t.Cleanup(func() {
		sandbox.signal(t, os.Interrupt)
		sandbox.wait(t)
	})
	sandbox.stdout.await(t, "_ORG_ID=") // printed with the other settings, in one piece
	sandbox.stderr.await(t, "serving organization ")
	settings := map[string]string{}
	for line := range strings.Lines(sandbox.stdout.String()) {
		name, value, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "export "), "=")
		settings[name] = value
	}
	_, url, _ := strings.Cut(sandbox.stdout.String(), "_API_URL=http://")
	address, _, _ := strings.Cut(url, "/")
	r.stdout = strings.ReplaceAll(sandbox.stdout.String(), address, documentedAddress)
	r.point(address, settings)
}

// masks are what two runs do not have in common.
var masks = []struct{ from, to string }{
	{`sha256:[0-9a-f]{64}`, "DIGEST"},
	{`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`, "UUID"},
	{`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z`, "TIME"},
	{`(export (CLICKHOUSE_CLOUD|LOCKTERA)_API_(KEY|SECRET)=).+`, "${1}TEXT"},
}

func masked(lines []string) []string {
	text := strings.Join(lines, "\n")
	for _, m := range masks {
		text = regexp.MustCompile(m.from).ReplaceAllString(text, m.to)
	}
	return strings.Split(text, "\n")
}

// compare holds what a page shows to what a command wrote, and gives the lines that the page is to show.
func (s step) compare(t *testing.T, path, written string) []string {
	t.Helper()
	got := strings.Split(strings.TrimSpace(written), "\n")
	switch n := min(s.n, len(got)); s.part {
	case "first":
		got = got[:n]
	case "last":
		got = got[len(got)-n:]
	}
	diff := cmp.Diff(masked(s.lines), masked(got))
	if diff == "" {
		return s.lines
	}
	if !*update {
		t.Errorf("%s:%d: shown output (-page +written); make golden rewrites it:\n%s", path, s.begin, diff)
	}
	return got
}

// curl stands in for the program of that name: as much of it as the documentation uses, and a refusal ends it with 22, as under
// its --fail.
func curl() {
	if err := request(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "curl:", err)
		os.Exit(22)
	}
}

func request(args []string) error {
	var method, url, body string
	header := http.Header{}
	for len(args) > 0 {
		switch arg := args[0]; {
		case arg == "-s":
		case arg == "-X" && len(args) > 1:
			method, args = args[1], args[1:]
		case arg == "-H" && len(args) > 1:
			name, value, _ := strings.Cut(args[1], ": ")
			header.Set(name, value)
			args = args[1:]
		case arg == "-d" && len(args) > 1:
			if method == "" {
				method = http.MethodPost
			}
			body, args = args[1], args[1:]
		case !strings.HasPrefix(arg, "-") && url == "":
			url = "http://" + strings.TrimPrefix(arg, "http://")
		default:
			return fmt.Errorf("unknown argument %s", arg)
		}
		args = args[1:]
	}
	req, err := http.NewRequest(method, url, strings.NewReader(body)) //nolint:noctx // a process of its own, which its parent ends
	if err != nil {
		return err
	}
	req.Header = header
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	_, err = io.Copy(os.Stdout, resp.Body)
	if resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s %s: %s", method, url, resp.Status)
	}
	return err
}
