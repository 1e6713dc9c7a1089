package openapitest

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// apiPrefix is what the document describes; other paths are not the API's.
const apiPrefix = "/v1"

// Middleware checks every exchange under /v1 that next completes, and reports each violation. An exchange that next aborts by
// panicking is not checked.
func (c *Checker) Middleware(next http.Handler, report func(error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, apiPrefix) {
			next.ServeHTTP(w, r)
			return
		}
		request, err := io.ReadAll(r.Body)
		if err != nil {
			report(fmt.Errorf("%s %s: read request: %w", r.Method, r.URL.Path, err))
		}
		r.Body = io.NopCloser(bytes.NewReader(request))
		tee := &recorder{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(tee, r)
		c.report(exchange{
			method: r.Method, url: r.URL, requestType: r.Header.Get("Content-Type"), request: request,
			status: tee.status, replyType: w.Header().Get("Content-Type"), reply: tee.body.Bytes(),
		}, report)
	})
}

// recorder keeps what passes through it.
type recorder struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

func (r *recorder) WriteHeader(status int) {
	r.status = status
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(data []byte) (int, error) {
	r.body.Write(data)
	return r.ResponseWriter.Write(data)
}

// Unwrap lets http.ResponseController reach the connection.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// RoundTripper checks every exchange under /v1 that next completes, and reports each violation. A reply that breaks off is
// passed on as it came and not checked.
func (c *Checker) RoundTripper(next http.RoundTripper, report func(error)) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		if !strings.HasPrefix(r.URL.Path, apiPrefix) {
			return next.RoundTrip(r)
		}
		var request []byte
		if r.Body != nil {
			data, err := io.ReadAll(r.Body)
			_ = r.Body.Close() // a RoundTripper closes the body, whatever comes of it
			if err != nil {
				return nil, err
			}
			request = data
			r = r.Clone(r.Context())
			r.Body = io.NopCloser(bytes.NewReader(request))
		}
		response, err := next.RoundTrip(r)
		if err != nil {
			return response, err
		}
		reply, err := io.ReadAll(response.Body)
		if err != nil {
			response.Body = partial{io.MultiReader(bytes.NewReader(reply), failing{err}), response.Body}
			return response, nil
		}
		response.Body = partial{bytes.NewReader(reply), response.Body}
		c.report(exchange{
			method: r.Method, url: r.URL, requestType: r.Header.Get("Content-Type"), request: request,
			status: response.StatusCode, replyType: response.Header.Get("Content-Type"), reply: reply,
		}, report)
		return response, nil
	})
}

func (c *Checker) report(x exchange, report func(error)) {
	for _, violation := range c.check(x) {
		report(violation)
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// partial reads from one place and closes another.
type partial struct {
	io.Reader
	io.Closer
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }
