package store

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Disk is the part of a file system that decides what a crash of the machine leaves: the data of a file until it is synced, and
// a name until its directory is. OS is the real one; tests take one that knows what a crash would lose.
type Disk interface {
	Mkdir(path string, mode fs.FileMode) error
	OpenFile(path string, flag int, mode fs.FileMode) (File, error)
	CreateTemp(dir, pattern string) (File, error) // mode 0600
	Link(from, to string) error
	Rename(from, to string) error
	// SyncDir makes the names in a directory outlast a crash.
	SyncDir(path string) error
}

// File is an open file of a Disk.
type File interface {
	io.ReadWriteSeeker
	Name() string
	Stat() (fs.FileInfo, error)
	// Sync makes what was written outlast a crash.
	Sync() error
	Close() error
}

// OS is the file system of this machine.
type OS struct{}

// Mkdir implements Disk.
func (OS) Mkdir(path string, mode fs.FileMode) error { return os.Mkdir(path, mode) }

// OpenFile implements Disk.
func (OS) OpenFile(path string, flag int, mode fs.FileMode) (File, error) {
	return os.OpenFile(filepath.Clean(path), flag, mode)
}

// CreateTemp implements Disk.
func (OS) CreateTemp(dir, pattern string) (File, error) { return os.CreateTemp(dir, pattern) }

// Link implements Disk.
func (OS) Link(from, to string) error { return os.Link(from, to) }

// Rename implements Disk.
func (OS) Rename(from, to string) error { return os.Rename(from, to) }

// SyncDir implements Disk.
func (OS) SyncDir(path string) error {
	f, err := os.Open(filepath.Clean(path))
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// MakeDir makes a directory that outlasts a crash, and those above it that are missing, for their owner alone. It makes none in
// a directory whose owner could exchange it.
func MakeDir(d Disk, path string) error {
	path = filepath.Clean(path)
	above := filepath.Dir(path)
	switch info, err := os.Stat(path); {
	case err == nil && !info.IsDir():
		return &fs.PathError{Op: "mkdir", Path: path, Err: errors.New("it is a file")}
	case errors.Is(err, fs.ErrNotExist):
		if err := MakeDir(d, above); err != nil {
			return err
		}
		if err := holdable(above); err != nil {
			return err
		}
		if err := d.Mkdir(path, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	case err != nil:
		return err
	}
	// One that may be written to and not read cannot be synced; it is not ours to have its mode changed.
	if err := d.SyncDir(above); err != nil && !errors.Is(err, fs.ErrPermission) {
		return err
	}
	return nil
}

// WriteTemp puts data, durably, into a new file of a directory that only its owner may read. Its name, which begins with the
// prefix, is not durable: Link or Rename gives it another one.
func WriteTemp(d Disk, dir, prefix string, data []byte) (path string, err error) {
	f, err := d.CreateTemp(dir, prefix+"*")
	if err != nil {
		return "", err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return "", errors.Join(err, os.Remove(f.Name()))
	}
	return f.Name(), nil
}

// Replace gives a file new content: after a crash it has the old or the new one.
func Replace(d Disk, path string, data []byte) error {
	tmp, err := WriteTemp(d, filepath.Dir(path), ".writing-", data)
	if err != nil {
		return err
	}
	return Publish(d, tmp, path)
}

// Publish makes a file of WriteTemp what stands under a name of the same directory, in place of what stood there.
func Publish(d Disk, tmp, path string) error {
	if err := d.Rename(tmp, path); err != nil {
		return errors.Join(fmt.Errorf("put %s in place: %w", path, err), os.Remove(tmp))
	}
	return d.SyncDir(filepath.Dir(path))
}
