package client_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/orgctl/orgctl/pkg/client"
	"github.com/orgctl/orgctl/pkg/client/cloudapi"
	"github.com/orgctl/orgctl/pkg/client/secret"
)

const okBody = `{"status":200,"requestId":"r-1","result":{"name":"orders"}}`

// reply is what a fake transport answers to one send.
type reply func(*http.Request) (*http.Response, error)

// answer replies with a status, a body and headers given as name and value in turn.
func answer(status int, body string, headers ...string) reply {
	return func(req *http.Request) (*http.Response, error) {
		h := http.Header{}
		for i := 0; i < len(headers); i += 2 {
			h.Set(headers[i], headers[i+1])
		}
		return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body)), Request: req}, nil
	}
}

// cut replies 200 with a body that breaks off.
func cut(body string) reply {
	return func(req *http.Request) (*http.Response, error) {
		broken := io.MultiReader(strings.NewReader(body), brokenReader{})
		return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(broken), Request: req}, nil
	}
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func fail(err error) reply {
	return func(*http.Request) (*http.Response, error) { return nil, err }
}

// hang answers only when its request is given up.
func hang(req *http.Request) (*http.Response, error) {
	<-req.Context().Done()
	return nil, req.Context().Err()
}

// script is a transport that gives its replies one after another, the last one for ever, and keeps the requests.
type script struct {
	mu       sync.Mutex
	replies  []reply
	requests []*http.Request
	bodies   []string
}

func (s *script) RoundTrip(req *http.Request) (*http.Response, error) {
	var body []byte
	if req.Body != nil {
		var err error
		if body, err = io.ReadAll(req.Body); err != nil {
			return nil, errors.Join(errors.New("read request"), err)
		}
	}
	s.mu.Lock()
	next := s.replies[min(len(s.requests), len(s.replies)-1)]
	s.requests = append(s.requests, req)
	s.bodies = append(s.bodies, string(body))
	s.mu.Unlock()
	return next(req)
}

func credentials() client.Credentials {
	return client.Credentials{KeyID: "key", KeySecret: secret.New("c4n4ry-secret")}
}

func newClient(t *testing.T, baseURL string, opts ...client.Option) *client.Client {
	t.Helper()
	c, err := client.New(cloudapi.Dialect(), baseURL, credentials(), opts...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// elapse lets time pass on the clock of a synctest bubble. It is no timer channel because of the flaw that the backoff works
// around too.
func elapse(t *testing.T, d time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	<-ctx.Done()
}
