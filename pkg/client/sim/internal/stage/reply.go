package stage

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
)

const (
	controlPrefix = "/_sandbox"
	maxBody       = 16 << 20
)

// Loopback is the address of a caller in process.
var Loopback = netip.AddrFrom4([4]byte{127, 0, 0, 1})

// ErrBodyTooLarge says that a request body was not read to its end.
var ErrBodyTooLarge = errors.New("request body is larger than " + strconv.Itoa(maxBody) + " bytes")

// Reply is an answer before it meets a connection: over HTTP and in process it is realised in different ways.
type Reply struct {
	Status int
	Header http.Header
	Body   []byte
	// Cut drops the connection instead of answering; Truncated drops it halfway through the body.
	Cut, Truncated bool
}

// NewReply is a reply with a body of some type.
func NewReply(status int, contentType string, body []byte) Reply {
	return Reply{Status: status, Header: http.Header{"Content-Type": {contentType}}, Body: body}
}

// JSON is a reply with a value.
func JSON(status int, value any) Reply {
	body, err := json.Marshal(value)
	if err != nil {
		return NewReply(http.StatusInternalServerError, "text/plain; charset=utf-8", []byte(err.Error()))
	}
	return NewReply(status, "application/json; charset=utf-8", body)
}

// ServeHTTP serves the API and the control API. A connection that a fault cuts is closed by panicking with
// http.ErrAbortHandler, which net/http understands.
func (s *Stage[C]) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	rep := s.serve(r, peer(r), false)
	if rep.Cut {
		panic(http.ErrAbortHandler)
	}
	for name, values := range rep.Header {
		w.Header()[name] = values
	}
	if rep.Status == http.StatusNoContent {
		w.WriteHeader(rep.Status)
		return
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(rep.Body)))
	w.WriteHeader(rep.Status)
	if rep.Truncated {
		_, _ = w.Write(rep.Body[:len(rep.Body)/2])
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
	_, _ = w.Write(rep.Body) // a client that has gone is no concern of the server
}

func peer(r *http.Request) netip.Addr {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return Loopback
	}
	return addr
}

// Transport serves requests in process: no sockets, no goroutines, and therefore usable within testing/synctest. The host of
// the request URL does not matter. It honours the request's context and realises connection-level faults as
// io.ErrUnexpectedEOF, from RoundTrip or from reading the body.
func (s *Stage[C]) Transport() http.RoundTripper { return transport(s.serve) }

type transport func(r *http.Request, ip netip.Addr, inProcess bool) Reply

func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		defer func() { _ = r.Body.Close() }()
	}
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	rep := t(r, Loopback, true)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	if rep.Cut {
		return nil, io.ErrUnexpectedEOF
	}
	var body io.Reader = bytes.NewReader(rep.Body)
	if rep.Truncated {
		body = io.MultiReader(bytes.NewReader(rep.Body[:len(rep.Body)/2]), cutReader{})
	}
	return &http.Response{
		Status:     fmt.Sprintf("%d %s", rep.Status, http.StatusText(rep.Status)),
		StatusCode: rep.Status,
		Proto:      "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header:        rep.Header,
		Body:          io.NopCloser(body),
		ContentLength: int64(len(rep.Body)),
		Request:       r,
	}, nil
}

type cutReader struct{}

func (cutReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func (s *Stage[C]) serve(r *http.Request, ip netip.Addr, inProcess bool) Reply {
	path := r.URL.Path
	switch {
	case path == controlPrefix || strings.HasPrefix(path, controlPrefix+"/"):
		return s.serveControl(r, inProcess)
	case s.api.Serves(path):
		return s.serveAPI(r, ip)
	default:
		return s.api.Elsewhere()
	}
}

// ReadBody reads a request body of reasonable size.
func ReadBody(r *http.Request) ([]byte, error) {
	if r.Body == nil || r.Body == http.NoBody {
		return nil, nil
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil {
		return nil, fmt.Errorf("read request body: %w", err)
	}
	if len(body) > maxBody {
		return nil, ErrBodyTooLarge
	}
	return body, nil
}
