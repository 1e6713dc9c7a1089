package stage

import (
	"encoding/json"
	"fmt"
	"time"
)

// RateLimit allows Requests per key in a fixed Window that opens with the first request. The zero value limits nothing.
type RateLimit struct {
	Requests int
	Window   time.Duration
}

type rateLimitJSON struct {
	Requests int      `json:"requests"`
	Window   Duration `json:"window"`
}

// MarshalJSON writes {"requests": N, "window": "10s"}.
func (r RateLimit) MarshalJSON() ([]byte, error) {
	return json.Marshal(rateLimitJSON{r.Requests, Duration(r.Window)})
}

// UnmarshalJSON reads what MarshalJSON writes.
func (r *RateLimit) UnmarshalJSON(data []byte) error {
	var j rateLimitJSON
	if err := DecodeStrict(data, &j); err != nil {
		return err
	}
	r.Requests, r.Window = j.Requests, time.Duration(j.Window)
	return nil
}

// Validate refuses what is no limit.
func (r RateLimit) Validate() error {
	if r.Requests < 0 || (r.Requests > 0 && r.Window <= 0) {
		return fmt.Errorf("rateLimit: %d requests per %s is not a limit", r.Requests, r.Window)
	}
	return nil
}

// window is a fixed rate-limit window of one key. It opens with the first request after the previous one has passed.
type window struct {
	opened time.Time
	used   int
}

// Limiter counts the requests of keys.
type Limiter map[string]window

// Take counts a request of a key. Where that is one too many, it gives the time until the window ends, and does not count it.
func (l Limiter) Take(key string, limit RateLimit, now time.Time) (wait time.Duration, exceeded bool) {
	if limit.Requests == 0 {
		return 0, false
	}
	w, ok := l[key]
	if !ok || now.Sub(w.opened) >= limit.Window {
		w = window{opened: now}
	}
	if w.used >= limit.Requests {
		return w.opened.Add(limit.Window).Sub(now), true
	}
	w.used++
	l[key] = w
	return 0, false
}
