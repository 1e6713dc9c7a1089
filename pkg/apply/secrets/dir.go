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

// NewDir makes the directory where it is missing and refuses one that is not its user's alone to write to, as well as recipients
// that cannot read one file together.
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
		if err := d.encrypt(io.Discard, nil); err != nil {
			return err
		}
	}
	for _, folder := range slices.Concat([]string{"."}, slices.Sorted(maps.Values(folders))) {
		if err := store.OwnDir(d.disk, filepath.Join(d.path, folder)); err != nil {
			return err
		}
	}
	return nil
}

var folders = map[string]string{Key: "keys", Service: "services"}

// Find implements Sink. A Dir with recipients finds nothing, not even plain files: what was once stored in the clear is not
// to become a secret that counts as encrypted.
func (d *Dir) Find(_ context.Context, q Query) ([]Record, error) {
	if len(d.recipients) > 0 {
		return nil, nil
	}
	out, err := d.find(q)
	if err != nil {
		return nil, fmt.Errorf("look for a stored secret of %s %s: %w", q.Kind, q.Name, err)
	}
	return out, nil
}

func (d *Dir) find(q Query) ([]Record, error) {
	all, err := d.files(q.Kind, q.Name)
	if err != nil {
		return nil, err
	}
	// Files are in the order of their versions, so that the last one counts. What is encrypted may be of this organization.
	found := map[string]Record{}
	for _, file := range all {
		if q.Mark != "" && file.mark != encode(q.Mark) {
			continue
		}
		if file.encrypted {
			delete(found, file.mark)
			continue
		}
		r, err := d.read(q.Kind, file)
		if err == nil && (r.Name != q.Name || encode(r.Mark) != file.mark) {
			err = fmt.Errorf("%s holds another one", file)
		}
		if err != nil {
			return nil, err
		}
		if q.matches(r) {
			found[file.mark] = r
		}
	}
	var out []Record
	for _, mark := range slices.Sorted(maps.Keys(found)) {
		out = append(out, found[mark])
	}
	return out, nil
}

// InForce implements Sink. A Dir with recipients gives nothing, as with Find, and no Dir a file that bears the name of another
// record.
func (d *Dir) InForce(_ context.Context, scope store.Scope, kind, id string) []Record {
	var out []Record
	_ = d.walk(kind, func(path string, r Record) { // what cannot be read is left out
		if r.opens(scope, kind, id) && d.file(r) == path {
			out = append(out, r)
		}
	})
	return out
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
	all, err := d.files(r.Kind, r.Name)
	if err != nil {
		return r, err
	}
	r.Version = 1
	for _, file := range all {
		if file.mark == encode(r.Mark) {
			r.Version = file.version + 1
		}
	}
	tmp, err := d.write(r)
	if err != nil {
		return r, err
	}
	defer func() { _ = os.Remove(tmp) }()
	for ; ; r.Version++ {
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

// storable says what keeps the secret of an object from having a file.
func storable(kind, name string) error {
	if _, ok := folders[kind]; !ok {
		return fmt.Errorf("there is no place for secrets of a %s", kind)
	}
	if name == "" {
		return errors.New("it has no name")
	}
	return nil
}

// file is the path of a record.
func (d *Dir) file(r Record) string {
	return filepath.Join(d.path, folders[r.Kind], fileName{
		name: encodeName(r.Name), mark: encode(r.Mark), version: r.Version, encrypted: len(d.recipients) > 0,
	}.String())
}

// files gives the files of an object, of any organization, in the order of their versions.
func (d *Dir) files(kind, name string) ([]fileName, error) {
	entries, err := os.ReadDir(filepath.Join(d.path, folders[kind]))
	if err != nil {
		return nil, err
	}
	var out []fileName
	for _, entry := range entries {
		if f, ok := parseFileName(entry.Name()); ok && f.name == encodeName(name) {
			out = append(out, f)
		}
	}
	slices.SortStableFunc(out, func(a, b fileName) int { return a.version - b.version })
	return out, nil
}

func (d *Dir) read(kind string, file fileName) (Record, error) {
	path := filepath.Join(d.path, folders[kind], file.String())
	data, err := store.ReadOwn(path)
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
		var encrypted bytes.Buffer
		if err := d.encrypt(&encrypted, data); err != nil {
			return "", err
		}
		data = encrypted.Bytes()
	}
	return store.WriteTemp(d.disk, filepath.Join(d.path, folders[r.Kind]), ".writing-", data)
}

// encrypt writes data that only the recipients can read.
func (d *Dir) encrypt(to io.Writer, data []byte) error {
	w, err := age.Encrypt(to, d.recipients...)
	if err != nil {
		return fmt.Errorf("encrypt: %w", err)
	}
	_, err = w.Write(data)
	return errors.Join(err, w.Close())
}

// Unused is a stored secret that opens nothing.
type Unused struct {
	Path   string
	Reason string // "" where the API was never seen to take the secret: left over from a creation that was refused or interrupted
}

// Unused gives the secrets of an organization that open nothing. Sealed files cannot tell and are not among them. What cannot
// be read is named by the error, and the rest is given all the same.
func (d *Dir) Unused(scope store.Scope) (unused []Unused, err error) {
	for _, kind := range slices.Sorted(maps.Keys(folders)) {
		err = errors.Join(err, d.walk(kind, func(path string, r Record) {
			if r.Scope == scope && (r.ID == "" || r.NotInForce != "") {
				unused = append(unused, Unused{Path: path, Reason: r.NotInForce})
			}
		}))
	}
	return unused, err
}

// walk gives every plain record of a kind, in the order of their names. What cannot be read is named by the error.
func (d *Dir) walk(kind string, do func(path string, r Record)) error {
	folder := filepath.Join(d.path, folders[kind])
	entries, err := os.ReadDir(folder)
	for _, entry := range entries {
		file, ok := parseFileName(entry.Name())
		if !ok || file.encrypted {
			continue
		}
		r, problem := d.read(kind, file)
		if problem != nil {
			err = errors.Join(err, problem)
			continue
		}
		do(filepath.Join(folder, entry.Name()), r)
	}
	return err
}
