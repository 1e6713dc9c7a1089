package backendtest

import (
	"io"
	"net/http"
	"strings"
	"sync"
)

// fault is a way in which one request goes wrong.
type fault int

const (
	none         fault = iota
	refused            // the server says that it cannot, before it does anything
	lostRequest        // cut off on the way there, as far as the client can tell
	lostReply          // carried out, and cut off on the way back
	downFromHere       // as lostReply, and nothing goes through after that: what a killed run leaves
)

var faults = map[string]fault{"refused": refused, "lost request": lostRequest, "lost reply": lostReply, "down": downFromHere}

// wire counts the requests of a run, and lets one of them go wrong.
type wire struct {
	http.RoundTripper
	how fault
	at  int // which, from 1 on; of reads and writes alike

	mu     sync.Mutex
	sent   int
	writes int
}

func (w *wire) through(server http.RoundTripper) http.RoundTripper {
	w.RoundTripper = server
	return w
}

// RoundTrip implements http.RoundTripper.
func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	switch w.next(r) {
	case refused:
		return &http.Response{
			Status: "502 Bad Gateway", StatusCode: http.StatusBadGateway, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
			Header: http.Header{"Content-Type": {"text/plain"}}, Body: io.NopCloser(strings.NewReader("bad gateway")), Request: r,
		}, nil
	case lostRequest:
		return nil, io.ErrUnexpectedEOF
	case lostReply, downFromHere:
		reply, err := w.RoundTripper.RoundTrip(r)
		if err == nil {
			_ = reply.Body.Close()
		}
		return nil, io.ErrUnexpectedEOF
	case none:
	}
	return w.RoundTripper.RoundTrip(r)
}

// next counts a request, and says how it goes wrong.
func (w *wire) next(r *http.Request) fault {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sent++
	if r.Method != http.MethodGet {
		w.writes++
	}
	switch {
	case w.sent == w.at:
		return w.how
	case w.how == downFromHere && w.at > 0 && w.sent > w.at:
		return lostRequest
	}
	return none
}

// reached reports whether the request that was to go wrong was sent.
func (w *wire) reached() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.sent >= w.at
}

func (w *wire) written() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.writes
}
