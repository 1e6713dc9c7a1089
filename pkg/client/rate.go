package client

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// maxRateRequests bounds the memory of a limiter, which remembers that many send times.
const maxRateRequests = 100_000

// Rate is a request budget: at most Requests in any Window. The zero Rate is no limit.
type Rate struct {
	Requests int
	Window   time.Duration
}

// ParseRate reads the form REQUESTS/WINDOW, such as "100/10s"; the window is a Go duration. Both parts must be positive.
func ParseRate(s string) (Rate, error) {
	requests, window, found := strings.Cut(s, "/")
	n, errN := strconv.Atoi(requests)
	w, errW := time.ParseDuration(window)
	rate := Rate{Requests: n, Window: w}
	if !found || errN != nil || errW != nil || rate == (Rate{}) || rate.validate() != nil {
		return Rate{}, fmt.Errorf("parse rate %q: want REQUESTS/WINDOW with both positive and at most %d requests, such as 10/10s", s, maxRateRequests)
	}
	return rate, nil
}

// String is the form ParseRate reads, or "unlimited".
func (r Rate) String() string {
	if r == (Rate{}) {
		return "unlimited"
	}
	return fmt.Sprintf("%d/%s", r.Requests, r.Window)
}

func (r Rate) validate() error {
	if r == (Rate{}) {
		return nil
	}
	if r.Requests < 1 || r.Requests > maxRateRequests || r.Window <= 0 {
		return fmt.Errorf("rate %d per %s: both must be positive, with at most %d requests", r.Requests, r.Window, maxRateRequests)
	}
	return nil
}
