package sim

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Memory is the file name that keeps no state.
const Memory = ":memory:"

// stateFormat is the version of the state file.
const stateFormat = 1

// stateFile is what a sandbox keeps. It holds the caller's secret in plain text: the file is 0600 and the organization a toy.
type stateFile struct {
	Format      int          `json:"format"`
	Credentials Credentials  `json:"credentials"`
	ClockOffset jsonDuration `json:"clockOffset"`
	State       *state       `json:"state"`
}

// Open is New with the state kept in a file, which is written atomically, with mode 0600, after each request that changes
// something. A file that does not exist begins as a fresh organization and is written at once; Memory keeps nothing. One
// process at a time may have a file open: of two, the later to write wins.
func Open(file string, cfg Config, opts ...Option) (*Server, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("open sandbox: %w", err)
	}
	s := New(cfg, opts...)
	if file == Memory {
		return s, nil
	}
	s.file = behindLinks(file)
	kept, err := readState(file)
	if errors.Is(err, fs.ErrNotExist) {
		if err := s.save(s.current); err != nil {
			return nil, fmt.Errorf("open sandbox: %w", err)
		}
		return s, nil
	}
	if err != nil {
		return nil, fmt.Errorf("open sandbox: %w", err)
	}
	s.caller, s.offset, s.current = kept.Credentials, time.Duration(kept.ClockOffset), kept.State
	s.past = []version{{at: s.now(), st: s.current}}
	return s, nil
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

func readState(file string) (*stateFile, error) {
	data, err := os.ReadFile(file) //nolint:gosec // the user names the file
	if err != nil {
		return nil, err
	}
	var head struct {
		Format int `json:"format"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return nil, fmt.Errorf("%s is not a sandbox state file: %w", file, err)
	}
	if head.Format != stateFormat {
		return nil, fmt.Errorf("%s is not a sandbox state file of format %d but of %d", file, stateFormat, head.Format)
	}
	var kept stateFile
	if err := decodeStrict(data, &kept); err != nil {
		return nil, fmt.Errorf("%s is a damaged sandbox state file: %w", file, err)
	}
	if kept.State == nil || kept.State.Organization.ID == "" || kept.State.roleNamed(roleAdmin) == nil || kept.Credentials.KeyID == "" {
		return nil, fmt.Errorf("%s is a damaged sandbox state file: it holds no organization", file)
	}
	return &kept, nil
}

// save writes a state to the file, if there is one, before it becomes the current one.
func (s *Server) save(st *state) error {
	if s.file == "" {
		return nil
	}
	data, err := json.Marshal(stateFile{stateFormat, s.caller, jsonDuration(s.offset), st})
	if err != nil {
		return fmt.Errorf("encode sandbox state: %w", err)
	}
	temp, err := os.CreateTemp(filepath.Dir(s.file), filepath.Base(s.file)+".*") // CreateTemp makes files of mode 0600
	if err != nil {
		return fmt.Errorf("write sandbox state: %w", err)
	}
	_, err = temp.Write(append(data, '\n'))
	err = errors.Join(err, temp.Close())
	if err == nil {
		err = os.Rename(temp.Name(), s.file)
	}
	if err != nil {
		return fmt.Errorf("write sandbox state: %w", errors.Join(err, os.Remove(temp.Name())))
	}
	return nil
}
