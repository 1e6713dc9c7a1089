package sim

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

const (
	apiPrefix     = "/v1"
	controlPrefix = "/_sandbox"
	maxBody       = 16 << 20
)

// reply is an answer before it meets a connection: ServeHTTP and Transport realise it each in their own way.
type reply struct {
	status int
	header http.Header
	body   []byte
	// cut drops the connection instead of answering; truncated drops it halfway through the body.
	cut, truncated bool
}

func newReply(status int, contentType string, body []byte) reply {
	return reply{status: status, header: http.Header{"Content-Type": {contentType}}, body: body}
}

// ServeHTTP serves the API under /v1 and the control API under /_sandbox. A connection that a fault cuts is closed by
// panicking with http.ErrAbortHandler, which net/http understands.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	rep := s.serve(r, peer(r), false)
	if rep.cut {
		panic(http.ErrAbortHandler)
	}
	for name, values := range rep.header {
		w.Header()[name] = values
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(rep.body)))
	w.WriteHeader(rep.status)
	if rep.truncated {
		_, _ = w.Write(rep.body[:len(rep.body)/2])
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
	_, _ = w.Write(rep.body) // a client that has gone is no concern of the server
}

func peer(r *http.Request) netip.Addr {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return loopback
	}
	return addr
}

var loopback = netip.AddrFrom4([4]byte{127, 0, 0, 1})

// Transport serves requests in process: no sockets, no goroutines, and therefore usable within testing/synctest. The host of
// the request URL does not matter. It honours the request's context and realises connection-level faults as
// io.ErrUnexpectedEOF, from RoundTrip or from reading the body.
func (s *Server) Transport() http.RoundTripper { return transport{s} }

type transport struct{ server *Server }

func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		defer func() { _ = r.Body.Close() }()
	}
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	rep := t.server.serve(r, loopback, true)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	if rep.cut {
		return nil, io.ErrUnexpectedEOF
	}
	var body io.Reader = bytes.NewReader(rep.body)
	if rep.truncated {
		body = io.MultiReader(bytes.NewReader(rep.body[:len(rep.body)/2]), cutReader{})
	}
	return &http.Response{
		Status:     fmt.Sprintf("%d %s", rep.status, http.StatusText(rep.status)),
		StatusCode: rep.status,
		Proto:      "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header:        rep.header,
		Body:          io.NopCloser(body),
		ContentLength: int64(len(rep.body)),
		Request:       r,
	}, nil
}

type cutReader struct{}

func (cutReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func (s *Server) serve(r *http.Request, ip netip.Addr, inProcess bool) reply {
	path := r.URL.Path
	switch {
	case path == controlPrefix || strings.HasPrefix(path, controlPrefix+"/"):
		return s.serveControl(r, inProcess)
	case path == apiPrefix || strings.HasPrefix(path, apiPrefix+"/"):
		return s.serveAPI(r, ip)
	default:
		return newReply(http.StatusNotFound, "text/html; charset=utf-8",
			[]byte("<!DOCTYPE html>\n<html><head><title>404 Not Found</title></head><body><h1>Not Found</h1></body></html>\n"))
	}
}

// serveAPI carries one request through its life: fault chosen, latency, execution, fault realised, log.
func (s *Server) serveAPI(r *http.Request, ip netip.Addr) reply {
	ctx := r.Context()
	body, bodyErr := readBody(r)

	s.mu.Lock()
	s.count++
	n := s.count
	entry := Request{
		N: n, At: s.now(), Method: r.Method, Path: r.URL.EscapedPath(), Query: r.URL.RawQuery,
		UserAgent: r.UserAgent(), Body: redacted(body),
	}
	fault := s.chooseFault(r.Method, entry.Path)
	latency := s.cfg.Delays.Latency
	s.mu.Unlock()

	if fault != nil {
		entry.Fault = fault.Kind
	}
	if keyID, _, ok := r.BasicAuth(); ok {
		entry.KeySuffix = suffix(keyID)
	}
	if s.hook != nil {
		s.hook("before", n, r)
	}
	rep := s.executed(ctx, r, body, bodyErr, ip, fault, latency)
	if s.hook != nil {
		s.hook("after", n, r)
	}
	if !rep.cut {
		entry.Status = rep.status
		rep.header.Set("Date", s.time().Format(http.TimeFormat))
	}
	s.record(entry)
	return rep
}

// executed answers the request as the fault, if any, would have it.
func (s *Server) executed(ctx context.Context, r *http.Request, body []byte, bodyErr error, ip netip.Addr, fault *Fault, latency time.Duration) reply {
	if err := pause(ctx, latency); err != nil {
		return reply{cut: true} // the client has gone; nothing was executed
	}
	if fault != nil {
		if rep, instead := fault.before(); instead {
			return rep
		}
	}
	rep := s.execute(r, body, bodyErr, ip)
	if fault == nil {
		return rep
	}
	if fault.Kind == FaultSlow {
		if err := pause(ctx, fault.Delay); err != nil {
			return reply{cut: true} // executed, and the client did not wait for the answer
		}
	}
	return fault.after(rep)
}

func pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

func readBody(r *http.Request) ([]byte, error) {
	if r.Body == nil || r.Body == http.NoBody {
		return nil, nil
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil {
		return nil, fmt.Errorf("read request body: %w", err)
	}
	if len(body) > maxBody {
		return nil, refuse(http.StatusRequestEntityTooLarge, "request body is larger than %d bytes", maxBody)
	}
	return body, nil
}

// execute handles one request under the lock, so requests take effect one after the other.
func (s *Server) execute(r *http.Request, body []byte, bodyErr error, ip netip.Addr) reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	requestID := newID()
	result, rt, err := s.dispatch(r, body, bodyErr, ip)
	if err != nil {
		return s.failure(requestID, err)
	}
	if text, ok := result.(plainText); ok {
		return newReply(http.StatusOK, "text/plain; charset=utf-8", []byte(text))
	}
	if r.Method == http.MethodDelete && s.cfg.EmptyDeleteBody {
		return newReply(http.StatusOK, "application/json; charset=utf-8", nil)
	}
	envelope := struct {
		RequestID string `json:"requestId,omitempty"`
		Result    any    `json:"result,omitempty"`
		Status    int    `json:"status"`
	}{requestID, nil, http.StatusOK}
	if result != nil {
		if envelope.Result, err = s.cfg.shape(result, rt.object); err != nil {
			return s.failure(requestID, err)
		}
	}
	return jsonReply(http.StatusOK, envelope)
}

// plainText is a result that is not JSON.
type plainText string

func (s *Server) failure(requestID string, err error) reply {
	api := &apiError{status: http.StatusInternalServerError, text: err.Error()}
	if refused := (*apiError)(nil); errors.As(err, &refused) {
		api = refused
	}
	if s.cfg.OldAPI {
		requestID = ""
	}
	rep := jsonReply(api.status, struct {
		RequestID string `json:"requestId,omitempty"`
		Error     string `json:"error"`
		Status    int    `json:"status"`
	}{requestID, api.text, api.status})
	if api.status == http.StatusTooManyRequests {
		rep.header.Set("X-RateLimit-Reset", strconv.FormatFloat(api.resetAfter, 'f', 3, 64))
	}
	return rep
}

func jsonReply(status int, value any) reply {
	body, err := json.Marshal(value)
	if err != nil {
		return newReply(http.StatusInternalServerError, "text/plain; charset=utf-8", []byte(err.Error()))
	}
	return newReply(status, "application/json; charset=utf-8", body)
}
