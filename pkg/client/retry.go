package client

import (
	"context"
	"crypto/tls"
	"errors"
	"net/http"
	"strconv"
	"time"
)

// The retry policy. What a try is worth repeating for depends on its method and on the meaning of its failure:
//
//	failure                                    GET     other methods
//	refused by rate limit (429)                again   again
//	never sent (connection, DNS, handshake)    again   again
//	5xx, 408, cut or damaged answer, timeout   again   returned: it may have been executed
//	anything else                              returned
//
// One that is to be sent once is returned with every failure. After a 429 all others wait all the same.
//
// Seconds are ticks here as everywhere in this package.
const (
	maxTries = 5 // of one request, those refused by rate limit not counted

	// Being refused by rate limit is certain to be harmless, and whoever shares a key with another process is refused every
	// other time, so the patience is longer.
	maxThrottles = 20

	firstBackoff = 500 * time.Millisecond // doubled after every failure
	maxBackoff   = 10 * time.Second
	maxPause     = 120 * time.Second // the longest pause a server may ask for
)

// checkRetry implements retryablehttp.CheckRetry. It never returns an error, which would replace the one of the try.
func (x *exchange) checkRetry(ctx context.Context, resp *http.Response, err error) (bool, error) {
	if !x.worthRepeating(resp, err) {
		return false, nil
	}
	throttled := err == nil && resp.StatusCode == http.StatusTooManyRequests
	if throttled {
		x.throttles++
	} else {
		x.failures++
	}
	x.wait = x.nextWait(resp, err)
	if throttled {
		// Everybody waits, also when this request gives up.
		x.client.limiter.Pause(x.wait)
	}
	if ctx.Err() != nil || x.request.Once || x.failures >= maxTries || x.throttles >= maxThrottles {
		return false, nil
	}
	if err == nil {
		err = &Error{Status: resp.StatusCode}
	}
	x.client.options.notify(ctx, Notice{
		Method: x.request.Method, Path: x.request.Path, Attempt: x.attempt, Wait: x.wait, Throttled: throttled, Cause: Cause(err),
	})
	if throttled {
		x.wait = 0 // the limiter keeps it back, at its place in the queue
	}
	return true, nil
}

// instant is the little that retryablehttp waits between two tries: hold does the waiting, which can be ended there. It is not
// zero: Go 1.26's race detector can crash on a timer that has expired when it is made, within a synctest bubble.
const instant = time.Nanosecond

// backoff implements retryablehttp.Backoff.
func (x *exchange) backoff(_, _ time.Duration, _ int, _ *http.Response) time.Duration { return instant }

func (x *exchange) worthRepeating(resp *http.Response, err error) bool {
	repeatable := !isWrite(x.request.Method)
	if err == nil {
		return resp.StatusCode == http.StatusTooManyRequests || (repeatable && outcomeUnknown(resp.StatusCode))
	}
	if e, ok := errors.AsType[*NetworkError](err); ok {
		// A certificate does not become valid by asking again.
		_, badCertificate := errors.AsType[*tls.CertificateVerificationError](err)
		return (repeatable || !e.Sent) && !badCertificate && !e.stopped
	}
	e, ok := errors.AsType[*ReplyError](err)
	return ok && repeatable && e.retryable
}

// nextWait returns what the server asks for, within bounds, or else the next step of the backoff.
func (x *exchange) nextWait(resp *http.Response, err error) time.Duration {
	if err == nil {
		if d, ok := requestedPause(resp.Header); ok {
			return scale(min(d, maxPause), x.client.options.tick)
		}
	}
	steps := x.failures + x.throttles - 1
	return scale(min(firstBackoff<<steps, maxBackoff), x.client.options.tick)
}

// requestedPause reads X-RateLimit-Reset (seconds from now, possibly fractional) and
// Retry-After (seconds or a date).
func requestedPause(h http.Header) (time.Duration, bool) {
	for _, name := range []string{"X-RateLimit-Reset", "Retry-After"} {
		if s, err := strconv.ParseFloat(h.Get(name), 64); err == nil && s >= 0 {
			// Bounded here already, because a huge number would overflow.
			return time.Duration(min(s, maxPause.Seconds()) * float64(time.Second)), true
		}
	}
	at, err := http.ParseTime(h.Get("Retry-After"))
	if err != nil {
		return 0, false
	}
	// The server's own clock gives the distance, since ours may be off.
	now, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		now = time.Now()
	}
	return max(at.Sub(now), 0), true
}
