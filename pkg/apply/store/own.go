package store

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// What one run leaves for the next and trusts there (lock, journal, stored secrets) others on the host must not have made, must
// not be able to change, and must not have put a link in its place that makes orgctl write elsewhere. Where the system knows no
// owners, only links and modes are looked at.

// OwnDir is MakeDir, and refuses a directory that is a link, belongs to another user, or is writable by others.
func OwnDir(d Disk, path string) error {
	path = filepath.Clean(path)
	if err := MakeDir(d, path); err != nil {
		return err
	}
	info, err := os.Lstat(path)
	switch {
	case err != nil:
		return err
	case info.Mode()&fs.ModeSymlink != 0:
		return fmt.Errorf("%s is a symbolic link: name the directory that it leads to", path)
	case !info.IsDir():
		return fmt.Errorf("%s is no directory", path)
	}
	if err := owned(path, info); err != nil {
		return err
	}
	if mode := info.Mode().Perm(); mode&0o022 != 0 {
		return fmt.Errorf("%s is writable by others (mode %04o): chmod 700 %s", path, mode, path)
	}
	return holdable(filepath.Dir(path))
}

// holdable refuses a directory to make or find something in whose owner could exchange it: anybody but its user and root. Root
// works in the directories of others in containers, whose files belong to whoever runs them.
func holdable(dir string) error {
	info, err := os.Stat(dir)
	if err != nil {
		return err
	}
	if uid, known := owner(info); known && uid == 0 || os.Geteuid() == 0 {
		return nil
	}
	return owned(dir, info)
}

// OpenOwn opens a file for reading and writing, made (mode 0600) where it is missing; its name is not durable then. It refuses a
// link, a file with a second name, and whatever ReadOwn would.
func OpenOwn(d Disk, path string, flag int) (File, error) {
	path = filepath.Clean(path)
	f, err := d.OpenFile(path, flag|os.O_RDWR|os.O_CREATE|os.O_EXCL|noFollow, 0o600)
	if err == nil {
		return f, nil
	}
	if !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	if f, err = openOwn(d, path, flag|os.O_RDWR); err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && names(info) > 1 {
		err = fmt.Errorf("%s has more than one name: what is written to it would go to another file, too", path)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// ReadOwn reads a file and refuses one that is a link or no regular file, belongs to another user, or is writable by others.
func ReadOwn(path string) ([]byte, error) {
	f, err := openOwn(OS{}, filepath.Clean(path), os.O_RDONLY)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(f)
	return data, errors.Join(err, f.Close())
}

// openOwn opens a file that exists. It looks before, so that no pipe is waited for, and again at what it has opened.
func openOwn(d Disk, path string, flag int) (File, error) {
	info, err := os.Lstat(path)
	if err == nil {
		err = trusted(path, info)
	}
	if err != nil {
		return nil, err
	}
	f, err := d.OpenFile(path, flag|noFollow, 0)
	if err != nil {
		return nil, err
	}
	if info, err = f.Stat(); err == nil {
		err = trusted(path, info)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func trusted(path string, info fs.FileInfo) error {
	switch {
	case info.Mode()&fs.ModeSymlink != 0:
		return fmt.Errorf("%s is a symbolic link", path)
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s is no regular file", path)
	}
	if err := owned(path, info); err != nil {
		return err
	}
	if mode := info.Mode().Perm(); mode&0o022 != 0 {
		return fmt.Errorf("%s is writable by others (mode %04o): chmod 600 %s if you trust what it holds, or remove it", path, mode, path)
	}
	return nil
}

func owned(path string, info fs.FileInfo) error {
	if uid, known := owner(info); known && uid != os.Geteuid() {
		return fmt.Errorf("%s belongs to another user (uid %d, this is %d)", path, uid, os.Geteuid())
	}
	return nil
}

// Planted reports whether a file in a directory where everybody may make files, as in /tmp, was made by somebody else. It is
// the rule by which Linux protects links, files and pipes there.
func Planted(dir, file fs.FileInfo) bool {
	const shared = fs.ModeSticky | 0o002
	uid, known := owner(file)
	if !known || dir.Mode()&shared != shared {
		return false
	}
	keeper, _ := owner(dir)
	return uid != os.Geteuid() && uid != keeper
}
