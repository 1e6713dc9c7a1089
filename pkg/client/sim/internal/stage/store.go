package stage

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Memory is the file name that keeps no state.
const Memory = ":memory:"

// Format is the version of the state files.
const Format = 1

// Head opens every state file.
type Head struct {
	Format int `json:"format"`
	// API tells the files of one simulator from those of another. Those of ClickHouse Cloud are older than the field.
	API string `json:"api,omitempty"`
}

// File is a state file; the zero value keeps nothing.
type File struct{ path string }

// FileAt is the file of a name, which Memory makes none.
func FileAt(name string) File {
	if name == Memory {
		return File{}
	}
	return File{path: behindLinks(name)}
}

// behindLinks is where the links that a file may be lead, so that what replaces it does not replace them.
func behindLinks(file string) string {
	const most = 40
	for range most {
		target, err := os.Readlink(file)
		if err != nil {
			break // no link, or nothing yet
		}
		if !filepath.IsAbs(target) {
			target = filepath.Join(filepath.Dir(file), target)
		}
		file = target
	}
	return file
}

// ReadState reads the state file of an API into a value. name is how the user calls it.
func ReadState(name, api string, into any) error {
	data, err := os.ReadFile(name) //nolint:gosec // the user names the file
	if err != nil {
		return err
	}
	var head Head
	if err := json.Unmarshal(data, &head); err != nil {
		return fmt.Errorf("%s is not a sandbox state file: %w", name, err)
	}
	if head.API != api {
		return fmt.Errorf("%s is the state of another API's sandbox", name)
	}
	if head.Format != Format {
		return fmt.Errorf("%s is not a sandbox state file of format %d but of %d", name, Format, head.Format)
	}
	if err := DecodeStrict(data, into); err != nil {
		return fmt.Errorf("%s is a damaged sandbox state file: %w", name, err)
	}
	return nil
}

// Write replaces the file, atomically and with mode 0600: it holds the caller's secret in plain text, and the organization is a toy.
func (f File) Write(value any) error {
	if f.path == "" {
		return nil
	}
	data, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("encode sandbox state: %w", err)
	}
	temp, err := os.CreateTemp(filepath.Dir(f.path), filepath.Base(f.path)+".*") // CreateTemp makes files of mode 0600
	if err != nil {
		return fmt.Errorf("write sandbox state: %w", err)
	}
	_, err = temp.Write(append(data, '\n'))
	err = errors.Join(err, temp.Close())
	if err == nil {
		err = os.Rename(temp.Name(), f.path)
	}
	if err != nil {
		return fmt.Errorf("write sandbox state: %w", errors.Join(err, os.Remove(temp.Name())))
	}
	return nil
}
