package secrets_test

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"filippo.io/age"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/orgctl/orgctl/pkg/apply/secrets"
	scopes "github.com/orgctl/orgctl/pkg/apply/store"
	"github.com/orgctl/orgctl/pkg/apply/store/storetest"
	"github.com/orgctl/orgctl/pkg/client/secret"
)

func newDir(t *testing.T, recipients ...age.Recipient) (*secrets.Dir, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secrets")
	d, err := secrets.NewDir(path, recipients...)
	if err != nil {
		t.Fatal(err)
	}
	return d, path
}

// files are the regular files below a directory, by slash-separated path.
func files(t testing.TB, dir string) []string {
	t.Helper()
	var out []string
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			out = append(out, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestDirStoresOneFileASecret(t *testing.T) {
	d, path := newDir(t)
	key, service := store(t, d, keyRecord("ci", "Ab12")), store(t, d, serviceRecord("orders", "n0nce"))
	key.ID = "key-id"
	confirm(t, d, key)
	service.ID, service.Host, service.Port = "service-id", "orders.example.com", 9440
	confirm(t, d, service)

	want := map[string]map[string]any{
		"keys/ci.Ab12.json": {
			"api": ours.API, "organization": ours.Organization, "kind": "key", "name": "ci", "mark": "Ab12", "id": "key-id",
			"keyId": key.KeyID, "keySecret": key.KeySecret.Reveal(),
		},
		"services/orders.n0nce.json": {
			"api": ours.API, "organization": ours.Organization, "kind": "service", "name": "orders", "mark": "n0nce", "id": "service-id",
			"username": "default", "password": service.Password.Reveal(), "host": "orders.example.com", "port": 9440.0,
		},
	}
	got := map[string]map[string]any{}
	for _, file := range files(t, path) {
		data, err := os.ReadFile(filepath.Join(path, file))
		if err != nil {
			t.Fatal(err)
		}
		var fields map[string]any
		if err := json.Unmarshal(data, &fields); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		got[file] = fields
		if data[len(data)-1] != '\n' {
			t.Errorf("%s does not end its last line", file)
		}
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestDirIsForItsOwnerOnly(t *testing.T) {
	identity := newIdentity(t)
	for name, recipients := range map[string][]age.Recipient{"plain": nil, "encrypted": {identity.Recipient()}} {
		t.Run(name, func(t *testing.T) {
			d, path := newDir(t, recipients...)
			confirm(t, d, store(t, d, keyRecord("ci", "Ab12")))
			store(t, d, serviceRecord("orders", "n0nce"))
			modes := map[string]fs.FileMode{}
			err := filepath.WalkDir(path, func(_ string, e fs.DirEntry, err error) error {
				if err != nil {
					return err
				}
				info, err := e.Info()
				if err == nil {
					modes[e.Name()] = info.Mode()
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			for file, mode := range modes {
				want := fs.FileMode(0o600)
				if mode.IsDir() {
					want = fs.ModeDir | 0o700
				}
				if mode != want {
					t.Errorf("%s has mode %s, want %s", file, mode, want)
				}
			}
			if len(modes) != 5 {
				t.Errorf("%d files and directories, want 5: %v", len(modes), modes)
			}
		})
	}
}

func TestNewDirRefusesWhatOthersMayWriteTo(t *testing.T) {
	for folder, mode := range map[string]fs.FileMode{".": 0o770, "keys": 0o702, "services": 0o777} {
		t.Run(folder, func(t *testing.T) {
			_, path := newDir(t)
			open := filepath.Join(path, folder)
			if err := os.Chmod(open, mode); err != nil {
				t.Fatal(err)
			}
			_, err := secrets.NewDir(path)
			if err == nil || !strings.Contains(err.Error(), "chmod 700 "+open) {
				t.Errorf("error %v, want one that says what to do", err)
			}
		})
	}
	t.Run("readable is not writable", func(t *testing.T) {
		_, path := newDir(t)
		if err := os.Chmod(path, 0o755); err != nil {
			t.Fatal(err)
		}
		if _, err := secrets.NewDir(path); err != nil {
			t.Error(err)
		}
	})
	t.Run("a file is in the way", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "secrets")
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := secrets.NewDir(path); err == nil {
			t.Error("a file was opened as a directory")
		}
	})
}

// Whatever an object is called, its file stays where it belongs and is found again.
func TestDirEncodesNames(t *testing.T) {
	for name, want := range map[string]string{
		"ci":                "ci",
		"My Service":        "My%20Service",
		"../x":              "%2E%2E%2Fx",
		"..":                "%2E%2E",
		".":                 "%2E",
		"a/b":               "a%2Fb",
		`a\b`:               "a%5Cb",
		"/etc/passwd":       "%2Fetc%2Fpasswd",
		"a.b.c":             "a%2Eb%2Ec",
		".hidden":           "%2Ehidden",
		"-rf":               "%2Drf",
		"a-b_c":             "a-b_c",
		"100%":              "100%25",
		"%2E":               "%252E",
		"C:x":               "C%3Ax",
		"a\x00b\n":          "a%00b%0A",
		"$(reboot)`&;|*?'~": "%24%28reboot%29%60%26%3B%7C%2A%3F%27%7E",
		"Zürich":            "Z%C3%BCrich",
		"注文":                "%E6%B3%A8%E6%96%87",
		"x\u202ey":          "x%E2%80%AEy",
	} {
		t.Run(name, func(t *testing.T) {
			d, path := newDir(t)
			for _, r := range []secrets.Record{keyRecord(name, "Ab12"), serviceRecord(name, "n0nce")} {
				stored := store(t, d, r)
				checkFound(t, d, r.Kind, name, r.Mark, stored)
			}
			wantFiles := []string{"keys/" + want + ".Ab12.json", "services/" + want + ".n0nce.json"}
			if d := cmp.Diff(wantFiles, files(t, path)); d != "" {
				t.Error(d)
			}
		})
	}
}

// Names that differ never meet in one file, and a record is found under its own name only.
func TestDirKeepsNamesApart(t *testing.T) {
	root, runs := t.TempDir(), 0
	rapid.Check(t, func(t *rapid.T) {
		runs++
		path := filepath.Join(root, strconv.Itoa(runs))
		d, err := secrets.NewDir(path)
		if err != nil {
			t.Fatal(err)
		}
		// Names that could be taken for one another, or for a path.
		names := rapid.SliceOfNDistinct(rapid.StringOfN(rapid.RuneFrom([]rune("a.2/\\%Eé\x00 ")), 1, 8, -1), 2, 4, rapid.ID).Draw(t, "names")
		marks := rapid.SliceOfNDistinct(rapid.StringMatching(`[ab2]{1,2}`), 1, 3, rapid.ID).Draw(t, "marks")
		want := map[string][]secrets.Record{}
		for _, name := range names {
			for _, mark := range marks {
				r, err := d.Store(t.Context(), keyRecord(name, mark))
				if err != nil {
					t.Fatal(err)
				}
				want[name] = append(want[name], r)
			}
		}
		for _, name := range names {
			got, err := d.Find(t.Context(), secrets.Query{Scope: ours, Kind: secrets.Key, Name: name})
			if err != nil {
				t.Fatal(err)
			}
			byMark := func(a, b secrets.Record) int { return strings.Compare(a.Mark, b.Mark) }
			slices.SortFunc(got, byMark)
			slices.SortFunc(want[name], byMark)
			if d := cmp.Diff(revealed(want[name]), revealed(got)); d != "" {
				t.Fatalf("%q: %s", name, d)
			}
		}
		if inRoot, err := os.ReadDir(path); err != nil || len(inRoot) != 2 {
			t.Fatalf("the directory holds %v, %v; want its two folders", inRoot, err)
		}
	})
}

func TestDirRefusesWhatHasNoFileName(t *testing.T) {
	for _, c := range []struct {
		title, kind, name string
		want              string // part of the error, "" for none
	}{
		{"longest", secrets.Service, strings.Repeat("a", 200), ""},
		{"longer", secrets.Service, strings.Repeat("a", 201), ""},
		{"longer once encoded", secrets.Key, strings.Repeat("文", 23), ""},
		{"empty", secrets.Key, "", "it has no name"},
		{"unknown kind", "member", "ana", "no place for secrets of a member"},
	} {
		t.Run(c.title, func(t *testing.T) {
			d, path := newDir(t)
			r := keyRecord(c.name, strings.Repeat("n", 20))
			r.Kind = c.kind
			_, err := d.Store(t.Context(), r)
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("error %v, want %q", err, c.want)
			}
			if left := files(t, path); c.want != "" && len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

func TestDirNeverOverwrites(t *testing.T) {
	d, path := newDir(t)
	first := store(t, d, keyRecord("ci", "Ab12"))
	before := read(t, filepath.Join(path, "keys/ci.Ab12.json"))
	second := store(t, d, keyRecord("ci", "Ab12"))
	if !bytes.Equal(before, read(t, filepath.Join(path, "keys/ci.Ab12.json"))) {
		t.Error("the second record replaced the first")
	}
	if first.Version != 1 || second.Version != 2 {
		t.Errorf("versions %d and %d, want 1 and 2", first.Version, second.Version)
	}
	second.ID = "id"
	confirm(t, d, second)
	if !bytes.Equal(before, read(t, filepath.Join(path, "keys/ci.Ab12.json"))) {
		t.Error("confirming the second record replaced the first")
	}
	if d := cmp.Diff([]string{"keys/ci.Ab12.2.json", "keys/ci.Ab12.json"}, files(t, path)); d != "" {
		t.Error(d)
	}
	// A foreign file of that name counts as taken, too, readable or not.
	if err := os.WriteFile(filepath.Join(path, "keys/ci.Ab12.3.json.age"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if third := store(t, d, keyRecord("ci", "Ab12")); third.Version != 4 {
		t.Errorf("version %d, want 4", third.Version)
	}
}

func TestDirConfirmsOnlyWhatWasStored(t *testing.T) {
	d, path := newDir(t)
	if err := d.Confirm(t.Context(), keyRecord("ci", "Ab12")); err == nil || len(files(t, path)) > 0 {
		t.Errorf("error %v and files %v, want a refusal and none", err, files(t, path))
	}
}

// A run that is killed in the middle leaves a file with a dot in front, complete or not: it counts for nothing.
func TestDirIgnoresWhatACrashLeaves(t *testing.T) {
	d, path := newDir(t)
	stored := store(t, d, keyRecord("ci", "Ab12"))
	complete := read(t, filepath.Join(path, "keys/ci.Ab12.json"))
	for name, data := range map[string][]byte{
		".writing-1": complete, ".writing-2": complete[:20], ".writing-3": nil, ".ci.Zz99.json": complete,
		// Nor is anything a record that has another name than one.
		"README": nil, "ci.json": nil, "ci.Zz99.json~": complete, "ci.Zz99.1.json": nil, "ci.Zz99.02.json": nil, "ci.Zz99.x.json": nil,
		"ci.Zz99.2.3.json": nil, "ci.Zz99.json.gpg": nil,
	} {
		if err := os.WriteFile(filepath.Join(path, "keys", name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	reopened, err := secrets.NewDir(path)
	if err != nil {
		t.Fatal(err)
	}
	checkFound(t, reopened, secrets.Key, "ci", "", stored)
	if next := store(t, reopened, keyRecord("ci", "Zz99")); next.Version != 1 {
		t.Errorf("version %d, want 1", next.Version)
	}
}

// A failed write leaves nothing behind and is reported without the secret.
func TestDirReportsWhatItCannotWrite(t *testing.T) {
	for _, verb := range []string{"store", "confirm", "find"} {
		t.Run(verb, func(t *testing.T) {
			d, path := newDir(t)
			r := store(t, d, keyRecord("ci", "Ab12"))
			if err := os.RemoveAll(filepath.Join(path, "keys")); err != nil {
				t.Fatal(err)
			}
			var err error
			switch verb {
			case "store":
				_, err = d.Store(t.Context(), r)
			case "confirm":
				err = d.Confirm(t.Context(), r)
			case "find":
				_, err = d.Find(t.Context(), secrets.Query{Scope: ours, Kind: r.Kind, Name: r.Name})
			}
			if err == nil || !strings.Contains(err.Error(), "key ci") || strings.Contains(err.Error(), r.KeySecret.Reveal()) {
				t.Errorf("error %v", err)
			}
		})
	}
	t.Run("confirm over a directory", func(t *testing.T) {
		d, path := newDir(t)
		r := store(t, d, keyRecord("ci", "Ab12"))
		file := filepath.Join(path, "keys/ci.Ab12.json")
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
		if err := os.Mkdir(file, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := d.Confirm(t.Context(), r); err == nil {
			t.Error("no error")
		}
		if left := files(t, path); len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
	})
}

func TestDirRefusesRecordsThatAreNone(t *testing.T) {
	other, err := secrets.Encode(keyRecord("other", "Ab12"))
	if err != nil {
		t.Fatal(err)
	}
	service, err := secrets.Encode(serviceRecord("ci", "Ab12"))
	if err != nil {
		t.Fatal(err)
	}
	for title, data := range map[string]string{
		"torn": `{"keySecret": "c4n4ry`, "empty": "", "of another name": string(other), "of another kind": string(service),
		"wrong type": `{"keySecret": {"c4n4ry": 1}}`,
	} {
		t.Run(title, func(t *testing.T) {
			d, path := newDir(t)
			if err := os.WriteFile(filepath.Join(path, "keys/ci.Ab12.json"), []byte(data), 0o600); err != nil {
				t.Fatal(err)
			}
			found, err := d.Find(t.Context(), secrets.Query{Scope: ours, Kind: secrets.Key, Name: "ci", Mark: "Ab12"})
			if err == nil || !strings.Contains(err.Error(), "ci.Ab12.json") || strings.Contains(err.Error(), "c4n4ry") {
				t.Errorf("found %v, error %v; want an error that names the file and nothing from it", found, err)
			}
		})
	}
}

// Many writers of one mark, in two sinks on one directory as two processes would have them: each gets a file of its own, and
// a reader meets complete records only.
func TestDirInConcurrentUse(t *testing.T) {
	one, path := newDir(t)
	two, err := secrets.NewDir(path)
	if err != nil {
		t.Fatal(err)
	}
	const writers = 8
	var (
		mu     sync.Mutex
		stored []secrets.Record
		wg     sync.WaitGroup
	)
	for i := range writers {
		d := []*secrets.Dir{one, two}[i%2]
		wg.Go(func() {
			r, err := d.Store(t.Context(), serviceRecord("orders", "n0nce"))
			if err != nil {
				t.Error(err)
				return
			}
			r.ID = "id"
			if err := d.Confirm(t.Context(), r); err != nil {
				t.Error(err)
			}
			if found, err := d.Find(t.Context(), secrets.Query{Scope: ours, Kind: secrets.Service, Name: "orders", Mark: "n0nce"}); err != nil || len(found) != 1 {
				t.Errorf("found %v, %v", found, err)
			}
			mu.Lock()
			defer mu.Unlock()
			stored = append(stored, r)
		})
	}
	wg.Wait()
	byVersion := map[int]string{}
	for _, r := range stored {
		byVersion[r.Version] = r.Password.Reveal()
	}
	if len(byVersion) != writers || len(files(t, path)) != writers {
		t.Fatalf("%d versions in %d files, want %d", len(byVersion), len(files(t, path)), writers)
	}
	found, err := one.Find(t.Context(), secrets.Query{Scope: ours, Kind: secrets.Service, Name: "orders", Mark: "n0nce"})
	if err != nil {
		t.Fatal(err)
	}
	if got := found[0]; got.Version != writers || got.Password.Reveal() != byVersion[writers] || got.ID != "id" {
		t.Errorf("found version %d, want %d with its own password", got.Version, writers)
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// ours is whose the records of these tests are.
var ours = scopes.Scope{API: "https://api.example.com", Organization: "o1"}

func keyRecord(name, mark string) secrets.Record {
	return secrets.Record{Scope: ours, Kind: secrets.Key, Name: name, Mark: mark, KeyID: secret.KeyID().Reveal(), KeySecret: secret.KeySecret()}
}

func serviceRecord(name, mark string) secrets.Record {
	return secrets.Record{Scope: ours, Kind: secrets.Service, Name: name, Mark: mark, Username: "default", Password: secret.Password()}
}

// A crash of the machine takes nothing that the directory has said to hold.
func TestNothingIsLostInACrash(t *testing.T) {
	disk := storetest.New()
	durable := func(when string, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		if lost := disk.Lost(); len(lost) > 0 {
			t.Errorf("%s: a crash would lose %q", when, lost)
		}
	}
	d, err := secrets.NewDirOn(disk, filepath.Join(t.TempDir(), "two", "below"))
	durable("made", err)
	stored, err := d.Store(t.Context(), secrets.Record{Kind: secrets.Key, Name: "ci", Mark: "abcd", KeyID: "x", KeySecret: secret.New("y")})
	durable("stored", err)
	stored.ID = "1"
	durable("confirmed", d.Confirm(t.Context(), stored))
	again, err := d.Store(t.Context(), stored)
	if again.Version != 2 {
		t.Errorf("got version %d", again.Version)
	}
	durable("stored again", err)
}

// TestDirLongNames: a name that does not fit into a file name is cut and told apart by a hash of the whole.
func TestDirLongNames(t *testing.T) {
	d, path := newDir(t)
	names := []string{
		strings.Repeat("a", 200), strings.Repeat("a", 201), strings.Repeat("a", 202), strings.Repeat("a", 5000),
		strings.Repeat("文", 23), "a" + strings.Repeat("文", 23), "ab" + strings.Repeat("文", 23), strings.Repeat("~", 90),
	}
	for _, name := range names {
		store(t, d, keyRecord(name, "Ab12"))
	}
	for _, name := range names {
		found, err := d.Find(t.Context(), secrets.Query{Scope: ours, Kind: secrets.Key, Name: name, Mark: "Ab12"})
		if err != nil || len(found) != 1 || found[0].Name != name {
			t.Errorf("%.20s...: found %v, %v", name, len(found), err)
		}
	}
	stored := files(t, path)
	if len(stored) != len(names) {
		t.Errorf("%d files of %d names", len(stored), len(names))
	}
	for _, file := range stored {
		base := filepath.Base(file)
		if len(base) > 255 || regexp.MustCompile(`%(.?$|.?~|[^0-9A-F]|.[^0-9A-F])`).MatchString(base) {
			t.Errorf("%d bytes: %s", len(base), base)
		}
	}
	if !slices.Contains(stored, "keys/"+strings.Repeat("a", 200)+".Ab12.json") {
		t.Errorf("the longest name that fits is not kept as it is: %v", stored)
	}
}
