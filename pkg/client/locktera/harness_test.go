package locktera_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/orgctl/orgctl/pkg/client"
	"github.com/orgctl/orgctl/pkg/client/locktera"
	"github.com/orgctl/orgctl/pkg/client/secret"
	sim "github.com/orgctl/orgctl/pkg/client/sim/locktera"
)

// simulated is an API whose other end is the simulator, over HTTP.
type simulated struct {
	*locktera.API
	server *sim.Server
	client *client.Client
	debug  strings.Builder
	org    string
	key    string
}

func simulate(t *testing.T, cfg sim.Config, o locktera.Options) *simulated {
	t.Helper()
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	s := &simulated{server: sim.New(cfg)}
	listener := httptest.NewServer(s.server)
	t.Cleanup(listener.Close)
	s.org, s.key = s.server.Credentials().OrganizationID, s.server.Credentials().Key
	s.client = newClient(t, listener.URL+s.server.Prefix(), s.key, client.WithDebug(&s.debug))
	s.API = locktera.New(s.client, o)
	return s
}

// sent counts the requests of a method that have come to the simulator.
func (s *simulated) sent(method string) int {
	n := 0
	for _, r := range s.server.Requests() {
		if r.Method == method {
			n++
		}
	}
	return n
}

func newClient(t *testing.T, url, key string, opts ...client.Option) *client.Client {
	t.Helper()
	opts = append([]client.Option{client.WithTick(0), client.WithRate(client.Rate{})}, opts...)
	c, err := client.New(locktera.Dialect(), url, client.Credentials{KeySecret: secret.New(key)}, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// answers is an API with one answer to everything, which keeps the last request.
type answers struct {
	*locktera.API
	status            int
	body              string
	method, uri, sent string
	header            http.Header
	count             int
}

const prefix = "/some/api/v1"

func answering(t *testing.T, status int, body string, o locktera.Options) *answers {
	t.Helper()
	a := &answers{status: status, body: body}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		a.method, a.uri, a.sent, a.header = r.Method, r.RequestURI, string(text), r.Header
		a.count++
		if a.status >= 300 && a.status < 400 {
			w.Header().Set("Location", a.body)
		}
		w.WriteHeader(a.status)
		if a.status != http.StatusNoContent {
			_, _ = io.WriteString(w, a.body)
		}
	}))
	t.Cleanup(server.Close)
	a.API = locktera.New(newClient(t, server.URL+prefix+"/", "c4n4ry-key"), o)
	return a
}

// wantReplyError wants a *client.ReplyError that says something.
func wantReplyError(t *testing.T, err error, texts ...string) {
	t.Helper()
	var reply *client.ReplyError
	if !errors.As(err, &reply) {
		t.Errorf("error %v (%T), want a *client.ReplyError", err, err)
		return
	}
	for _, text := range texts {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("%v\ndoes not say %q", err, text)
		}
	}
}
