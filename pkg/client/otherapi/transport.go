package otherapi

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"math"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Fault is what goes wrong with one request.
type Fault int

const (
	// NoFault lets the request be.
	NoFault Fault = iota
	// LostRequest ends the connection before anything is done.
	LostRequest
	// LostReply ends it when everything is done.
	LostReply
	// CutReply ends it in the middle of the body, when everything is done.
	CutReply
	// ErrorBefore answers 500 and has done nothing.
	ErrorBefore
	// ErrorAfter answers 500 and has done everything.
	ErrorAfter
	// GatewayBefore is a gateway's 502 page, and nothing is done.
	GatewayBefore
	// GatewayAfter is one when everything is done.
	GatewayAfter
)

// Faults are all of them.
var Faults = []Fault{LostRequest, LostReply, CutReply, ErrorBefore, ErrorAfter, GatewayBefore, GatewayAfter}

// reply is an answer before it goes over the wire.
type reply struct {
	status int
	header http.Header
	body   []byte
	cut    bool // the body ends half way
}

var errLost = errors.New("connection reset by peer")

// ServeHTTP serves the API over a connection.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	answer, err := s.serve(r)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	for name := range answer.header {
		w.Header().Set(name, answer.header.Get(name))
	}
	if answer.cut {
		w.Header().Set("Content-Length", strconv.Itoa(len(answer.body)))
		w.WriteHeader(answer.status)
		_, _ = w.Write(answer.body[:len(answer.body)/2])
		panic(http.ErrAbortHandler)
	}
	w.WriteHeader(answer.status)
	half := len(answer.body) / 2
	_, _ = w.Write(answer.body[:half])
	if s.choices.Gzip {
		_ = http.NewResponseController(w).Flush()
	}
	_, _ = w.Write(answer.body[half:])
}

// RoundTrip serves the API in process: a Server is the transport of an http.Client.
func (s *Server) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	if s.choices.Gzip && r.Header.Get("Accept-Encoding") == "" {
		r = r.Clone(r.Context())
		r.Header.Set("Accept-Encoding", "gzip") // as net/http's own transport asks, and unpacks without a word
	}
	answer, err := s.serve(r)
	if err != nil {
		return nil, err
	}
	response := &http.Response{
		StatusCode: answer.status, Status: strconv.Itoa(answer.status) + " " + http.StatusText(answer.status),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: answer.header, Request: r, ContentLength: int64(len(answer.body)),
	}
	var body io.Reader = bytes.NewReader(answer.body)
	if answer.cut {
		body = io.MultiReader(bytes.NewReader(answer.body[:len(answer.body)/2]), failing{})
	}
	if answer.header.Get("Content-Encoding") == "gzip" {
		unzipped, err := gzip.NewReader(body)
		if err != nil {
			return nil, err
		}
		body = unzipped
		response.Header.Del("Content-Encoding")
		response.ContentLength, response.Uncompressed = -1, true
	}
	response.Body = io.NopCloser(body)
	return response, nil
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// serve does what one request asks for. The error is a connection that ended.
func (s *Server) serve(r *http.Request) (reply, error) {
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return reply{}, err
		}
	}
	path := r.URL.EscapedPath()

	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle()
	if s.Watch != nil {
		s.Watch(r.Method, path, body)
	}
	fault := NoFault
	if s.faulty != nil {
		fault = s.faulty(r.Method, path)
	}
	switch fault {
	case LostRequest:
		return reply{}, errLost
	case ErrorBefore:
		return s.failure(http.StatusInternalServerError, "Something went wrong."), nil
	case GatewayBefore:
		return s.gateway(), nil
	default:
	}
	if wait := s.overLimit(); wait > 0 {
		answer := s.failure(http.StatusTooManyRequests, "Slow down, please.")
		answer.header.Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
		return answer, nil
	}
	answer := s.respond(r, body)
	if r.Method != http.MethodGet {
		s.keepVersions()
	}
	switch fault {
	case LostReply:
		return reply{}, errLost
	case CutReply:
		answer.cut = true
	case ErrorAfter:
		return s.failure(http.StatusInternalServerError, "Something went wrong."), nil
	case GatewayAfter:
		return s.gateway(), nil
	default:
	}
	if s.choices.Gzip && strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") && len(answer.body) > 0 {
		var packed bytes.Buffer
		w := gzip.NewWriter(&packed)
		_, _ = w.Write(answer.body)
		_ = w.Close()
		answer.body = packed.Bytes()
		answer.header.Set("Content-Encoding", "gzip")
	}
	return answer, nil
}

// overLimit counts the request against the sliding window, and says how long to wait where it is full. What is refused
// does not count.
func (s *Server) overLimit() time.Duration {
	if s.choices.Burst == 0 {
		return 0
	}
	const window = 10 * time.Second
	now := time.Now()
	for len(s.admitted) > 0 && now.Sub(s.admitted[0]) >= window {
		s.admitted = s.admitted[1:]
	}
	if len(s.admitted) >= s.choices.Burst {
		s.refused++
		return window - now.Sub(s.admitted[0])
	}
	s.admitted = append(s.admitted, now)
	return 0
}

// respond admits the caller, finds the object and carries the request out.
func (s *Server) respond(r *http.Request, body []byte) reply {
	result, err := s.handle(r, body)
	if err != nil {
		var refused *problem
		if !errors.As(err, &refused) {
			refused = &problem{http.StatusInternalServerError, err.Error()}
		}
		return s.failure(refused.status, refused.text)
	}
	envelope := Object{"status": http.StatusOK, "requestId": s.org.newID()}
	if _, isDeletion := result.(deleted); !isDeletion {
		envelope["result"] = s.write(result, "")
	} else if s.choices.EmptyDelete {
		return reply{status: http.StatusOK, header: s.header("")}
	}
	return s.json(http.StatusOK, envelope)
}

func (s *Server) handle(r *http.Request, body []byte) (any, error) {
	key, err := s.authenticate(r)
	if err != nil {
		return nil, err
	}
	path := r.URL.EscapedPath()
	if s.Denied != nil && s.Denied(r.Method, path) {
		return nil, refuse(http.StatusForbidden, "You are not allowed to do this.")
	}
	segments := strings.Split(strings.Trim(path, "/"), "/")
	for i := range segments {
		if segments[i], err = url.PathUnescape(segments[i]); err != nil {
			return nil, unknown("route")
		}
	}
	if len(segments) < 2 || segments[0] != "v1" || segments[1] != "organizations" {
		return nil, unknown("route")
	}
	c := &call{Server: s, method: r.Method, query: r.URL.Query(), key: key, agent: r.UserAgent(), from: peer(r).String(), now: s.now()}
	if len(body) > 0 {
		if mediaType := r.Header.Get("Content-Type"); !strings.HasPrefix(mediaType, "application/json") {
			return nil, refuse(http.StatusBadRequest, "A body of type %q is not understood.", mediaType)
		}
		if err := json.Unmarshal(body, &c.body); err != nil {
			return nil, refuse(http.StatusBadRequest, "The body is not a JSON object.")
		}
	}
	if len(segments) == 2 {
		return []Object{s.org.object()}, nil
	}
	if segments[2] != s.org.ID {
		return nil, unknown("organization")
	}
	c.path = segments[3:]
	return c.answer()
}

// peer is the address of the caller; in process it is a documentation address.
func peer(r *http.Request) netip.Addr {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return netip.AddrFrom4([4]byte{192, 0, 2, 1})
	}
	addr, _ := netip.ParseAddr(host)
	return addr
}

func (s *Server) authenticate(r *http.Request) (*Key, error) {
	id, secret, _ := r.BasicAuth()
	for _, key := range s.org.Keys {
		if !key.opens(id, secret, s.now()) {
			continue
		}
		for _, entry := range objects(key.Fields["ipAccessList"]) {
			if prefix, err := network(text(entry["source"])); err == nil && prefix.Contains(peer(r)) {
				key.Fields["usedAt"] = s.now().Truncate(time.Minute)
				return key, nil
			}
		}
		return nil, refuse(http.StatusForbidden, "This key may not be used from %s.", peer(r))
	}
	return nil, refuse(http.StatusUnauthorized, "Who are you?")
}

func (s *Server) failure(status int, text string) reply {
	envelope := Object{"error": text, "status": status}
	if !s.choices.BareErrors {
		envelope["requestId"] = s.org.newID()
	}
	return s.json(status, envelope)
}

func (s *Server) gateway() reply {
	return reply{
		status: http.StatusBadGateway, header: s.header("text/html"),
		body: []byte("<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body><center><h1>502 Bad Gateway</h1></center></body>\r\n</html>\r\n"),
	}
}

func (s *Server) json(status int, envelope Object) reply {
	body, err := json.Marshal(envelope)
	if err != nil {
		panic(err)
	}
	return reply{status: status, header: s.header("application/json;charset=UTF-8"), body: append(body, '\n')}
}

func (s *Server) header(mediaType string) http.Header {
	header := http.Header{"Date": {s.now().Format(http.TimeFormat)}}
	if mediaType != "" {
		header.Set("Content-Type", mediaType)
	}
	return header
}
