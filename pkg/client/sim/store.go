package sim

import (
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/orgctl/orgctl/pkg/client/sim/internal/stage"
)

// stateFile is what a sandbox keeps. It holds the caller's secret in plain text: the file is 0600 and the organization a toy.
type stateFile struct {
	stage.Head
	Credentials Credentials    `json:"credentials"`
	ClockOffset stage.Duration `json:"clockOffset"`
	State       *state         `json:"state"`
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
	s.file = stage.FileAt(file)
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
	s.Advance(time.Duration(kept.ClockOffset))
	s.caller, s.current = kept.Credentials, kept.State
	s.past = []version{{at: s.Now(), st: s.current}}
	return s, nil
}

func readState(file string) (*stateFile, error) {
	var kept stateFile
	if err := stage.ReadState(file, "", &kept); err != nil {
		return nil, err
	}
	if kept.State == nil || kept.State.Organization.ID == "" || kept.State.roleNamed(roleAdmin) == nil || kept.Credentials.KeyID == "" {
		return nil, fmt.Errorf("%s is a damaged sandbox state file: it holds no organization", file)
	}
	return &kept, nil
}

// save writes a state to the file, if there is one, before it becomes the current one.
func (s *Server) save(st *state) error {
	return s.file.Write(stateFile{stage.Head{Format: stage.Format}, s.caller, stage.Duration(s.Offset()), st})
}
