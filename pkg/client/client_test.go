package client_test

import (
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orgctl/orgctl/pkg/client"
	"github.com/orgctl/orgctl/pkg/client/cloudapi"
	"github.com/orgctl/orgctl/pkg/client/secret"
)

func TestBaseURL(t *testing.T) {
	for in, want := range map[string]string{
		"https://api.example.com":             "https://api.example.com/v1/things",
		"https://api.example.com/":            "https://api.example.com/v1/things",
		"https://api.example.com/v1":          "https://api.example.com/v1/things",
		"https://api.example.com/v1/":         "https://api.example.com/v1/things",
		"https://proxy.example.com/cloud/v1/": "https://proxy.example.com/cloud/v1/things",
		"https://api.example.com:8443":        "https://api.example.com:8443/v1/things",
		"http://localhost:8123":               "http://localhost:8123/v1/things",
		"http://127.0.0.1:8123/v1":            "http://127.0.0.1:8123/v1/things",
		"http://127.8.9.1":                    "http://127.8.9.1/v1/things",
		"http://[::1]:8123":                   "http://[::1]:8123/v1/things",
	} {
		s := &script{replies: []reply{answer(200, okBody)}}
		c := newClient(t, in, client.WithTransport(s))
		if _, err := c.Do(t.Context(), client.Request{Method: "GET", Path: "/v1/things"}); err != nil {
			t.Errorf("%s: %v", in, err)
		} else if got := s.requests[0].URL.String(); got != want {
			t.Errorf("%s: sent to %s, want %s", in, got, want)
		}
	}
}

func TestBaseURLRefused(t *testing.T) {
	for in, want := range map[string]string{
		"http://api.example.com":                   "use https://api.example.com",
		"http://127.0.0.1.example.com":             "use https://",
		"http://10.0.0.1:8123":                     "use https://10.0.0.1:8123",
		"https://me:c4n4ry-secret@api.example.com": "CLICKHOUSE_CLOUD_API_SECRET",
		"https://me:c4n4ry-secret@api exa mple":    "parse",
		"https://me:c4n4ry-secret@[::1":            "parse",
		"https://api.example.com?key=c4n4ry":       "query",
		"https://api.example.com/#top":             "fragment",
		"api.example.com":                          "https://HOST",
		"ftp://api.example.com":                    "https",
		"":                                         "https://HOST",
	} {
		_, err := client.New(cloudapi.Dialect(), in, credentials())
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "c4n4ry") {
			t.Errorf("New(%q): error %v, want one with %q", in, err, want)
		}
	}
}

func TestCredentialsRefused(t *testing.T) {
	for _, c := range []struct{ id, secret string }{
		{"", "c4n4ry"}, {"id", ""}, {"id\n", "c4n4ry"}, {"id", "c4n4ry\n"}, {"i:d", "c4n4ry"}, {"id", " c4n4ry"},
	} {
		_, err := client.New(cloudapi.Dialect(), "https://api.example.com", client.Credentials{KeyID: c.id, KeySecret: secret.New(c.secret)})
		if err == nil || strings.Contains(err.Error(), "c4n4ry") {
			t.Errorf("%q and %q: error %v", c.id, c.secret, err)
		}
	}
}

func TestRequestAsSent(t *testing.T) {
	var got *http.Request
	var body string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		data, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		got, body = r, string(data)
		_, _ = io.WriteString(w, okBody)
	}))
	defer server.Close()
	c := newClient(t, server.URL+"/prefix/v1", client.WithUserAgent("orgctl/1.2.3"))

	resp, err := c.Do(t.Context(), client.Request{
		Method: "PATCH", Path: "/v1/members/samlp%7C1%7Ca@example.com",
		Query: url.Values{"from_date": {"2026-08-01T00:00:00Z"}}, Body: map[string]any{"role": "admin"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&client.Response{Status: 200, RequestID: "r-1", Result: []byte(`{"name":"orders"}`)}, resp); diff != "" {
		t.Error(diff)
	}
	id, key, _ := got.BasicAuth()
	type request struct{ Method, URI, ID, Key, Agent, Type, Accept, Body string }
	want := request{
		"PATCH", "/prefix/v1/members/samlp%7C1%7Ca@example.com?from_date=2026-08-01T00%3A00%3A00Z",
		"key", "c4n4ry-secret", "orgctl/1.2.3", "application/json; charset=utf-8", "application/json", `{"role":"admin"}`,
	}
	sent := request{got.Method, got.RequestURI, id, key, got.UserAgent(), got.Header.Get("Content-Type"), got.Header.Get("Accept"), body}
	if diff := cmp.Diff(want, sent); diff != "" {
		t.Error(diff)
	}

	if _, err := c.Do(t.Context(), client.Request{Method: "GET", Path: "/v1/metrics", Answer: client.Text}); err != nil {
		t.Fatal(err)
	}
	if got.Header.Get("Content-Type") != "" || got.Header.Get("Accept") != "text/plain" || body != "" {
		t.Errorf("a GET of text was sent with %v and body %q", got.Header, body)
	}
}

func TestPathMustNameAnObject(t *testing.T) {
	for _, path := range []string{"/v1/keys/", "/v1//keys", "/v1/keys/..", "/v1/./keys", "v1/keys", ""} {
		s := &script{replies: []reply{answer(200, okBody)}}
		c := newClient(t, "https://api.example.com", client.WithTransport(s))
		if _, err := c.Do(t.Context(), client.Request{Method: "DELETE", Path: path}); err == nil || len(s.requests) > 0 {
			t.Errorf("%q was sent (%v)", path, err)
		}
	}
}

func TestReadOnly(t *testing.T) {
	s := &script{replies: []reply{answer(200, okBody)}}
	c := newClient(t, "https://api.example.com", client.WithTransport(s), client.ReadOnly())
	for _, method := range []string{"POST", "PUT", "PATCH", "DELETE", "post", ""} {
		_, err := c.Do(t.Context(), client.Request{Method: method, Path: "/v1/things"})
		if !errors.Is(err, client.ErrReadOnly) || client.Ambiguous(err) {
			t.Errorf("%q: error %v, want ErrReadOnly", method, err)
		}
	}
	if len(s.requests) > 0 {
		t.Errorf("%d writes were sent", len(s.requests))
	}
	if _, err := c.Do(t.Context(), client.Request{Method: "GET", Path: "/v1/things"}); err != nil {
		t.Error(err)
	}
}

func TestRedirectIsNotFollowed(t *testing.T) {
	var elsewhere atomic.Int64
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		elsewhere.Add(1)
		_, _ = io.WriteString(w, okBody)
	}))
	defer other.Close()
	for _, status := range []int{301, 302, 303, 307, 308} {
		server := httptest.NewServer(http.RedirectHandler(other.URL+"/v1/things", status))
		c := newClient(t, server.URL)
		for _, method := range []string{"GET", "POST"} {
			_, err := c.Do(t.Context(), client.Request{Method: method, Path: "/v1/things"})
			var r *client.ReplyError
			if !errors.As(err, &r) || r.Status != status || client.Ambiguous(err) {
				t.Errorf("%s %d: error %v, want an unambiguous *ReplyError", method, status, err)
			} else if !strings.Contains(err.Error(), other.URL) || !strings.Contains(err.Error(), "CLICKHOUSE_API_URL") {
				t.Errorf("%s %d: %v names neither the target nor the remedy", method, status, err)
			}
		}
		server.Close()
	}
	if n := elsewhere.Load(); n > 0 {
		t.Errorf("the other host got %d requests", n)
	}
}

func TestReplyIsNotTheAPI(t *testing.T) {
	page := "<!DOCTYPE html><html><title>Sign in</title></html>"
	for _, c := range []struct {
		name   string
		reply  reply
		reason string
		hint   bool
	}{
		{"page with 200", answer(200, page), "web page", true},
		{"page with 404", answer(404, page), "web page", true},
		{"page with 403", answer(403, page), "web page", true},
		{"text", answer(200, "hello"), "not a JSON object", true},
		{"nothing", answer(200, ""), "not a JSON object", true},
		{"no result", answer(200, `{"status":200}`), "no result", false},
		{"null result", answer(200, `{"status":200,"result":null}`), "no result", false},
		{"result of another type", answer(200, `{"status":200,"result":[]}`), "decode result", false},
		{"endless", endless, "larger than 256 MiB", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			cl := newClient(t, "https://api.example.com/prefix", client.WithTransport(&script{replies: []reply{c.reply}}), client.WithTick(0))
			_, err := client.Call[map[string]string](t.Context(), cl, client.Request{Method: "GET", Path: "/v1/things"})
			var r *client.ReplyError
			if !errors.As(err, &r) || !strings.Contains(r.Reason, c.reason) {
				t.Fatalf("error %v, want a *ReplyError with %q", err, c.reason)
			}
			if !strings.Contains(err.Error(), "https://api.example.com/prefix/v1/things") {
				t.Errorf("%v does not name the URL", err)
			}
			if strings.Contains(err.Error(), "CLICKHOUSE_API_URL") != c.hint {
				t.Errorf("%v: hint present = %t, want %t", err, !c.hint, c.hint)
			}
			if errors.Is(err, client.ErrNotFound) || errors.Is(err, client.ErrForbidden) {
				t.Errorf("%v tells something about the object", err)
			}
		})
	}
}

func endless(req *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(zeros{}), Request: req}, nil
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestEmptyAnswerToAWrite(t *testing.T) {
	for _, body := range []string{"", "\n", `{"status":200,"requestId":"r-1"}`} {
		c := newClient(t, "https://api.example.com", client.WithTransport(&script{replies: []reply{answer(200, body)}}))
		if _, err := c.Do(t.Context(), client.Request{Method: "DELETE", Path: "/v1/things/1"}); err != nil {
			t.Errorf("%q: %v", body, err)
		}
		r := client.Request{Method: "PATCH", Path: "/v1/things/1", OptionalResult: true}
		if got, err := client.Call[map[string]string](t.Context(), c, r); err != nil || got != nil {
			t.Errorf("%q: %v, %v, want the zero value", body, got, err)
		}
	}
	// A result is not optional by itself: the write was executed, and its caller has to look.
	c := newClient(t, "https://api.example.com", client.WithTransport(&script{replies: []reply{answer(200, "")}}))
	if _, err := client.Call[map[string]string](t.Context(), c, client.Request{Method: "POST", Path: "/v1/things"}); !client.Ambiguous(err) {
		t.Errorf("error %v, want an ambiguous one", err)
	}
}

// What a real connection does to writes: only a failure before there is a connection is worth another send.
func TestWritesOverRealConnections(t *testing.T) {
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()

	mute, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = mute.Close() }()
	go func() {
		for {
			conn, err := mute.Accept()
			if err != nil {
				return
			}
			_ = conn.Close() // before any handshake
		}
	}()

	hangUp := func(w http.ResponseWriter) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_ = conn.Close()
	}
	var executed atomic.Int64
	cutting := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		executed.Add(1)
		hangUp(w)
	}))
	defer cutting.Close()
	truncating := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		executed.Add(1)
		w.Header().Set("Content-Length", "1000")
		_, _ = io.WriteString(w, okBody)
	}))
	defer truncating.Close()
	untrusted := newTLSServer(http.NotFoundHandler())
	defer untrusted.Close()

	for _, c := range []struct {
		name, url           string
		sends, execs        int
		ambiguous, readsToo bool
	}{
		{"connection refused", closed.URL, 5, 0, false, true},
		{"TLS handshake cut", "https://" + mute.Addr().String(), 5, 0, false, true},
		{"certificate not trusted", untrusted.URL, 1, 0, false, false},
		{"connection cut after the request", cutting.URL, 1, 1, true, true},
		{"body cut", truncating.URL, 1, 1, true, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			executed.Store(0)
			cl := newClient(t, c.url, client.WithTick(time.Microsecond))
			_, err := cl.Do(t.Context(), client.Request{Method: "POST", Path: "/v1/things", Body: body("POST")})
			if got := cl.Stats().Requests; got != c.sends {
				t.Errorf("%d sends, want %d (%v)", got, c.sends, err)
			}
			if got := int(executed.Load()); got != c.execs {
				t.Errorf("executed %d times, want %d", got, c.execs)
			}
			if got := client.Ambiguous(err); got != c.ambiguous {
				t.Errorf("Ambiguous = %t, want %t (%v)", got, c.ambiguous, err)
			}
			var n *client.NetworkError
			if !errors.As(err, &n) {
				t.Errorf("error %v (%T), want a *NetworkError", err, err)
			}
			cl = newClient(t, c.url, client.WithTick(time.Microsecond))
			_, err = cl.Do(t.Context(), client.Request{Method: "GET", Path: "/v1/things"})
			if err == nil || client.Ambiguous(err) || (cl.Stats().Requests == 5) != c.readsToo {
				t.Errorf("GET: %d sends, error %v", cl.Stats().Requests, err)
			}
		})
	}
}

// newTLSServer has a certificate nobody trusts, and does not log that its clients say so.
func newTLSServer(h http.Handler) *httptest.Server {
	server := httptest.NewUnstartedServer(h)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	return server
}

func TestCertificateIsVerified(t *testing.T) {
	server := newTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, okBody) }))
	defer server.Close()
	_, err := newClient(t, server.URL, client.WithTick(0)).Do(t.Context(), client.Request{Method: "GET", Path: "/v1/things"})
	var bad *tls.CertificateVerificationError
	if !errors.As(err, &bad) {
		t.Errorf("error %v, want one about the certificate", err)
	}
	trusting := newClient(t, server.URL, client.WithTransport(server.Client().Transport))
	if _, err := trusting.Do(t.Context(), client.Request{Method: "GET", Path: "/v1/things"}); err != nil {
		t.Error(err)
	}
}

func TestServerTime(t *testing.T) {
	const ten, later = "Sat, 01 Aug 2026 10:00:00 GMT", "Sun, 02 Aug 2026 10:00:00 GMT"
	rt := &script{replies: []reply{
		answer(200, okBody),
		answer(200, okBody, "Date", ten),
		answer(403, `{"status":403,"error":"no"}`, "Date", later), // perhaps a gateway's clock
		answer(200, okBody, "Date", "soon"),
	}}
	c := newClient(t, "https://api.example.com", client.WithTransport(rt))
	at := time.Date(2026, 8, 1, 10, 0, 0, 0, time.UTC)
	for i, want := range []time.Time{{}, at, at, at} {
		_, _ = c.Do(t.Context(), client.Request{Method: http.MethodGet, Path: "/v1/x"})
		if got := c.ServerTime(); !got.Equal(want) {
			t.Errorf("after answer %d the server's time is %s, want %s", i+1, got, want)
		}
	}
}
