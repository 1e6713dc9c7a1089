package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/google/renameio/v2"

	"github.com/orgctl/orgctl/pkg/apply/store"
)

// destination is where an output really goes, with the links on the way followed.
type destination struct {
	name   string      // as it was given, for messages
	stdout bool        // it is this process's standard output, and nothing below counts but info
	path   string      // what is written; no link
	folder fs.FileInfo // where path lies
	info   fs.FileInfo // what stands at path; nil for nothing
	open   int         // number of the open file of this process that path stands for, or -1
}

func (e *env) standardOutput() destination {
	return destination{name: "standard output", stdout: true, info: e.stdoutFile, open: -1}
}

// maxLinks is how many links in a row are followed, as systems do.
const maxLinks = 40

// locate finds where a named output goes. It writes nothing.
func (e *env) locate(name string) (destination, error) {
	d, err := follow(name)
	if err != nil {
		if detail, ok := errors.AsType[*fs.PathError](err); ok {
			err = detail.Err
		}
		return d, fmt.Errorf("write %s: %w", name, err)
	}
	if d.open == 1 || d.holds(e.stdoutFile) {
		return e.standardOutput(), nil
	}
	return d, nil
}

// follow takes one link after the other, since the last one may lead to what does not exist yet.
func follow(name string) (destination, error) {
	path := name
	for range maxLinks {
		dir, base := filepath.Split(path) // does not clean: what ".." means depends on the links before it
		folder, err := filepath.EvalSymlinks(filepath.Clean(dir) + string(filepath.Separator) + ".")
		if err != nil {
			return destination{}, err
		}
		d := destination{name: name, path: filepath.Join(folder, base), open: openFile(folder, base)}
		if d.folder, err = os.Stat(folder); err != nil {
			return d, err
		}
		if d.open >= 0 {
			d.info, err = os.Stat(d.path)
			return d, err
		}
		d.info, err = os.Lstat(d.path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			d.info = nil
			return d, nil
		case err != nil:
			return d, err
		case store.Planted(d.folder, d.info):
			return d, fmt.Errorf("%s was put there by another user", d.path)
		case d.info.IsDir():
			return d, errors.New("it is a directory")
		case d.info.Mode()&fs.ModeSymlink == 0:
			return d, nil
		}
		target, err := os.Readlink(d.path)
		if err != nil {
			return d, err
		}
		if !filepath.IsAbs(target) {
			target = folder + string(filepath.Separator) + target
		}
		path = target
	}
	return destination{}, errors.New("too many links")
}

// openFile is the number of the open file that an entry of a folder like /dev/fd stands for, or -1. /dev/stdout and
// /dev/fd lead to such a folder.
func openFile(folder, base string) int {
	own := filepath.Join("/proc", strconv.Itoa(os.Getpid()))
	if folder != "/dev/fd" && (!strings.HasPrefix(folder, own+"/") || filepath.Base(folder) != "fd") {
		return -1
	}
	n, err := strconv.Atoi(base)
	if err != nil || n < 0 {
		return -1
	}
	return n
}

// same reports whether two outputs would undo or garble each other. Where nothing exists yet, names that differ in case alone
// count as one, as they are on some file systems.
func (d destination) same(o destination) bool {
	switch {
	case d.open >= 0 && d.open == o.open:
		return true
	case d.info != nil && o.info != nil:
		return d.holds(o.info)
	case d.folder == nil || o.folder == nil:
		return false
	default:
		return os.SameFile(d.folder, o.folder) && strings.EqualFold(filepath.Base(d.path), filepath.Base(o.path))
	}
}

// holds reports whether an output would be written into a file or pipe. What is written to a device bothers nobody else.
func (d destination) holds(file fs.FileInfo) bool {
	return d.info != nil && file != nil && file.Mode()&fs.ModeDevice == 0 && os.SameFile(d.info, file)
}

// held is what a regular file holds that an output would replace; nothing where there is none.
func (d destination) held() ([]byte, error) {
	if d.stdout || d.open >= 0 || d.info == nil || !d.info.Mode().IsRegular() {
		return nil, nil
	}
	return os.ReadFile(d.path)
}

// write lets an output be written to its place. A regular file is replaced in one step and keeps its mode; a new one is
// readable by its owner only, since plans say much about an organization. A pipe, a device and what is open already are written
// to as they are.
func (e *env) write(to destination, write func(io.Writer) error) error {
	var err error
	switch {
	case to.stdout:
		return write(e.stdout)
	case to.open == 2:
		err = write(quiet{os.Stderr}) // not as a remark: what cannot be written is missed
	case to.open >= 0:
		err = writeInto(os.NewFile(uintptr(to.open), to.name), write)
	case to.info != nil && !to.info.Mode().IsRegular():
		var f *os.File
		if f, err = os.OpenFile(to.path, os.O_WRONLY, 0); err == nil {
			err = writeInto(f, write)
		}
	default:
		err = to.replace(write)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", to.name, err)
	}
	return nil
}

func writeInto(f *os.File, write func(io.Writer) error) error {
	if f == nil {
		return fs.ErrInvalid
	}
	return errors.Join(write(f), f.Close())
}

func (d destination) replace(write func(io.Writer) error) error {
	// Beside what it replaces, and not in the temporary directory, where others may look.
	f, err := renameio.NewPendingFile(d.path, renameio.WithTempDir(filepath.Dir(d.path)), renameio.WithExistingPermissions())
	if err != nil {
		return err
	}
	if err = write(f); err == nil {
		err = f.CloseAtomicallyReplace()
	}
	return errors.Join(err, f.Cleanup())
}
