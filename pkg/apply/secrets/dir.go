package secrets

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// Dir is a sink of plain files, readable by their owner only: keys/NAME.SUFFIX.json and services/NAME.NONCE.json, with NAME
// percent-encoded so that no name can leave the directory.
type Dir struct {
	path string
	mu   sync.Mutex
}

// NewDir makes the directory where it is missing and refuses one that others may write to.
func NewDir(path string) (*Dir, error) {
	for _, sub := range folders {
		if err := os.MkdirAll(filepath.Join(path, sub), 0o700); err != nil {
			return nil, fmt.Errorf("open secrets directory: %w", err)
		}
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("open secrets directory: %w", err)
	}
	if info.Mode().Perm()&0o022 != 0 {
		return nil, fmt.Errorf("open secrets directory: %s is writable by others (mode %04o): chmod 700 %s", path, info.Mode().Perm(), path)
	}
	return &Dir{path: path}, nil
}

var folders = map[string]string{Key: "keys", Service: "services"}

func (d *Dir) file(kind, name, mark string) string {
	return filepath.Join(d.path, folders[kind], encodeName(name)+"."+encodeName(mark)+".json")
}

// encodeName percent-encodes all that could be read as a path; a dot stays legible except at the front.
func encodeName(name string) string {
	escaped := strings.ReplaceAll(url.PathEscape(name), ":", "%3A")
	if rest, ok := strings.CutPrefix(escaped, "."); ok {
		return "%2E" + rest
	}
	return escaped
}

// Find implements Sink.
func (d *Dir) Find(_ context.Context, kind, name, mark string) ([]Record, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	folder := filepath.Join(d.path, folders[kind])
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, fmt.Errorf("look for a stored secret of %s %s: %w", kind, name, err)
	}
	var out []Record
	for _, e := range entries {
		rest, ok := strings.CutPrefix(e.Name(), encodeName(name)+".")
		found, isRecord := strings.CutSuffix(rest, ".json")
		if !ok || !isRecord || mark != "" && found != encodeName(mark) {
			continue
		}
		data, err := os.ReadFile(filepath.Join(folder, e.Name()))
		if err != nil {
			return nil, fmt.Errorf("read the stored secret of %s %s: %w", kind, name, err)
		}
		r, err := Decode(data, found)
		if err != nil {
			return nil, fmt.Errorf("read the stored secret of %s %s: %s is not a record", kind, name, e.Name())
		}
		if r.Name == name {
			out = append(out, r)
		}
	}
	return out, nil
}

// Store implements Sink.
func (d *Dir) Store(_ context.Context, r Record) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	final := d.file(r.Kind, r.Name, r.Mark)
	tmp, err := d.writeTemp(r)
	if err != nil {
		return fmt.Errorf("store the secret of %s %s: %w", r.Kind, r.Name, err)
	}
	defer func() { _ = os.Remove(tmp) }()
	// A hard link fails where the name is taken, a rename would replace it.
	if err := os.Link(tmp, final); err != nil {
		if errors.Is(err, fs.ErrExist) {
			err = fmt.Errorf("%s exists and is never overwritten", final)
		}
		return fmt.Errorf("store the secret of %s %s: %w", r.Kind, r.Name, err)
	}
	return syncDir(filepath.Dir(final))
}

// Confirm implements Sink.
func (d *Dir) Confirm(_ context.Context, r Record) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	tmp, err := d.writeTemp(r)
	if err != nil {
		return fmt.Errorf("confirm the secret of %s %s: %w", r.Kind, r.Name, err)
	}
	final := d.file(r.Kind, r.Name, r.Mark)
	if err := os.Rename(tmp, final); err != nil {
		return errors.Join(fmt.Errorf("confirm the secret of %s %s: %w", r.Kind, r.Name, err), os.Remove(tmp))
	}
	return syncDir(filepath.Dir(final))
}

// writeTemp writes a record, durably, under a name that no reader looks at.
func (d *Dir) writeTemp(r Record) (string, error) {
	data, err := Encode(r)
	if err != nil {
		return "", err
	}
	f, err := os.CreateTemp(filepath.Join(d.path, folders[r.Kind]), ".writing-*") // mode 0600
	if err != nil {
		return "", err
	}
	_, err = f.Write(data)
	err = errors.Join(err, f.Sync(), f.Close())
	if err != nil {
		return "", errors.Join(err, os.Remove(f.Name()))
	}
	return f.Name(), nil
}

// syncDir makes a new name in a directory survive a crash of the machine.
func syncDir(path string) error {
	f, err := os.Open(filepath.Clean(path))
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
