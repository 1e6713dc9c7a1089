package spec

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// MaxFileSize is the most bytes that Read takes from one file. It holds 5,000 services with 100 IP entries each, written
// out; what is larger is more likely a dump passed by mistake than something that people review.
const MaxFileSize = 32 << 20

// Stdin is the name of the file that standard input is.
const Stdin = "<stdin>"

// File is a manifest file as read.
type File struct {
	Name string // as the user gave it, cleaned, with forward slashes
	Data []byte
}

// Read collects manifest files. A path is a file of any name, a directory, which stands for every *.yaml and *.yml below it
// (in capitals too) in alphabetical order except what begins with a dot, or "-" for stdin. Symbolic links are followed, those in a directory as far
// as they lead to what is named or lies below it: whoever may write manifests is not to have other files read and quoted. A file
// that is reached twice is read once. On errors the files that could be read are still returned.
func Read(paths []string, stdin io.Reader) ([]File, Diagnostics) {
	r := reader{stdin: stdin, seen: map[string]bool{}}
	if len(paths) == 0 {
		r.report(CodeNoManifest, "", "no manifest is given", "name files or directories")
	}
	for _, path := range paths {
		r.roots = append(r.roots, resolve(path))
	}
	for _, path := range paths {
		r.path(path)
	}
	return r.files, r.diags
}

type reader struct {
	stdin io.Reader
	roots []string        // what is named, resolved
	seen  map[string]bool // by resolved absolute path
	met   int             // manifests and directories met, those seen before included
	files []File
	diags Diagnostics
}

func (r *reader) report(code, path, message, hint string) {
	r.diags = append(r.diags, Diagnostic{
		Severity: SeverityError, Code: code, Message: message, Hint: hint, Pos: Pos{File: displayName(path)},
	})
}

func displayName(path string) string {
	if path == "" {
		return ""
	}
	return filepath.ToSlash(filepath.Clean(path))
}

// resolve gives a path without links, or as it is where it leads nowhere.
func resolve(path string) string {
	resolved, err := filepath.EvalSymlinks(path)
	if err == nil {
		resolved, err = filepath.Abs(resolved)
	}
	if err != nil {
		return path
	}
	return resolved
}

// inside reports whether what a path leads to is named or lies below what is.
func (r *reader) inside(path string) bool {
	resolved := resolve(path)
	return slices.ContainsFunc(r.roots, func(root string) bool {
		below, err := filepath.Rel(root, resolved)
		return err == nil && filepath.IsLocal(below)
	})
}

// first reports whether a path is reached for the first time, whatever way leads there.
func (r *reader) first(path string) bool {
	resolved := resolve(path)
	if r.seen[resolved] {
		return false
	}
	r.seen[resolved] = true
	return true
}

func (r *reader) path(path string) {
	if path == "-" {
		if !r.seen[path] {
			r.seen[path] = true
			r.content(Stdin, r.stdin, 0)
		}
		return
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		r.unreadable(path, err)
	case !info.IsDir():
		r.file(path, info)
	case r.first(path):
		before := r.met
		r.directory(path)
		if r.met == before {
			r.report(CodeNoManifest, path, "the directory holds no *.yaml or *.yml file", "a file of another name is read when named itself")
		}
	}
}

func (r *reader) directory(path string) {
	entries, err := os.ReadDir(path) // sorted by name
	if err != nil {
		r.unreadable(path, err)
		return
	}
	for _, entry := range entries {
		name := entry.Name()
		if strings.HasPrefix(name, ".") {
			continue
		}
		child := filepath.Join(path, name)
		ext := strings.ToLower(filepath.Ext(name))
		manifest := ext == ".yaml" || ext == ".yml"
		if !manifest && !entry.IsDir() && entry.Type()&fs.ModeSymlink == 0 {
			continue
		}
		info, err := os.Stat(child)
		switch {
		case err != nil && manifest:
			r.unreadable(child, err)
		case err != nil: // a dangling link that is no manifest
		case entry.Type()&fs.ModeSymlink != 0 && (manifest || info.IsDir()) && !r.inside(child):
			r.met++
			r.report(CodeRead, child, "cannot be read: a link that leads out of what is named", "name what it leads to, too")
		case info.IsDir() && r.first(child):
			r.directory(child)
		case info.IsDir():
			r.met++
		case manifest && info.Mode().IsRegular():
			r.file(child, info)
		case manifest: // opening a pipe or device could block
			r.unreadable(child, errors.New("not a regular file"))
		}
	}
}

func (r *reader) file(path string, info fs.FileInfo) {
	r.met++
	if !r.first(path) {
		return
	}
	if info.Size() > MaxFileSize {
		r.tooLarge(path, fmt.Sprintf("the file has %d MiB", info.Size()>>20))
		return
	}
	f, err := os.Open(path) //nolint:gosec // reading the path that the user names is the purpose
	if err != nil {
		r.unreadable(path, err)
		return
	}
	defer func() { _ = f.Close() }() // nothing was written
	r.content(path, f, info.Size())
}

// content reads up to the limit also where no size is known beforehand: stdin, pipes.
func (r *reader) content(path string, from io.Reader, size int64) {
	data := bytes.NewBuffer(make([]byte, 0, size+bytes.MinRead)) // room to see the end without growing
	_, err := data.ReadFrom(io.LimitReader(from, MaxFileSize+1))
	switch {
	case err != nil:
		r.unreadable(path, err)
	case data.Len() > MaxFileSize:
		r.tooLarge(path, "the input is larger than that")
	default:
		r.files = append(r.files, File{Name: displayName(path), Data: data.Bytes()})
	}
}

func (r *reader) tooLarge(path, size string) {
	r.diags = append(r.diags, Diagnostic{
		Severity: SeverityError, Code: CodeTooLarge, Pos: Pos{File: displayName(path), Line: 1, Column: 1},
		Message: fmt.Sprintf("files of up to %d MiB are read; %s", MaxFileSize>>20, size),
		Hint:    "split it, or name shared IP lists in spec.ipSets",
	})
}

func (r *reader) unreadable(path string, err error) {
	r.met++
	var detail *fs.PathError
	if errors.As(err, &detail) {
		err = detail.Err
	}
	r.report(CodeRead, path, "cannot be read: "+err.Error(), "")
}
