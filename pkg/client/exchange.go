package client

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-retryablehttp"
)

const (
	readTimeout  = time.Minute
	writeTimeout = 5 * time.Minute

	// maxBody is what all answers that are handled at one time may hold together: several times the list of 10,000 services with
	// 100 IP access entries each, and below what hurts a CI runner.
	maxBody = 256 << 20
)

// exchange is one request with all its tries. It is the http.RoundTripper of each try and the retry policy between them.
//
// A try reads and checks the whole body before it returns, so that retryablehttp, which returns as soon as it has the
// headers, sees a body that breaks off as the failed try it is.
type exchange struct {
	client  *Client
	request Request

	body      []byte        // of the last answer
	held      share         // of the client's budget for bodies
	attempt   int           // tries so far
	failures  int           // of these, tries that ended in anything but a 429
	throttles int           // of these, tries that ended in a 429
	wait      time.Duration // before the next try
}

// run carries the exchange out. The body of the answer is left in x.body.
func (x *exchange) run(req *retryablehttp.Request) (*http.Response, error) {
	retrier := &retryablehttp.Client{
		HTTPClient:   &http.Client{Transport: x},
		RetryMax:     maxTries + maxThrottles, // checkRetry stops earlier
		CheckRetry:   x.checkRetry,
		Backoff:      x.backoff,
		ErrorHandler: retryablehttp.PassthroughErrorHandler,
	}
	resp, err := retrier.Do(req)
	if err == nil {
		return resp, nil
	}
	if e, ok := errors.AsType[*ReplyError](err); ok {
		return nil, e
	}
	if e, ok := errors.AsType[*NetworkError](err); ok {
		return nil, e
	}
	// Cancelled between two tries: the last one is known not to have been executed, or there would not be another.
	return nil, x.unsent(err)
}

// RoundTrip makes one try, once the retry policy and the limiter let it. Its errors are *NetworkError and *ReplyError.
func (x *exchange) RoundTrip(req *http.Request) (*http.Response, error) {
	c := x.client
	if err := x.hold(req.Context()); err != nil {
		return nil, x.unsent(err)
	}
	x.attempt++
	c.requests.Add(1)
	if x.attempt > 1 {
		c.retries.Add(1)
	}
	c.logRequest(x, req)
	started := time.Now()
	resp, body, err := x.send(req)
	c.logResponse(x, resp, body, err, time.Since(started))
	if err != nil {
		return nil, err
	}
	if resp.StatusCode == http.StatusTooManyRequests {
		c.throttled.Add(1)
	}
	return resp, nil
}

// send does the input and output of one try.
func (x *exchange) send(req *http.Request) (*http.Response, []byte, error) {
	timeout := x.client.options.timeout
	if !isWrite(x.request.Method) {
		timeout = min(timeout, readTimeout)
	}
	ctx, cancel := context.WithTimeout(req.Context(), timeout)
	defer cancel()
	var conn connection
	resp, err := x.client.options.transport.RoundTrip(req.WithContext(httptrace.WithClientTrace(ctx, conn.trace())))
	if err != nil {
		return nil, nil, x.networkError(explainTimeout(req.Context(), ctx, timeout, err), conn.mayHaveSent(err))
	}
	defer func() { _ = resp.Body.Close() }()
	x.held.giveBack() // of the try before
	body, err := io.ReadAll(x.held.reader(resp.Body))
	if errors.Is(err, errTooLarge) {
		return resp, nil, x.client.replyError(x.request, resp.StatusCode, fmt.Sprintf("with the other answers of the moment it is larger than %d MiB", maxBody>>20))
	}
	body = x.client.mask.body(body)
	// Of an error, the status says enough, whatever became of its text.
	if err != nil && isSuccess(resp.StatusCode) {
		err = fmt.Errorf("read answer: %w", explainTimeout(req.Context(), ctx, timeout, err))
		return resp, body, x.networkError(err, true)
	}
	if err := x.checkReply(resp, body); err != nil {
		return resp, body, err
	}
	if at, err := http.ParseTime(resp.Header.Get("Date")); err == nil && isSuccess(resp.StatusCode) {
		x.client.serverTime.Store(at.Unix())
	}
	x.body, resp.Body = body, http.NoBody // or it would be copied once more
	return resp, body, nil
}

// checkReply refuses what the API itself would not say.
func (x *exchange) checkReply(resp *http.Response, body []byte) error {
	d := x.client.dialect
	status := resp.StatusCode
	e := x.client.replyError(x.request, status, "")
	switch {
	// Following it would send the key elsewhere, or turn a write into a read.
	case status >= 300 && status < 400:
		e.Reason = "redirect to " + oneLine(x.client.mask.text(resp.Header.Get("Location")), maxMessage) + " not followed"
		e.Hint = d.WrongURL
	// A page with status 404 or 403 says nothing about the object or the key asked about.
	case !outcomeUnknown(status) && status != http.StatusTooManyRequests && isMarkup(body):
		e.Reason = "the answer is a web page (HTML or XML) instead of JSON"
		e.Hint = d.WrongURL
	case !isSuccess(status) || x.request.Answer != JSON:
		return nil
	case len(bytes.TrimSpace(body)) == 0 && isWrite(x.request.Method):
		return nil
	case !d.Form.holds(body):
		e.Reason = "the answer is not " + string(d.Form)
		e.Hint = d.WrongURL
		e.retryable = true
	default:
		return nil
	}
	return e
}

func (x *exchange) networkError(err error, sent bool) *NetworkError {
	return &NetworkError{Method: x.request.Method, Path: x.request.Path, Sent: sent, Err: x.client.mask.err(err)}
}

// unsent is the error of a try that was not made since its context ended or the run was stopped, with what came before.
func (x *exchange) unsent(err error) *NetworkError {
	if x.throttles > 0 {
		err = fmt.Errorf("refused by the rate limit (429) and not sent again: %w", err)
	}
	return &NetworkError{Method: x.request.Method, Path: x.request.Path, Err: err, stopped: true}
}

// explainTimeout names the limit of one try where err comes from it rather than from the caller's context.
func explainTimeout(caller, try context.Context, timeout time.Duration, err error) error {
	if caller.Err() == nil && try.Err() != nil {
		return fmt.Errorf("no complete answer within %s: %w", timeout, try.Err())
	}
	return err
}

// connection observes whether a try got as far as a connection. It is written by the transport's goroutines.
type connection struct{ wanted, got atomic.Bool }

func (c *connection) trace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		GetConn: func(string) { c.wanted.Store(true) },
		GotConn: func(httptrace.GotConnInfo) { c.got.Store(true) },
	}
}

// mayHaveSent reports whether a try that failed with err may have reached the server. Name resolution, dialling, a proxy's
// refusal and the TLS handshake all come before there is a connection to send on. A transport that reports no connections
// at all (an in-process one) can show that much only by the error.
func (c *connection) mayHaveSent(err error) bool {
	if c.wanted.Load() && !c.got.Load() {
		return false
	}
	op, ok := errors.AsType[*net.OpError](err)
	return !ok || op.Op != "dial"
}
