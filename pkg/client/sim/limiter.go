package sim

import (
	"net/http"
	"time"
)

// window is a fixed rate-limit window of one key. It opens with the first request after the previous one has passed.
type window struct {
	opened time.Time
	used   int
}

// limit counts a request of the key that hashes to keyHash. Refused requests do not count.
func (s *Server) limit(keyHash string, now time.Time) error {
	limit := s.cfg.RateLimit
	if limit.Requests == 0 {
		return nil
	}
	w, ok := s.windows[keyHash]
	if !ok || now.Sub(w.opened) >= limit.Window {
		w = window{opened: now}
	}
	if w.used >= limit.Requests {
		return &apiError{
			status:     http.StatusTooManyRequests,
			text:       "TOO_MANY_REQUESTS: rate limit exceeded",
			resetAfter: w.opened.Add(limit.Window).Sub(now).Seconds(),
		}
	}
	w.used++
	s.windows[keyHash] = w
	return nil
}
