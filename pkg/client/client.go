// Package client is the transport to an organization API: authentication, base URL, pacing, retries by meaning, typed errors,
// and a redacted debug log. What APIs do differently is in a Dialect.
//
// It knows no API and no resource (see its subpackages), waits for no state, caches nothing, and never sends a write again whose
// outcome it does not know: Ambiguous tells such errors from the rest, and what to do about them is its caller's decision.
package client

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Client sends requests to one API with one key. It is safe for concurrent use.
type Client struct {
	dialect     Dialect
	base        string // without the dialect's version and without a trailing slash
	credentials Credentials
	options     options
	limiter     *Limiter
	mask        mask
	bodies      budget
	debugMu     sync.Mutex // keeps the lines of concurrent requests apart

	requests, retries, throttled atomic.Int64
	serverTime                   atomic.Int64 // Unix seconds, 0 as long as no answer said
}

// New returns a Client for the API at baseURL, which may end in the dialect's version or a slash. Plain http is refused except
// to loopback.
func New(d Dialect, baseURL string, cred Credentials, opts ...Option) (*Client, error) {
	base, err := d.parseBaseURL(baseURL)
	if err != nil {
		return nil, fmt.Errorf("API URL: %w", err)
	}
	if err := d.Scheme.check(cred); err != nil {
		return nil, err
	}
	o := defaultOptions(d.Rate)
	for _, opt := range opts {
		opt(&o)
	}
	if err := o.rate.validate(); err != nil {
		return nil, err
	}
	if o.transport == nil {
		o.transport = defaultTransport()
	}
	limiter := NewLimiter(o.rate, o.tick)
	if o.sends != nil {
		limiter.Resume(o.sends)
	}
	return &Client{
		dialect: d, base: base, credentials: cred, options: o, limiter: limiter, mask: newMask(cred), bodies: budget{limit: maxBody},
	}, nil
}

// Limiter returns the pacer of this client's sends, for whatever else uses the same API key.
func (c *Client) Limiter() *Limiter { return c.limiter }

// Stats counts what a Client has done so far.
type Stats struct {
	Requests     int           // sends, retries included
	Retries      int           // sends after the first one of a request
	Throttled    int           // answers with status 429
	ThrottledFor time.Duration // pauses those answers asked for, overlaps counted once
}

// Stats returns the counters at this moment.
func (c *Client) Stats() Stats {
	return Stats{
		Requests:     int(c.requests.Load()),
		Retries:      int(c.retries.Load()),
		Throttled:    int(c.throttled.Load()),
		ThrottledFor: c.limiter.pausedFor(),
	}
}

// ServerTime is when the API gave its last successful answer by its own clock, in whole seconds (the Date header, FACTS 1.2). It is the zero Time as
// long as no answer said. What has expired is for that clock to say: ours may be wrong.
func (c *Client) ServerTime() time.Time {
	at := c.serverTime.Load()
	if at == 0 {
		return time.Time{}
	}
	return time.Unix(at, 0).UTC()
}

// Notice says that a try failed and that another one follows.
type Notice struct {
	Method    string
	Path      string
	Attempt   int           // the try that failed, from 1
	Wait      time.Duration // before the next try, at least
	Throttled bool          // the API asked for the wait; every other request waits too
	Cause     error         // see Cause
}

// Option sets an optional property of a Client.
type Option func(*options)

type options struct {
	transport http.RoundTripper
	userAgent string
	rate      Rate
	sends     io.ReadWriteSeeker
	debug     io.Writer
	tick      time.Duration
	notify    func(context.Context, Notice)
	held      func(context.Context, bool)
	timeout   time.Duration
	readOnly  bool
}

func defaultOptions(rate Rate) options {
	return options{
		userAgent: "orgctl", rate: rate, tick: time.Second, timeout: writeTimeout,
		notify: func(context.Context, Notice) {}, held: func(context.Context, bool) {},
	}
}

// WithTransport sends through rt; the default honours HTTPS_PROXY and NO_PROXY and verifies certificates.
func WithTransport(rt http.RoundTripper) Option { return func(o *options) { o.transport = rt } }

// WithUserAgent sets the User-Agent, which an API may keep in its activity log. The form is "orgctl/VERSION (run MARK)",
// where the mark is of one run.
func WithUserAgent(ua string) Option { return func(o *options) { o.userAgent = ua } }

// WithRate paces sends; the default is that of the dialect, the zero Rate is no limit.
func WithRate(r Rate) Option { return func(o *options) { o.rate = r } }

// WithSends keeps the times of sends in a file for the next process that uses the same key at the same API, and begins with
// those that are in it, whatever it holds. The file stays in use as long as the Client.
func WithSends(file io.ReadWriteSeeker) Option { return func(o *options) { o.sends = file } }

// WithDebug writes one line per request and one per answer to w, with bodies redacted by field name.
func WithDebug(w io.Writer) Option { return func(o *options) { o.debug = w } }

// WithTick lets a second of every wait (pacing, pauses, backoff; not timeouts) last d. The default is a second.
func WithTick(d time.Duration) Option { return func(o *options) { o.tick = d } }

// WithNotify calls f before every retry, with the context of the request and possibly from several goroutines at once.
func WithNotify(f func(context.Context, Notice)) Option { return func(o *options) { o.notify = f } }

// WithHeld calls f with true when a request has to wait for its turn within the rate, and with false once it waits no more: it
// is sent then, or given up. f gets the context of the request, possibly from several goroutines at once.
func WithHeld(f func(ctx context.Context, held bool)) Option { return func(o *options) { o.held = f } }

// WithTimeout bounds one send and the reading of its answer, waits for the limiter not included. The default is 5 minutes;
// reads get a minute at most, since they can be repeated while a write that is given up leaves its outcome unknown.
func WithTimeout(d time.Duration) Option { return func(o *options) { o.timeout = d } }

// ReadOnly makes every method but GET fail with ErrReadOnly before anything is sent.
func ReadOnly() Option { return func(o *options) { o.readOnly = true } }

func defaultTransport() http.RoundTripper {
	t, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		return http.DefaultTransport // replaced by an instrumented one
	}
	t = t.Clone()
	// A plan reads all collections side by side; the default of 2 would close most of those connections again.
	t.MaxIdleConnsPerHost = 16
	return t
}
