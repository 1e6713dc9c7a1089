package spec_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/orgctl/orgctl/pkg/spec"
)

// tree makes files (content is the path), directories ("name/") and links ("name -> target") in a new working directory.
func tree(t *testing.T, entries ...string) {
	t.Helper()
	t.Chdir(t.TempDir())
	for _, entry := range entries {
		path, target, isLink := strings.Cut(entry, " -> ")
		err := os.MkdirAll(filepath.Dir(path), 0o700)
		switch {
		case err != nil:
		case isLink:
			err = os.Symlink(target, path)
		case strings.HasSuffix(path, "/"):
			err = os.MkdirAll(path, 0o700)
		default:
			err = os.WriteFile(path, []byte(entry), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestRead(t *testing.T) {
	for _, tc := range []struct {
		name    string
		entries []string
		paths   []string
		want    []string // names of files
		diags   []string
	}{
		{
			name:    "a directory is read recursively and in order",
			entries: []string{"org/b.yml", "org/a.yaml", "org/c/d.yaml", "org/README.md", "org/e.json", "org/.hidden.yaml", "org/.git/f.yaml"},
			paths:   []string{"org"},
			want:    []string{"org/a.yaml", "org/b.yml", "org/c/d.yaml"},
		},
		{
			name:    "an ending may be written in capitals",
			entries: []string{"org/a.YAML", "org/b.Yml", "org/c.JSON", "empty/a.JSON"},
			paths:   []string{"org"},
			want:    []string{"org/a.YAML", "org/b.Yml"},
		},
		{
			name:    "files of any name, in the order given",
			entries: []string{"b.json", ".a", "c.yaml"},
			paths:   []string{"./b.json", "c.yaml", "./.a"},
			want:    []string{"b.json", "c.yaml", ".a"},
		},
		{
			name:    "a file reached twice is read once",
			entries: []string{"org/a.yaml", "org/b.yaml", "link.yaml -> org/a.yaml"},
			paths:   []string{"org/b.yaml", "org", "./org/", "org/../org/a.yaml", "link.yaml"},
			want:    []string{"org/b.yaml", "org/a.yaml"},
		},
		{
			name:    "a directory is not empty because its parts were read before",
			entries: []string{"org/sub/a.yaml"},
			paths:   []string{"org/sub", "org"},
			want:    []string{"org/sub/a.yaml"},
		},
		{
			name:    "links are followed, also as a mounted volume has them",
			entries: []string{"org/..data/a.yaml", "org/a.yaml -> ..data/a.yaml", "org/sub/b.yaml", "org/c.yaml -> sub/../sub/b.yaml", "link -> org"},
			paths:   []string{"link"},
			want:    []string{"link/a.yaml", "link/c.yaml"},
		},
		{
			name:    "links lead to whatever else is named",
			entries: []string{"shared/b.yaml", "org/shared -> ../shared", "c.yaml", "org/c.yaml -> ../c.yaml"},
			paths:   []string{"org", "shared", "c.yaml"},
			want:    []string{"org/c.yaml", "org/shared/b.yaml"},
		},
		{
			name: "links do not lead out of what is named",
			entries: []string{
				"org/a.yaml", "token", "org/leak.yaml -> ../token", "shared/b.yaml", "org/shared -> ../shared", "organization/d.yaml",
				"org/beside.yaml -> ../organization/d.yaml", "org/sub/hop.yaml -> ../leak.yaml", "org/readme -> ../token",
			},
			paths: []string{"org"},
			want:  []string{"org/a.yaml"},
			diags: []string{
				"org/beside.yaml: error OC201: cannot be read: a link that leads out of what is named; name what it leads to, too",
				"org/leak.yaml: error OC201: cannot be read: a link that leads out of what is named; name what it leads to, too",
				"org/shared: error OC201: cannot be read: a link that leads out of what is named; name what it leads to, too",
				"org/sub/hop.yaml: error OC201: cannot be read: a link that leads out of what is named; name what it leads to, too",
			},
		},
		{
			name:    "loops of links end",
			entries: []string{"org/a.yaml", "org/loop -> ../org", "org/self -> self", "org/sub/up -> .."},
			paths:   []string{"org"},
			want:    []string{"org/a.yaml"},
		},
		{
			name:    "a hidden directory is read when it is named",
			entries: []string{".org/a.yaml"},
			paths:   []string{".org"},
			want:    []string{".org/a.yaml"},
		},
		{
			name: "no path", diags: []string{"error OC202: no manifest is given; name files or directories"},
		},
		{
			name: "what is missing hides nothing else", entries: []string{"a.yaml"}, paths: []string{"none.yaml", "a.yaml", "./none/"},
			want: []string{"a.yaml"},
			diags: []string{
				"none.yaml: error OC201: cannot be read: no such file or directory",
				"none: error OC201: cannot be read: no such file or directory",
			},
		},
		{
			name: "a file taken for a directory", entries: []string{"a.yaml"}, paths: []string{"a.yaml/b.yaml"},
			diags: []string{"a.yaml/b.yaml: error OC201: cannot be read: not a directory"},
		},
		{
			name: "a directory without manifests", entries: []string{"org/README.md", "empty/sub/"}, paths: []string{"org", "empty"},
			diags: []string{
				"org: error OC202: the directory holds no *.yaml or *.yml file; a file of another name is read when named itself",
				"empty: error OC202: the directory holds no *.yaml or *.yml file; a file of another name is read when named itself",
			},
		},
		{
			name: "a dangling link", entries: []string{"org/a.yaml -> gone", "org/readme -> gone"}, paths: []string{"org"},
			diags: []string{"org/a.yaml: error OC201: cannot be read: no such file or directory"},
		},
		{
			name: "a directory with the name of a manifest", entries: []string{"org/a.yaml/b.yaml"}, paths: []string{"org"},
			want: []string{"org/a.yaml/b.yaml"},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tree(t, tc.entries...)
			files, diags := spec.Read(tc.paths, nil)
			var got, messages []string
			for _, f := range files {
				got = append(got, f.Name)
				if len(f.Data) == 0 {
					t.Errorf("%s is empty", f.Name)
				}
			}
			for _, d := range diags {
				messages = append(messages, d.String())
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("files (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.diags, messages); diff != "" {
				t.Errorf("diagnostics (-want +got):\n%s", diff)
			}
		})
	}
}

func TestReadStdin(t *testing.T) {
	files, diags := spec.Read([]string{"-", "-"}, strings.NewReader("a: 1"))
	if diff := cmp.Diff([]spec.File{{Name: "<stdin>", Data: []byte("a: 1")}}, files); diff != "" || len(diags) > 0 {
		t.Errorf("%v (-want +got):\n%s", diags, diff)
	}
	files, diags = spec.Read([]string{"-"}, iotest.ErrReader(errors.New("broken pipe")))
	if len(files) > 0 || len(diags) != 1 || diags[0].String() != "<stdin>: error OC201: cannot be read: broken pipe" {
		t.Errorf("%v, %v", files, diags)
	}
}

// endless yields as much as is asked for and counts it.
type endless struct{ read int }

func (e *endless) Read(p []byte) (int, error) {
	e.read += len(p)
	return len(p), nil
}

func TestReadRefusesLargeInput(t *testing.T) {
	t.Run("a file of 50 MB is not opened", func(t *testing.T) {
		t.Chdir(t.TempDir())
		if err := os.WriteFile("large.yaml", nil, 0o000); err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate("large.yaml", 50_000_000); err != nil {
			t.Fatal(err)
		}
		files, diags := spec.Read([]string{"large.yaml"}, nil)
		want := "large.yaml:1:1: error OC203: files of up to 32 MiB are read; the file has 47 MiB; split it, or name shared IP lists in spec.ipSets"
		if len(files) > 0 || len(diags) != 1 || diags[0].String() != want {
			t.Errorf("%d files, %v", len(files), diags)
		}
	})
	t.Run("stdin is not read to its end", func(t *testing.T) {
		stdin := &endless{}
		files, diags := spec.Read([]string{"-"}, stdin)
		if len(files) > 0 || len(diags) != 1 || diags[0].Code != spec.CodeTooLarge {
			t.Errorf("%d files, %v", len(files), diags)
		}
		if stdin.read > 2*spec.MaxFileSize {
			t.Errorf("%d bytes read", stdin.read)
		}
	})
	t.Run("the limit itself is allowed", func(t *testing.T) {
		stdin := io.MultiReader(bytes.NewReader(make([]byte, spec.MaxFileSize)))
		if files, diags := spec.Read([]string{"-"}, stdin); len(files) != 1 || len(diags) > 0 {
			t.Errorf("%d files, %v", len(files), diags)
		}
	})
}

func TestReadDoesNotOpenSpecialFiles(t *testing.T) {
	t.Chdir(t.TempDir())
	socket, err := (&net.ListenConfig{}).Listen(t.Context(), "unix", "socket.yaml")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = socket.Close() }()
	files, diags := spec.Read([]string{"."}, nil)
	if len(files) > 0 || len(diags) != 1 || diags[0].String() != "socket.yaml: error OC201: cannot be read: not a regular file" {
		t.Errorf("%v, %v", files, diags)
	}
}
