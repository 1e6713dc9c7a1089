//go:build unix

package main

import (
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/orgctl/orgctl/pkg/client/sim"
)

// stranger owns what somebody else has planted.
const stranger = 4321

// host is a directory of one user's with a manifest in it, and orgctl run as that user.
type host struct {
	*program
	uid    int
	server *sim.Server
	orgctl string
}

// users are whom a test can run orgctl as: root and another one where the test is root's, else nobody but who runs it. Only root
// can give a file to somebody else.
func users() (uids []int, canGive bool) {
	if os.Geteuid() == 0 {
		return []int{0, 65534}, true
	}
	return []int{os.Geteuid()}, false
}

// sharedOrgctl is a copy of orgctl that every user can run.
func sharedOrgctl(t *testing.T) string {
	t.Helper()
	program, err := exec.LookPath("orgctl")
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "orgctl")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{path, dir, filepath.Dir(dir)} {
		if err := os.Chmod(p, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

func newHost(t *testing.T, orgctl string, uid int) *host {
	t.Helper()
	server := sim.New(sim.Config{})
	h := &host{program: newProgram(t, credentials(t, server)...), uid: uid, server: server, orgctl: orgctl}
	h.env = append(h.env, "XDG_STATE_HOME="+filepath.Join(h.dir, "state"))
	if err := os.Chmod(filepath.Dir(h.dir), 0o755); err != nil { // the test's own, which another user has to get through
		t.Fatal(err)
	}
	h.write(t, "org.yaml", manifest("spec:\n  keys:\n    - {name: ci, roles: [developer], ipAccessList: []}\n"))
	h.give(t, uid, ".", "org.yaml")
	return h
}

func (h *host) path(name string) string { return filepath.Join(h.dir, filepath.FromSlash(name)) }

func (h *host) chmod(t *testing.T, name string, mode os.FileMode) {
	t.Helper()
	if err := os.Chmod(h.path(name), mode); err != nil {
		t.Fatal(err)
	}
}

func (h *host) give(t *testing.T, uid int, names ...string) {
	t.Helper()
	if os.Geteuid() != 0 {
		return // they are the user's already
	}
	for _, name := range names {
		if err := os.Lchown(h.path(name), uid, uid); err != nil {
			t.Fatal(err)
		}
	}
}

// mine makes a file of the host's user.
func (h *host) mine(t *testing.T, name, content string) {
	t.Helper()
	h.write(t, name, content)
	h.give(t, h.uid, name)
}

func (h *host) run(t *testing.T, args ...string) result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience) // opening a pipe that nobody writes to would last
	defer cancel()
	cmd := exec.CommandContext(ctx, h.orgctl, args...)
	cmd.Dir, cmd.Env = h.dir, h.env
	if os.Geteuid() == 0 {
		id := uint32(h.uid)
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: id, Gid: id}}
	}
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	code := exitCode(cmd.Run())
	return result{code, stdout.String(), stderr.String()}
}

func (h *host) apply(t *testing.T) result {
	t.Helper()
	return h.run(t, "apply", "-f", "org.yaml", "--yes", "--secrets-out", "secrets")
}

// forget takes the key away behind orgctl's back, so that the next apply has something to do, and gives its record.
func (h *host) forget(t *testing.T) (record string) {
	t.Helper()
	if _, err := h.server.Edit(sim.Edit{Kind: "key", Name: "ci", Delete: true}); err != nil {
		t.Fatal(err)
	}
	h.server.ResetRequests()
	return h.only(t, "secrets/keys/ci.*.json")
}

func (h *host) only(t *testing.T, pattern string) string {
	t.Helper()
	found, err := filepath.Glob(h.path(pattern))
	if err != nil || len(found) != 1 {
		t.Fatalf("%s: %v, %v", pattern, found, err)
	}
	name, err := filepath.Rel(h.dir, found[0])
	if err != nil {
		t.Fatal(err)
	}
	return filepath.ToSlash(name)
}

func (h *host) wrote() (requests []string) {
	for _, r := range h.server.Requests() {
		if r.Method != "GET" {
			requests = append(requests, r.Method+" "+r.Path)
		}
	}
	return requests
}

// planted is a way in which somebody, or a mistake, has put something in the place of a file or directory.
type planted struct {
	name    string
	foreign bool // needs root
	put     func(t *testing.T, h *host, name string)
	says    string
}

const precious = "precious\n"

// away moves what stands under a name aside.
func away(t *testing.T, h *host, name string) {
	t.Helper()
	if err := os.Rename(h.path(name), h.path("aside")); err != nil {
		t.Fatal(err)
	}
}

func link(t *testing.T, h *host, target, name string) {
	t.Helper()
	if err := os.Symlink(h.path(target), h.path(name)); err != nil {
		t.Fatal(err)
	}
	h.give(t, h.uid, name)
}

// inPlaceOfFile are the ways for a file, inPlaceOfDirectory for a directory.
func inPlaceOfFile() []planted {
	return []planted{
		{name: "link", says: "is a symbolic link", put: func(t *testing.T, h *host, name string) {
			away(t, h, name)
			h.mine(t, "victim", precious)
			link(t, h, "victim", name)
		}},
		{name: "link to nothing", says: "is a symbolic link", put: func(t *testing.T, h *host, name string) {
			away(t, h, name)
			link(t, h, "nothing", name)
		}},
		{name: "link to itself", says: "is a symbolic link", put: func(t *testing.T, h *host, name string) {
			away(t, h, name)
			link(t, h, "aside", name)
		}},
		{name: "of a stranger", foreign: true, says: "belongs to another user", put: func(t *testing.T, h *host, name string) {
			h.give(t, stranger, name)
			h.chmod(t, name, 0o644)
		}},
		{name: "writable by others", says: "is writable by others", put: func(t *testing.T, h *host, name string) {
			h.chmod(t, name, 0o666)
		}},
		{name: "pipe", says: "is no regular file", put: func(t *testing.T, h *host, name string) {
			away(t, h, name)
			if err := syscall.Mkfifo(h.path(name), 0o600); err != nil {
				t.Fatal(err)
			}
			h.give(t, h.uid, name)
		}},
		{name: "directory", says: "is no regular file", put: func(t *testing.T, h *host, name string) {
			away(t, h, name)
			if err := os.Mkdir(h.path(name), 0o700); err != nil {
				t.Fatal(err)
			}
			h.give(t, h.uid, name)
		}},
	}
}

func inPlaceOfDirectory() []planted {
	return []planted{
		{name: "link", says: "is a symbolic link", put: func(t *testing.T, h *host, name string) {
			away(t, h, name)
			link(t, h, "aside", name)
		}},
		{name: "link to nothing", says: "is a symbolic link", put: func(t *testing.T, h *host, name string) {
			away(t, h, name)
			link(t, h, "nothing", name)
		}},
		{name: "of a stranger", foreign: true, says: "belongs to another user", put: func(t *testing.T, h *host, name string) {
			h.give(t, stranger, name)
			h.chmod(t, name, 0o755)
		}},
		{name: "writable by others", says: "is writable by others", put: func(t *testing.T, h *host, name string) {
			h.chmod(t, name, 0o777)
		}},
	}
}

// TestTrustsItsOwnFilesOnly: whatever could have been put in the place of lock, journal, records or their directories is refused
// before anything is changed, nothing is written through it, and the message names it.
func TestTrustsItsOwnFilesOnly(t *testing.T) {
	orgctl := sharedOrgctl(t)
	uids, canGive := users()
	hardLink := planted{name: "second name", says: "has more than one name", put: func(t *testing.T, h *host, name string) {
		away(t, h, name)
		h.mine(t, "victim", precious)
		if err := os.Link(h.path("victim"), h.path(name)); err != nil {
			t.Fatal(err)
		}
	}}
	for _, object := range []struct {
		name string
		path string
		ways []planted
		code int
	}{
		{"lock", "state/orgctl/*.lock", append(inPlaceOfFile(), hardLink), exitError},
		{"journal", "secrets/journal.jsonl", append(inPlaceOfFile(), hardLink), exitError},
		{"record", "secrets/keys/ci.*.json", inPlaceOfFile(), exitError},
		{"state directory", "state/orgctl", inPlaceOfDirectory(), exitError},
		{"secrets directory", "secrets", inPlaceOfDirectory(), exitError},
		{"directory of records", "secrets/keys", inPlaceOfDirectory(), exitError},
	} {
		for _, way := range object.ways {
			for _, uid := range uids {
				if way.foreign && !canGive {
					continue
				}
				t.Run(object.name+"/"+way.name+"/"+strconv.Itoa(uid), func(t *testing.T) {
					h := newHost(t, orgctl, uid)
					if r := h.apply(t); r.code != exitOK {
						t.Fatalf("exit code %d\n%s", r.code, r.stderr)
					}
					h.forget(t)
					name := h.only(t, object.path)
					way.put(t, h, name)
					r := h.apply(t)
					if out := r.stdout + r.stderr; r.code != object.code || !strings.Contains(out, way.says) || !strings.Contains(out, filepath.Base(name)) {
						t.Errorf("exit code %d, want %d, %q and %s in\n%s", r.code, object.code, way.says, name, out)
					}
					if wrote := h.wrote(); len(wrote) > 0 {
						t.Errorf("sent %v", wrote)
					}
					if _, err := os.Stat(h.path("nothing")); err == nil {
						t.Error("a file was made through a link")
					}
					if data, err := os.ReadFile(h.path("victim")); err == nil && string(data) != precious {
						t.Errorf("the victim now reads %q", data)
					}
				})
			}
		}
	}
}

// TestTrustsNoPlantedRecord: in a directory that a stranger has prepared, a record that was never confirmed would become the
// secret of a new key, which the stranger then holds.
func TestTrustsNoPlantedRecord(t *testing.T) {
	const record = `{"kind": "key", "name": "ci", "mark": "Evil", "keyId": "AAAAAAAAAAAAAAAAEvil", "keySecret": "4b1dAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}`
	orgctl := sharedOrgctl(t)
	uids, canGive := users()
	for _, uid := range uids {
		t.Run(strconv.Itoa(uid), func(t *testing.T) {
			h := newHost(t, orgctl, uid)
			h.write(t, "secrets/keys/ci.Evil.json", record)
			h.write(t, "secrets/services/.keep", "")
			h.chmod(t, "secrets/keys/ci.Evil.json", 0o644)
			h.chmod(t, "secrets", 0o755)
			h.give(t, stranger, "secrets", "secrets/keys", "secrets/services", "secrets/keys/ci.Evil.json")
			if !canGive {
				h.chmod(t, "secrets", 0o777) // the nearest to it
			}
			r := h.apply(t)
			if r.code != exitError || !strings.Contains(r.stderr, "secrets") {
				t.Errorf("exit code %d, want %d\n%s", r.code, exitError, r.stderr)
			}
			if wrote := h.wrote(); len(wrote) > 0 {
				t.Errorf("sent %v", wrote)
			}
		})
	}
}

// TestMakesDirectoriesInTrustedOnesOnly: a directory is made below one of the user's or of root's. Root alone may work in
// directories of others, as it does in containers.
func TestMakesDirectoriesInTrustedOnesOnly(t *testing.T) {
	orgctl := sharedOrgctl(t)
	uids, canGive := users()
	for _, uid := range uids {
		t.Run(strconv.Itoa(uid), func(t *testing.T) {
			h := newHost(t, orgctl, uid)
			for _, name := range []string{"state", "shared"} {
				if err := os.Mkdir(h.path(name), 0o700); err != nil {
					t.Fatal(err)
				}
				h.chmod(t, name, 0o777)
				h.give(t, stranger, name)
			}
			refused := canGive && uid != 0
			for _, args := range [][]string{
				{"--secrets-out", "secrets"}, // the state directory lies in the stranger's
				{"--secrets-out", "shared/deep/secrets"},
				{"--secrets-out", "secrets", "--journal", "shared/deep/journal.jsonl"},
			} {
				r := h.run(t, append([]string{"apply", "-f", "org.yaml", "--yes"}, args...)...)
				if want := map[bool]int{true: exitError, false: exitOK}[refused]; r.code != want {
					t.Errorf("%v: exit code %d, want %d\n%s", args, r.code, want, r.stderr)
				}
				if refused && !strings.Contains(r.stderr, "belongs to another user") {
					t.Errorf("%v: it does not say whose it is:\n%s", args, r.stderr)
				}
				h.env = append(h.env, "XDG_STATE_HOME="+h.path("own")) // for the next ones
			}
			if wrote := h.wrote(); refused && len(wrote) > 0 {
				t.Errorf("sent %v", wrote)
			}
		})
	}
}

// TestNeedsAHome: without a home there is no place that others could not have prepared, and none is made up.
func TestNeedsAHome(t *testing.T) {
	h := newHost(t, sharedOrgctl(t), os.Geteuid())
	h.env = append(h.env, "HOME=", "XDG_STATE_HOME=")
	r := h.apply(t)
	if r.code != exitError || !strings.Contains(r.stderr, "XDG_STATE_HOME") {
		t.Errorf("exit code %d, want %d\n%s", r.code, exitError, r.stderr)
	}
	if wrote := h.wrote(); len(wrote) > 0 {
		t.Errorf("sent %v", wrote)
	}
	if made, _ := filepath.Glob(h.path("orgctl*")); len(made) > 0 {
		t.Errorf("made %v", made)
	}
	// Nothing else needs one.
	for _, args := range [][]string{
		{"plan", "-f", "org.yaml"}, {"export"}, {"apply", "-f", "org.yaml", "--yes", "--sandbox", "org.json"},
	} {
		if r := h.run(t, args...); r.code != exitOK {
			t.Errorf("%v: exit code %d\n%s", args, r.code, r.stderr)
		}
	}
}

// TestLockKeepsWhatIsThere: a file that happens to be called like a lock is not taken for one.
func TestLockKeepsWhatIsThere(t *testing.T) {
	h := newHost(t, sharedOrgctl(t), os.Geteuid())
	h.mine(t, "org.lock", precious)
	r := h.run(t, "apply", "-f", "org.yaml", "--yes", "--sandbox", "org")
	if r.code != exitError || !strings.Contains(r.stderr, "org.lock") {
		t.Errorf("exit code %d, want %d\n%s", r.code, exitError, r.stderr)
	}
	if data, err := os.ReadFile(h.path("org.lock")); err != nil || string(data) != precious {
		t.Errorf("it now reads %q, %v", data, err)
	}
}

// TestOutputsInSharedDirectories: where everybody may make files, as in /tmp, what a stranger has put in the place of an output
// is not written to. A file that is there keeps its mode, and a link is followed, if they are the user's own.
func TestOutputsInSharedDirectories(t *testing.T) {
	orgctl := sharedOrgctl(t)
	uids, canGive := users()
	for _, uid := range uids {
		t.Run(strconv.Itoa(uid), func(t *testing.T) {
			h := newHost(t, orgctl, uid)
			for _, name := range []string{"shared", "own"} {
				if err := os.Mkdir(h.path(name), 0o700); err != nil {
					t.Fatal(err)
				}
			}
			h.chmod(t, "shared", 0o777|os.ModeSticky)
			h.give(t, uid, "own")
			h.mine(t, "own/victim", precious)
			for _, name := range []string{"link", "file", "pipe"} {
				for _, foreign := range []bool{false, true} {
					if foreign && !canGive {
						continue
					}
					path := "shared/" + name + strconv.FormatBool(foreign)
					switch name {
					case "link":
						link(t, h, "own/victim", path)
					case "file":
						h.mine(t, path, "old")
						h.chmod(t, path, 0o666)
					case "pipe":
						if err := syscall.Mkfifo(h.path(path), 0o600); err != nil {
							t.Fatal(err)
						}
						h.give(t, uid, path)
						if !foreign {
							go drain(h.path(path))
						}
					}
					want := exitOK
					if foreign {
						want = exitError
						h.give(t, stranger, path)
						h.mine(t, "own/victim", precious)
					}
					r := h.run(t, "plan", "-f", "org.yaml", "-o", "json="+path)
					if r.code != want || foreign && !strings.Contains(r.stderr, "another user") {
						t.Errorf("%s: exit code %d, want %d\n%s", path, r.code, want, r.stderr)
					}
				}
			}
			if data, err := os.ReadFile(h.path("own/victim")); canGive && (err != nil || string(data) != precious) {
				t.Errorf("the victim now reads %q, %v", data, err)
			}
		})
	}
}

func drain(path string) {
	if f, err := os.Open(path); err == nil {
		_, _ = io.Copy(io.Discard, f)
		_ = f.Close()
	}
}
