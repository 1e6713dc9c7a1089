// Package storetest has a disk that knows what a crash of the machine would lose.
package storetest

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/orgctl/orgctl/pkg/apply/store"
)

// Disk is the real one, watched: it knows what is not durable, and which name was given to data that was not.
type Disk struct {
	store.OS

	mu    sync.Mutex
	data  map[string]bool   // files with data that was not synced
	names map[string]string // new names by path, until their directory is synced
	early []string
}

// New watches what is done from now on.
func New() *Disk { return &Disk{data: map[string]bool{}, names: map[string]string{}} }

// Lost is what a crash would take now, in words; and what a crash at some moment before would have left under its name without
// its data. Both are empty after every call that promises to have made something durable.
func (d *Disk) Lost() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	lost := slices.Clone(d.early)
	for path := range d.data {
		lost = append(lost, "the data of "+path)
	}
	lost = slices.AppendSeq(lost, maps.Values(d.names))
	slices.Sort(lost)
	return lost
}

// named notes a new name.
func (d *Disk) named(how, path string) {
	d.names[filepath.Clean(path)] = fmt.Sprintf("the name of %s (%s)", path, how)
}

// moved notes a name that was given to existing data.
func (d *Disk) moved(how, from, to string) {
	if d.data[from] {
		d.early = append(d.early, fmt.Sprintf("the data of %s, which had its name before (%s)", to, how))
	}
	d.named(how, to)
}

// Mkdir implements store.Disk.
func (d *Disk) Mkdir(path string, mode fs.FileMode) error {
	err := d.OS.Mkdir(path, mode)
	d.mu.Lock()
	defer d.mu.Unlock()
	if err == nil {
		d.named("mkdir", path)
	}
	return err
}

// OpenFile implements store.Disk.
func (d *Disk) OpenFile(path string, flag int, mode fs.FileMode) (store.File, error) {
	f, err := d.OS.OpenFile(path, flag, mode)
	d.mu.Lock()
	defer d.mu.Unlock()
	if made := flag&os.O_CREATE != 0 && flag&os.O_EXCL != 0; made && err == nil {
		d.named("create", path)
	}
	return &file{f, d}, err
}

// CreateTemp implements store.Disk.
func (d *Disk) CreateTemp(dir, pattern string) (store.File, error) {
	f, err := d.OS.CreateTemp(dir, pattern)
	return &file{f, d}, err
}

// Link implements store.Disk.
func (d *Disk) Link(from, to string) error {
	err := d.OS.Link(from, to)
	d.mu.Lock()
	defer d.mu.Unlock()
	if err == nil {
		d.moved("link", from, to)
	}
	return err
}

// Rename implements store.Disk.
func (d *Disk) Rename(from, to string) error {
	err := d.OS.Rename(from, to)
	d.mu.Lock()
	defer d.mu.Unlock()
	if err == nil {
		d.moved("rename", from, to)
		delete(d.data, to) // what was there before is gone
		delete(d.data, from)
	}
	return err
}

// SyncDir implements store.Disk.
func (d *Disk) SyncDir(path string) error {
	err := d.OS.SyncDir(path)
	d.mu.Lock()
	defer d.mu.Unlock()
	if err == nil {
		maps.DeleteFunc(d.names, func(name, _ string) bool { return filepath.Dir(name) == filepath.Clean(path) })
	}
	return err
}

type file struct {
	store.File
	d *Disk
}

func (f *file) Write(p []byte) (int, error) {
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	f.d.data[f.Name()] = true
	return f.File.Write(p)
}

func (f *file) Sync() error {
	err := f.File.Sync()
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	if err == nil {
		delete(f.d.data, f.Name())
	}
	return err
}
