package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"filippo.io/age"
	"github.com/google/go-cmp/cmp"

	"github.com/orgctl/orgctl/pkg/apply/secrets"
	"github.com/orgctl/orgctl/pkg/client/secret"
	"github.com/orgctl/orgctl/pkg/client/sim"
)

const secretManifest = `apiVersion: orgctl/v1
kind: Organization
metadata: {name: acme}
spec:
  services:
    - name: orders
      provider: aws
      region: us-east-1
      ipAccessList: [{source: 203.0.113.0/24}]
      endpoints: [{protocol: mysql, enabled: true}]
  keys:
    - {name: ci, roles: [developer], ipAccessList: [{source: 203.0.113.0/24}]}
`

// lab is a simulated organization over HTTP, a manifest of a service and a key, and the real binary to bring them together.
type lab struct {
	t      *testing.T
	server *sim.Server
	dir    string // holds org.yaml; the binary runs here
	env    []string
}

func newLab(t *testing.T) *lab {
	t.Helper()
	l := &lab{t: t, server: sim.New(sim.Config{}), dir: t.TempDir()}
	listener := httptest.NewServer(l.server)
	t.Cleanup(listener.Close)
	credentials := l.server.Credentials()
	l.env = append(os.Environ(),
		"HOME="+l.dir, "ORGCTL_TICK=1ms", "ORGCTL_RATE=1000/1s", "CLICKHOUSE_API_URL="+listener.URL,
		"CLICKHOUSE_CLOUD_API_KEY="+credentials.KeyID, "CLICKHOUSE_CLOUD_API_SECRET="+credentials.KeySecret,
	)
	l.write("org.yaml", secretManifest)
	return l
}

func (l *lab) write(name, text string) {
	l.t.Helper()
	if err := os.WriteFile(filepath.Join(l.dir, name), []byte(text), 0o600); err != nil {
		l.t.Fatal(err)
	}
}

func (l *lab) read(name string) []byte {
	l.t.Helper()
	data, err := os.ReadFile(filepath.Join(l.dir, name))
	if err != nil {
		l.t.Fatal(err)
	}
	return data
}

// outcome is what a run of the binary has shown to the world.
type outcome struct {
	stdout, stderr string
	code           int
}

// run runs the binary, which TestMain has put on the PATH.
func (l *lab) run(ctx context.Context, args ...string) outcome {
	l.t.Helper()
	cmd := exec.CommandContext(ctx, "orgctl", args...)
	cmd.Dir, cmd.Env = l.dir, l.env
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var status *exec.ExitError
	if err != nil && !errors.As(err, &status) {
		l.t.Fatal(err)
	}
	return outcome{stdout: stdout.String(), stderr: stderr.String(), code: cmd.ProcessState.ExitCode()}
}

// expect is a run with an exit code that is known.
func (l *lab) expect(code int, args ...string) outcome {
	l.t.Helper()
	o := l.run(l.t.Context(), args...)
	if o.code != code {
		l.t.Fatalf("orgctl %s: exit code %d, want %d\n%s%s", strings.Join(args, " "), o.code, code, o.stdout, o.stderr)
	}
	return o
}

func (l *lab) apply(code int, args ...string) outcome {
	l.t.Helper()
	return l.expect(code, append([]string{"apply", "-f", "org.yaml", "--yes"}, args...)...)
}

// fail has the API refuse or lose some requests; without faults everything works again.
func (l *lab) fail(faults ...sim.Fault) { l.server.SetConfig(sim.Config{Faults: faults}) }

// posts counts the creations that the API was asked for.
func (l *lab) posts() int {
	n := 0
	for _, r := range l.server.Requests() {
		if r.Method == "POST" {
			n++
		}
	}
	return n
}

// files are the paths of the files in a directory, the nonce of the service and the suffix of the key replaced by * and in
// order.
func (l *lab) files(dir string) []string {
	l.t.Helper()
	var out []string
	err := fs.WalkDir(os.DirFS(filepath.Join(l.dir, dir)), ".", func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() && path != "journal.jsonl" {
			name, rest, _ := strings.Cut(path, ".")
			_, rest, _ = strings.Cut(rest, ".")
			out = append(out, name+".*."+rest)
		}
		return err
	})
	if err != nil {
		l.t.Fatal(err)
	}
	slices.Sort(out)
	return out
}

// authenticates tells whether a record opens what it says it does.
func (l *lab) authenticates(r secrets.Record) bool {
	l.t.Helper()
	if r.Kind == secrets.Key {
		return l.server.VerifyKey(r.KeyID, r.KeySecret.Reveal())
	}
	ok, mysql, err := l.server.VerifyPassword(r.Name, r.Password.Reveal())
	if err != nil {
		l.t.Fatal(err)
	}
	return ok && mysql
}

func (l *lab) converged() {
	l.t.Helper()
	l.expect(0, "plan", "-f", "org.yaml", "--detailed-exitcode")
}

func TestSecretFlagsInWrongUse(t *testing.T) {
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	recipient := identity.Recipient().String()
	l := newLab(t)
	for title, c := range map[string]struct {
		args []string
		want string
	}{
		"two places":            {[]string{"--secrets-out", "s", "--secrets-exec", "cat"}, "exclude each other"},
		"recipient alone":       {[]string{"--secrets-recipient", recipient}, "it needs --secrets-out"},
		"recipient and command": {[]string{"--secrets-recipient", recipient, "--secrets-exec", "cat"}, "it needs --secrets-out"},
		"not a recipient":       {[]string{"--secrets-recipient", "ana", "--secrets-out", "s"}, "--secrets-recipient: a recipient begins with age1"},
		"a private key":         {[]string{"--secrets-recipient", identity.String(), "--secrets-out", "s"}, "give the public key"},
		"no directory":          {[]string{"--secrets-out", ""}, "--secrets-out is given without a value"},
		"no command":            {[]string{"--secrets-exec", ""}, "--secrets-exec is given without a value"},
	} {
		t.Run(title, func(t *testing.T) {
			l.t = t
			o := l.apply(exitUsage, c.args...)
			if !strings.Contains(o.stderr, c.want) || strings.Contains(o.stderr, identity.String()) {
				t.Errorf("want %q, got %s", c.want, o.stderr)
			}
		})
	}
	if n := len(l.server.Requests()); n > 0 {
		t.Errorf("%d requests were sent all the same", n)
	}
	if _, err := os.Stat(filepath.Join(l.dir, "s")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a secrets directory was made all the same: %v", err)
	}
}

// A creation that is cut off after its secret was stored goes on with a new secret where the old one cannot be read back;
// what it ends with is what opens the service and the key.
func TestSealedSecretsOfAnInterruptedCreation(t *testing.T) {
	ana, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	ben, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	l := newLab(t)
	sink := []string{
		"--secrets-out", "secrets", "--settle", "1s",
		"--secrets-recipient", ana.Recipient().String(), "--secrets-recipient", ben.Recipient().String(),
	}
	l.fail(
		sim.Fault{Method: "POST", Path: "**/services", Kind: sim.FaultCutAfter},
		sim.Fault{Method: "PATCH", Path: "**/password", Kind: sim.Fault500Before},
		sim.Fault{Method: "POST", Path: "**/keys", Kind: sim.FaultCutBefore},
	)
	l.apply(exitPartial, sink...)
	want := []string{"keys/ci.*.json.age", "services/orders.*.json.age"}
	if d := cmp.Diff(want, l.files("secrets")); d != "" {
		t.Fatal(d)
	}
	l.fail()
	l.apply(exitOK, sink...)
	want = []string{"keys/ci.*.json.age", "keys/ci.*.json.age", "services/orders.*.2.json.age", "services/orders.*.json.age"}
	if d := cmp.Diff(want, l.files("secrets")); d != "" {
		t.Fatal(d)
	}
	l.converged()

	for _, identity := range []age.Identity{ana, ben} {
		open := map[string]int{}
		for _, path := range l.glob("secrets/*/*.age") {
			plain, err := age.Decrypt(bytes.NewReader(l.read(path)), identity)
			if err != nil {
				t.Fatal(err)
			}
			data, err := io.ReadAll(plain)
			if err != nil {
				t.Fatal(err)
			}
			r, err := secrets.Decode(data)
			if err != nil {
				t.Fatal(err)
			}
			if l.authenticates(r) != (r.ID != "") {
				t.Errorf("%s: opens %t, id %q", path, l.authenticates(r), r.ID)
			}
			if r.ID != "" {
				open[r.Kind]++
			}
		}
		if d := cmp.Diff(map[string]int{"key": 1, "service": 1}, open); d != "" {
			t.Error(d)
		}
	}
}

func (l *lab) glob(pattern string) []string {
	l.t.Helper()
	paths, err := filepath.Glob(filepath.Join(l.dir, pattern))
	if err != nil {
		l.t.Fatal(err)
	}
	for i := range paths {
		if paths[i], err = filepath.Rel(l.dir, paths[i]); err != nil {
			l.t.Fatal(err)
		}
	}
	return paths
}

// The same with plain files: what is stored already is used, and there is no second of anything.
func TestPlainSecretsOfAnInterruptedCreation(t *testing.T) {
	lost := sim.Fault{Method: "POST", Path: "**/services", Kind: sim.FaultCutAfter} // the answer with the password
	for title, faults := range map[string][]sim.Fault{
		"nothing created":  {{Method: "POST", Kind: sim.FaultCutBefore}},
		"password not set": {lost, {Method: "PATCH", Path: "**/password", Kind: sim.Fault500Before}},
		"password set":     {lost, {Method: "PATCH", Path: "**/password", Kind: sim.FaultCutAfter}},
		"tag left":         {{Method: "PATCH", Path: "**/services/*", Kind: sim.Fault500Before}},
	} {
		t.Run(title, func(t *testing.T) {
			l := newLab(t)
			l.fail(faults...)
			l.apply(exitPartial, "--secrets-out", "secrets", "--settle", "1s")
			l.fail()
			l.apply(exitOK, "--secrets-out", "secrets")
			if d := cmp.Diff([]string{"keys/ci.*.json", "services/orders.*.json"}, l.files("secrets")); d != "" {
				t.Fatal(d)
			}
			for _, path := range l.glob("secrets/*/*.json") {
				r, err := secrets.Decode(l.read(path))
				if err != nil {
					t.Fatal(err)
				}
				if !l.authenticates(r) || r.ID == "" {
					t.Errorf("%s: opens %t, id %q", path, l.authenticates(r), r.ID)
				}
			}
			l.converged()
		})
	}
}

// A name that no file can have is cut in the file's name alone.
func TestSecretOfALongName(t *testing.T) {
	l := newLab(t)
	name := strings.Repeat("é", 40)
	l.write("org.yaml", strings.ReplaceAll(secretManifest, "name: ci", "name: "+name))
	l.apply(exitOK, "--secrets-out", "secrets")
	paths := l.glob("secrets/keys/*.json")
	if len(paths) != 1 {
		t.Fatal(paths)
	}
	r, err := secrets.Decode(l.read(paths[0]))
	if err != nil || r.Name != name || !l.authenticates(r) {
		t.Errorf("%s: name %q, opens %t, %v", paths[0], r.Name, l.authenticates(r), err)
	}
	l.converged()
}

// canary is a text that must not be shown, and what it is.
type canary struct{ what, text string }

// canaries are all forms of the secrets of some records that could be told from noise.
func canaries(t *testing.T, records ...secrets.Record) []canary {
	t.Helper()
	var out []canary
	for _, r := range records {
		for what, v := range map[string]secret.Value{"key id": secret.New(r.KeyID), "key secret": r.KeySecret, "password": r.Password} {
			if v.Empty() {
				continue
			}
			out = append(out, canary{what, v.Reveal()}, canary{what + " hash", secret.SHA256Base64(v)}, canary{what + " MySQL hash", secret.DoubleSHA1Hex(v)})
		}
	}
	if len(out) == 0 {
		t.Fatal("there are no secrets to look for")
	}
	return out
}

// hides fails the test where a text shows a secret.
func hides(t *testing.T, where, text string, secrets []canary) {
	t.Helper()
	for _, s := range secrets {
		if before, after, found := strings.Cut(text, s.text); found {
			const context = 200
			t.Errorf("%s shows the %s %s: ...%s<HERE>%s...", where, s.what, s.text,
				before[max(0, len(before)-context):], after[:min(len(after), context)])
		}
	}
}

// decodeAll reads a stream of records.
func decodeAll(t *testing.T, data []byte) []secrets.Record {
	t.Helper()
	var out []secrets.Record
	for d := json.NewDecoder(bytes.NewReader(data)); d.More(); {
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			t.Fatal(err)
		}
		r, err := secrets.Decode(raw)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, r)
	}
	return out
}

// A command gets each record as soon as there is one, a key's before the API is asked for anything, and again with the id.
func TestSecretsCommand(t *testing.T) {
	l := newLab(t)
	l.apply(exitOK, "--secrets-exec", `cat >>records; env >>environment`)
	records := decodeAll(t, l.read("records"))
	var got []string
	for _, r := range records {
		stage := "confirmed"
		if r.ID == "" {
			stage = "stored"
		}
		got = append(got, r.Kind+" "+r.Name+" "+stage)
		if !l.authenticates(r) {
			t.Errorf("%s %s does not open", r.Kind, r.Mark)
		}
	}
	slices.Sort(got)
	want := []string{"key ci confirmed", "key ci stored", "service orders confirmed", "service orders stored"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if bytes.Contains(l.read("environment"), []byte(l.server.Credentials().KeySecret)) {
		t.Error("the command inherited the API secret")
	}
	l.converged()
}

// A key whose secret the command does not store is not created. Of services, whose password comes with their creation, no more are
// than are under way when the command first fails; the next run gives them another one. What the command says is shown without the
// secrets that it repeats.
func TestSecretsCommandFails(t *testing.T) {
	l := newLab(t)
	o := l.apply(exitPartial, "--debug", "--secrets-exec", `tee -a records; echo the vault is sealed >&2; exit 2`)
	if n := l.posts(); n > 1 {
		t.Errorf("%d creations were asked for all the same", n)
	}
	if made := l.server.Requests(); slices.ContainsFunc(made, func(r sim.Request) bool {
		return r.Method == "POST" && strings.HasSuffix(r.Path, "/keys")
	}) {
		t.Error("a key was created all the same")
	}
	if n := strings.Count(o.stdout, "exit status 2: ") + strings.Count(o.stdout, "another secret could not be stored"); n != 2 || !strings.Contains(o.stdout, "the vault is sealed") {
		t.Errorf("not what went wrong with both secrets:\n%s", o.stdout)
	}
	hides(t, "stdout", o.stdout, canaries(t, decodeAll(t, l.read("records"))...))
	hides(t, "stderr", o.stderr, canaries(t, decodeAll(t, l.read("records"))...))
	l.apply(exitOK, "--secrets-exec", "cat >>records")
	l.converged()
}

// A service whose password the command has stored and the API has not got is given a new one; the record keeps its name.
func TestSecretsCommandAndAnInterruptedCreation(t *testing.T) {
	l := newLab(t)
	l.fail(
		sim.Fault{Method: "POST", Path: "**/services", Kind: sim.FaultCutAfter},
		sim.Fault{Method: "PATCH", Path: "**/password", Kind: sim.Fault500Before},
	)
	l.apply(exitPartial, "--secrets-exec", "cat >>records")
	l.fail()
	l.apply(exitOK, "--secrets-exec", "cat >>records")
	current := map[string]secrets.Record{}
	marks := map[string]bool{}
	for _, r := range decodeAll(t, l.read("records")) {
		if r.Kind == secrets.Service {
			current[r.Kind+r.Name+r.Mark] = r // as documented: an update
			marks[r.Mark] = true
		}
	}
	if len(marks) != 1 {
		t.Errorf("%d marks for one service: %v", len(marks), marks)
	}
	for _, r := range current {
		if !l.authenticates(r) || r.ID == "" {
			t.Errorf("the last record of %s does not open it", r.Name)
		}
	}
	l.converged()
}
