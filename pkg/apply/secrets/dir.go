package secrets

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"filippo.io/age"

	"github.com/orgctl/orgctl/pkg/apply/store"
)

// Dir is a sink of files that only their owner may read: keys/NAME.SUFFIX.json and services/NAME.NONCE.json. With recipients
// each of them is encrypted before it is written, gets .age at the end of its name, and cannot be read back here.
//
// A file appears under its name in one step and complete. What a crash may leave behind begins with a dot and counts for
// nothing.
type Dir struct {
	disk       store.Disk
	path       string
	recipients []age.Recipient
}

// NewDir makes the directory where it is missing and refuses one that others may write to, as well as recipients that
// cannot read one file together.
func NewDir(path string, recipients ...age.Recipient) (*Dir, error) {
	return newDir(store.OS{}, path, recipients...)
}

func newDir(disk store.Disk, path string, recipients ...age.Recipient) (*Dir, error) {
	d := &Dir{disk: disk, path: path, recipients: recipients}
	if err := d.open(); err != nil {
		return nil, fmt.Errorf("open secrets directory: %w", err)
	}
	return d, nil
}

func (d *Dir) open() error {
	if len(d.recipients) > 0 {
		if err := d.seal(io.Discard, nil); err != nil {
			return err
		}
	}
	for _, folder := range folders {
		if err := store.MakeDir(d.disk, filepath.Join(d.path, folder)); err != nil {
			return err
		}
	}
	for _, folder := range slices.Concat([]string{"."}, slices.Sorted(maps.Values(folders))) {
		path := filepath.Join(d.path, folder)
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		if mode := info.Mode().Perm(); mode&0o022 != 0 {
			return fmt.Errorf("%s is writable by others (mode %04o): chmod 700 %s", path, mode, path)
		}
	}
	return nil
}

var folders = map[string]string{Key: "keys", Service: "services"}

// Find implements Sink. A Dir with recipients finds nothing, not even plain files: what was once stored in the clear is not
// to become a secret that counts as encrypted.
func (d *Dir) Find(_ context.Context, kind, name, mark string) ([]Record, error) {
	if len(d.recipients) > 0 {
		return nil, nil
	}
	latest, err := d.latest(kind, name)
	if err != nil {
		return nil, fmt.Errorf("look for a stored secret of %s %s: %w", kind, name, err)
	}
	var out []Record
	for _, encoded := range slices.Sorted(maps.Keys(latest)) {
		file := latest[encoded]
		if file.sealed || mark != "" && encoded != encode(mark) {
			continue
		}
		r, err := d.read(kind, file)
		if err == nil && (r.Name != name || mark != "" && r.Mark != mark) {
			err = fmt.Errorf("%s holds another one", file)
		}
		if err != nil {
			return nil, fmt.Errorf("read the stored secret of %s %s: %w", kind, name, err)
		}
		out = append(out, r)
	}
	return out, nil
}

// Store implements Sink.
func (d *Dir) Store(_ context.Context, r Record) (Record, error) {
	stored, err := d.store(r)
	if err != nil {
		return r, fmt.Errorf("store the secret of %s %s: %w", r.Kind, r.Name, err)
	}
	return stored, nil
}

func (d *Dir) store(r Record) (Record, error) {
	if err := storable(r.Kind, r.Name); err != nil {
		return r, err
	}
	latest, err := d.latest(r.Kind, r.Name)
	if err != nil {
		return r, err
	}
	tmp, err := d.write(r)
	if err != nil {
		return r, err
	}
	defer func() { _ = os.Remove(tmp) }()
	for r.Version = latest[encode(r.Mark)].version + 1; ; r.Version++ {
		// A hard link fails where the name is taken, a rename would replace it.
		err := d.disk.Link(tmp, d.file(r))
		if !errors.Is(err, fs.ErrExist) {
			return r, errors.Join(err, d.disk.SyncDir(filepath.Dir(tmp)))
		}
	}
}

// Confirm implements Sink.
func (d *Dir) Confirm(_ context.Context, r Record) error {
	if err := d.confirm(r); err != nil {
		return fmt.Errorf("confirm the secret of %s %s: %w", r.Kind, r.Name, err)
	}
	return nil
}

func (d *Dir) confirm(r Record) error {
	if err := storable(r.Kind, r.Name); err != nil {
		return err
	}
	if r.Version == 0 {
		return errors.New("it was never stored")
	}
	tmp, err := d.write(r)
	if err != nil {
		return err
	}
	return store.Publish(d.disk, tmp, d.file(r))
}

// maxName is how many bytes an encoded name may take: a file name has 255, and the rest is for mark, version and endings.
const maxName = 200

// storable says what keeps the secret of an object from having a file.
func storable(kind, name string) error {
	if _, ok := folders[kind]; !ok {
		return fmt.Errorf("there is no place for secrets of a %s", kind)
	}
	switch n := len(encode(name)); {
	case n == 0:
		return errors.New("it has no name")
	case n > maxName:
		return fmt.Errorf("its name takes %d bytes in a file name, at most %d are possible", n, maxName)
	default:
		return nil
	}
}

// file is the path of a record.
func (d *Dir) file(r Record) string {
	return filepath.Join(d.path, folders[r.Kind], fileName{
		name: encode(r.Name), mark: encode(r.Mark), version: r.Version, sealed: len(d.recipients) > 0,
	}.String())
}

// latest gives the files of an object that hold the highest version of each mark, by encoded mark.
func (d *Dir) latest(kind, name string) (map[string]fileName, error) {
	entries, err := os.ReadDir(filepath.Join(d.path, folders[kind]))
	if err != nil {
		return nil, err
	}
	out := map[string]fileName{}
	for _, entry := range entries {
		f, ok := parseFileName(entry.Name())
		if ok && f.name == encode(name) && f.version > out[f.mark].version {
			out[f.mark] = f
		}
	}
	return out, nil
}

func (d *Dir) read(kind string, file fileName) (Record, error) {
	path := filepath.Join(d.path, folders[kind], file.String())
	data, err := os.ReadFile(path)
	if err != nil {
		return Record{}, err
	}
	r, err := Decode(data)
	if err != nil || r.Kind != kind {
		return Record{}, fmt.Errorf("%s is not a record of a %s", path, kind) // the decoder's own message may quote the secret
	}
	r.Version = file.version
	return r, nil
}

// write puts a record, durably, under a name that no reader looks at.
func (d *Dir) write(r Record) (path string, err error) {
	data, err := Encode(r)
	if err != nil {
		return "", err
	}
	if len(d.recipients) > 0 {
		var sealed bytes.Buffer
		if err := d.seal(&sealed, data); err != nil {
			return "", err
		}
		data = sealed.Bytes()
	}
	return store.WriteTemp(d.disk, filepath.Join(d.path, folders[r.Kind]), ".writing-", data)
}

// seal encrypts data to the recipients.
func (d *Dir) seal(to io.Writer, data []byte) error {
	w, err := age.Encrypt(to, d.recipients...)
	if err != nil {
		return fmt.Errorf("encrypt: %w", err)
	}
	_, err = w.Write(data)
	return errors.Join(err, w.Close())
}

// Unused names the files of secrets that were stored and that the API was never seen to take: left over from creations that
// were refused or interrupted. Sealed files cannot tell and are not among them. What cannot be read is named by the error, and
// the rest is given all the same.
func (d *Dir) Unused() (files []string, err error) {
	for _, kind := range slices.Sorted(maps.Keys(folders)) {
		folder := filepath.Join(d.path, folders[kind])
		entries, problem := os.ReadDir(folder)
		err = errors.Join(err, problem)
		for _, entry := range entries {
			file, ok := parseFileName(entry.Name())
			if !ok || file.sealed {
				continue
			}
			path := filepath.Join(folder, entry.Name())
			if !entry.Type().IsRegular() {
				err = errors.Join(err, fmt.Errorf("%s: is no regular file", path))
				continue
			}
			r, problem := d.read(kind, file)
			if problem != nil {
				err = errors.Join(err, problem)
			} else if r.ID == "" {
				files = append(files, path)
			}
		}
	}
	return files, err
}
