package client

import (
	"errors"
	"io"
	"sync/atomic"
)

// budget bounds what the answers that are handled at one time may hold together: a small one can unfold to a large one.
type budget struct {
	limit int64
	held  atomic.Int64
}

var errTooLarge = errors.New("too large")

// share is what one answer holds of a budget.
type share struct {
	of   *budget
	held int64
}

// reader takes what it reads from the budget, and ends with errTooLarge where there is none left.
func (s *share) reader(from io.Reader) io.Reader { return sharedReader{from, s} }

func (s *share) giveBack() {
	s.of.held.Add(-s.held)
	s.held = 0
}

type sharedReader struct {
	from  io.Reader
	share *share
}

func (r sharedReader) Read(p []byte) (int, error) {
	n, err := r.from.Read(p)
	r.share.held += int64(n)
	if r.share.of.held.Add(int64(n)) > r.share.of.limit {
		return n, errTooLarge
	}
	return n, err
}
