package client_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orgctl/orgctl/pkg/client"
)

// The whole retry policy: for every failure that lasts, how often a read and a write are sent and whether the write may
// have been executed.
func TestRetryPolicy(t *testing.T) {
	const jsonError = `{"status":0,"error":"CODE_WORD: text","requestId":"r-1"}`
	failures := []struct {
		name          string
		reply         reply
		reads, writes int
		ambiguous     bool
	}{
		{"429", answer(429, jsonError), 20, 20, false},
		{"429 page of a gateway", answer(429, "<html>slow down</html>"), 20, 20, false},
		{"never connected", fail(&net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}), 5, 5, false},
		{"name not resolved", fail(&net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host"}}), 5, 5, false},
		{"500", answer(500, jsonError), 5, 1, true},
		{"502 page of a gateway", answer(502, "<html>Bad Gateway</html>"), 5, 1, true},
		{"503", answer(503, ""), 5, 1, true},
		{"408", answer(408, jsonError), 5, 1, true},
		{"connection cut", fail(io.ErrUnexpectedEOF), 5, 1, true},
		{"connection reset", fail(&net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}), 5, 1, true},
		{"no answer", hang, 5, 1, true},
		{"body cut", cut(`{"status":200,"result":{"na`), 5, 1, true},
		{"body cut at a JSON boundary", cut(okBody), 5, 1, true},
		{"body truncated", answer(200, `{"status":200,"result":{"na`), 5, 1, true},
		{"body not JSON", answer(200, "upstream said no"), 5, 1, true},
		{"body not an object", answer(200, `"ok"`), 5, 1, true},
		{"web page", answer(200, "\n <!doctype html><title>Log in</title>"), 1, 1, true},
		{"redirect", answer(307, "", "Location", "https://elsewhere.example.com/v1"), 1, 1, false},
		{"400", answer(400, jsonError), 1, 1, false},
		{"401", answer(401, jsonError), 1, 1, false},
		{"403", answer(403, jsonError), 1, 1, false},
		{"403 page of a proxy", answer(403, "<html>blocked</html>"), 1, 1, false},
		{"404", answer(404, jsonError), 1, 1, false},
		{"409", answer(409, jsonError), 1, 1, false},
		{"424", answer(424, jsonError), 1, 1, false},
	}
	for _, f := range failures {
		for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE"} {
			t.Run(f.name+"/"+method, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := &script{replies: []reply{f.reply}}
					c := newClient(t, "https://api.example.com", client.WithTransport(s), client.WithRate(client.Rate{}))
					_, err := c.Do(t.Context(), client.Request{Method: method, Path: "/v1/things", Body: body(method)})
					if err == nil {
						t.Fatal("no error")
					}
					wantSends, wantAmbiguous := f.writes, f.ambiguous
					if method == "GET" {
						wantSends, wantAmbiguous = f.reads, false
					}
					if len(s.requests) != wantSends {
						t.Errorf("%d sends, want %d (%v)", len(s.requests), wantSends, err)
					}
					if got := client.Ambiguous(fmt.Errorf("create thing: %w", err)); got != wantAmbiguous {
						t.Errorf("Ambiguous = %t, want %t (%v)", got, wantAmbiguous, err)
					}
					if stats := c.Stats(); stats.Requests != wantSends || stats.Retries != wantSends-1 {
						t.Errorf("stats %+v, want %d requests", stats, wantSends)
					}
					if !strings.Contains(err.Error(), "/v1/things") || strings.Contains(err.Error(), "\n") {
						t.Errorf("the error does not name the call on one line: %q", err)
					}
				})
			})
		}
	}
}

func body(method string) any {
	if method == "GET" || method == "DELETE" {
		return nil
	}
	return map[string]string{"name": "orders"}
}

func TestRetryRecovers(t *testing.T) {
	refused := fail(&net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED})
	for _, c := range []struct {
		name, method string
		replies      []reply
		want         time.Duration // of waiting
	}{
		{"read after every kind of damage", "GET", []reply{answer(500, ""), cut(okBody), answer(200, "{"), fail(io.EOF)}, 7500 * time.Millisecond},
		{"write after refusals", "POST", []reply{refused, refused, answer(429, ""), refused}, 7700 * time.Millisecond},
		{"read after 408", "GET", []reply{answer(408, "")}, 500 * time.Millisecond},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &script{replies: append(c.replies, answer(200, okBody))}
				cl := newClient(t, "https://api.example.com", client.WithTransport(s), client.WithRate(client.Rate{}))
				start := time.Now()
				got, err := client.Call[map[string]string](t.Context(), cl, client.Request{Method: c.method, Path: "/v1/things", Body: body(c.method)})
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(map[string]string{"name": "orders"}, got); diff != "" {
					t.Error(diff)
				}
				if waited := time.Since(start); waited != c.want {
					t.Errorf("waited %s, want %s", waited, c.want)
				}
				for i, b := range s.bodies {
					if b != s.bodies[0] {
						t.Errorf("send %d had body %q, the first one %q", i+1, b, s.bodies[0])
					}
				}
			})
		})
	}
}

func TestThrottlingHeaders(t *testing.T) {
	const margin = 200 * time.Millisecond
	for _, c := range []struct {
		name    string
		headers []string
		want    time.Duration
	}{
		{"whole seconds", []string{"X-RateLimit-Reset", "7"}, 7*time.Second + margin},
		{"fraction", []string{"X-RateLimit-Reset", "2.25"}, 2250*time.Millisecond + margin},
		{"zero", []string{"X-RateLimit-Reset", "0"}, margin},
		{"reset before retry-after", []string{"X-RateLimit-Reset", "3", "Retry-After", "9"}, 3*time.Second + margin},
		{"retry-after seconds", []string{"Retry-After", "4"}, 4*time.Second + margin},
		{"retry-after date by the server's clock", []string{"Date", "Sat, 01 Aug 2026 10:00:00 GMT", "Retry-After", "Sat, 01 Aug 2026 10:00:06 GMT"}, 6*time.Second + margin},
		{"retry-after date in the past", []string{"Date", "Sat, 01 Aug 2026 10:00:00 GMT", "Retry-After", "Sat, 01 Aug 2026 09:00:00 GMT"}, margin},
		{"retry-after date alone", []string{"Retry-After", "Sat, 01 Jan 2000 00:00:05 GMT"}, 5*time.Second + margin}, // when bubbles begin
		{"capped", []string{"X-RateLimit-Reset", "86400"}, 120*time.Second + margin},
		{"retry-after date far away", []string{"Date", "Sat, 01 Aug 2026 10:00:00 GMT", "Retry-After", "Sun, 02 Aug 2026 10:00:00 GMT"}, 120*time.Second + margin},
		{"overflow", []string{"X-RateLimit-Reset", "1e300"}, 120*time.Second + margin},
		{"nothing", nil, 500*time.Millisecond + margin},
		{"nonsense", []string{"X-RateLimit-Reset", "soon", "Retry-After", "later"}, 500*time.Millisecond + margin},
		{"negative", []string{"X-RateLimit-Reset", "-5"}, 500*time.Millisecond + margin},
		{"not a number", []string{"X-RateLimit-Reset", "NaN"}, 500*time.Millisecond + margin},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &script{replies: []reply{answer(429, "", c.headers...), answer(200, okBody)}}
				cl := newClient(t, "https://api.example.com", client.WithTransport(s))
				start := time.Now()
				if _, err := cl.Do(t.Context(), client.Request{Method: "POST", Path: "/v1/things"}); err != nil {
					t.Fatal(err)
				}
				if waited := time.Since(start); waited != c.want {
					t.Errorf("waited %s, want %s", waited, c.want)
				}
				want := client.Stats{Requests: 2, Retries: 1, Throttled: 1, ThrottledFor: c.want}
				if diff := cmp.Diff(want, cl.Stats()); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}

func TestThrottlingHoldsOtherRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{replies: []reply{answer(429, "", "X-RateLimit-Reset", "8"), answer(200, okBody)}}
		c := newClient(t, "https://api.example.com", client.WithTransport(s))
		start := time.Now()
		var wg sync.WaitGroup
		for i := range 5 {
			wg.Go(func() {
				elapse(t, time.Duration(i)*time.Second)
				if _, err := c.Do(t.Context(), client.Request{Method: "GET", Path: "/v1/things"}); err != nil {
					t.Error(err)
				}
				if waited, want := time.Since(start), 8200*time.Millisecond; waited != want {
					t.Errorf("request %d ended after %s, want %s", i, waited, want)
				}
			})
		}
		wg.Wait()
	})
}

// Requests refused by rate limit keep their place before those that came after them.
func TestThrottledRequestGoesFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{replies: []reply{answer(429, "", "Retry-After", "8"), answer(200, okBody)}}
		// One a second, so that two that are let through do not race to the transport.
		c := newClient(t, "https://api.example.com", client.WithTransport(s), client.WithRate(client.Rate{Requests: 1, Window: time.Second}))
		var wg sync.WaitGroup
		for i := range 3 {
			wg.Go(func() {
				elapse(t, time.Duration(i)*time.Second)
				if _, err := c.Do(t.Context(), client.Request{Method: "GET", Path: fmt.Sprintf("/v1/things/%d", i)}); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		var got []string
		for _, r := range s.requests {
			got = append(got, r.URL.Path)
		}
		if diff := cmp.Diff([]string{"/v1/things/0", "/v1/things/0", "/v1/things/1", "/v1/things/2"}, got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestThrottledForCountsOverlapsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first := func(req *http.Request) (*http.Response, error) {
			elapse(t, 2*time.Second) // so that the second request is out when this one is refused
			return answer(429, "", "Retry-After", "10")(req)
		}
		second := func(req *http.Request) (*http.Response, error) {
			elapse(t, 5*time.Second)
			return answer(429, "", "Retry-After", "10")(req)
		}
		s := &script{replies: []reply{first, second, answer(200, okBody)}}
		c := newClient(t, "https://api.example.com", client.WithTransport(s))
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() {
				if _, err := c.Do(t.Context(), client.Request{Method: "GET", Path: "/v1/things"}); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		// From second 2 to second 15, and the margin.
		want := client.Stats{Requests: 4, Retries: 2, Throttled: 2, ThrottledFor: 13200 * time.Millisecond}
		if diff := cmp.Diff(want, c.Stats()); diff != "" {
			t.Error(diff)
		}
	})
}

func TestEverySendPassesTheLimiter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{replies: []reply{answer(500, ""), answer(500, ""), answer(200, okBody)}}
		rate := client.Rate{Requests: 1, Window: 10 * time.Second}
		c := newClient(t, "https://api.example.com", client.WithTransport(s), client.WithRate(rate), client.WithTick(100*time.Millisecond))
		start := time.Now()
		for range 2 { // three sends, then one
			if _, err := c.Do(t.Context(), client.Request{Method: "GET", Path: "/v1/things"}); err != nil {
				t.Fatal(err)
			}
		}
		if waited, want := time.Since(start), 3*1020*time.Millisecond; waited != want {
			t.Errorf("four sends took %s, want %s", waited, want)
		}
	})
}

func TestNotices(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got []string
		s := &script{replies: []reply{answer(429, "", "Retry-After", "3"), answer(502, ""), cut("{"), answer(200, okBody)}}
		c := newClient(t, "https://api.example.com", client.WithTransport(s), client.WithNotify(func(_ context.Context, n client.Notice) {
			got = append(got, fmt.Sprintf("%s %s try %d throttled=%t wait=%s", n.Method, n.Path, n.Attempt, n.Throttled, n.Wait))
			if n.Cause == nil {
				t.Error("a notice has no cause")
			}
		}))
		if _, err := c.Do(t.Context(), client.Request{Method: "GET", Path: "/v1/things"}); err != nil {
			t.Fatal(err)
		}
		want := []string{
			"GET /v1/things try 1 throttled=true wait=3s",
			"GET /v1/things try 2 throttled=false wait=1s",
			"GET /v1/things try 3 throttled=false wait=2s",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestTimeout(t *testing.T) {
	for _, c := range []struct {
		method string
		opts   []client.Option
		want   time.Duration // until the first send is given up
	}{
		{"POST", nil, 5 * time.Minute},
		{"GET", nil, time.Minute},
		{"GET", []client.Option{client.WithTimeout(time.Second)}, time.Second},
		{"POST", []client.Option{client.WithTimeout(time.Second), client.WithTick(time.Hour)}, time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			s := &script{replies: []reply{
				func(req *http.Request) (*http.Response, error) {
					resp, err := hang(req)
					if waited := time.Since(start); waited != c.want {
						t.Errorf("%s given up after %s, want %s", c.method, waited, c.want)
					}
					return resp, err
				},
				answer(400, ""),
			}}
			cl := newClient(t, "https://api.example.com", append(c.opts, client.WithTransport(s))...)
			_, err := cl.Do(t.Context(), client.Request{Method: c.method, Path: "/v1/things"})
			var n *client.NetworkError
			if c.method == "POST" && (!errors.As(err, &n) || !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), c.want.String())) {
				t.Errorf("error %v, want a *NetworkError that names the timeout", err)
			}
		})
	}
}

func TestCancellation(t *testing.T) {
	for _, c := range []struct {
		name      string
		replies   []reply
		rate      client.Rate
		ambiguous bool
	}{
		{"in flight", []reply{hang}, client.Rate{}, true},
		{"paused by the API", []reply{answer(429, "", "Retry-After", "100")}, client.Rate{}, false},
		{"between tries", []reply{fail(&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED})}, client.Rate{}, false},
		{"waiting for its slot", []reply{fail(&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED})}, client.Rate{Requests: 1, Window: time.Hour}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &script{replies: c.replies}
				cl := newClient(t, "https://api.example.com", client.WithTransport(s), client.WithRate(c.rate))
				ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
				defer cancel()
				start := time.Now()
				_, err := cl.Do(ctx, client.Request{Method: "POST", Path: "/v1/things"})
				if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 3*time.Second {
					t.Errorf("error %v after %s, want the context's at 3s", err, time.Since(start))
				}
				if got := client.Ambiguous(err); got != c.ambiguous {
					t.Errorf("Ambiguous = %t, want %t (%v)", got, c.ambiguous, err)
				}
			})
		})
	}
}

// TestHeld: who waits for the limiter is known by its context, from when it begins to wait until it waits no more.
func TestHeld(t *testing.T) {
	type name struct{}
	synctest.Test(t, func(t *testing.T) {
		var got []string
		start := time.Now()
		s := &script{replies: []reply{answer(200, okBody)}}
		c := newClient(t, "https://api.example.com", client.WithTransport(s), client.WithRate(client.Rate{Requests: 1, Window: 10 * time.Second}),
			client.WithHeld(func(ctx context.Context, held bool) {
				got = append(got, fmt.Sprintf("%s %s %t", time.Since(start), ctx.Value(name{}), held))
			}))
		for i, who := range []string{"first", "second", "third"} {
			patience := []time.Duration{time.Hour, time.Hour, time.Second}[i]
			ctx, cancel := context.WithTimeout(context.WithValue(t.Context(), name{}, who), patience)
			_, _ = c.Do(ctx, client.Request{Method: "GET", Path: "/v1/things"})
			cancel()
		}
		want := []string{"0s second true", "10.2s second false", "10.2s third true", "11.2s third false"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestCause(t *testing.T) {
	for want, err := range map[string]error{
		"503 Service Unavailable":            &client.Error{Method: "GET", Path: "/v1/things", Status: 503, Message: "at length"},
		"connection refused":                 &client.NetworkError{Method: "GET", Err: &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}},
		"no complete answer within 1m0s":     &client.NetworkError{Method: "GET", Err: errors.New("no complete answer within 1m0s")},
		"unexpected EOF":                     &client.NetworkError{Method: "GET", Err: &url.Error{Op: "Get", URL: "https://api.example.com", Err: io.ErrUnexpectedEOF}},
		"status 200: the answer is not JSON": &client.ReplyError{Method: "GET", URL: "https://api.example.com", Status: 200, Reason: "the answer is not JSON"},
		"no place to store its secret":       errors.New("no place to store its secret"),
		"502 Bad Gateway":                    fmt.Errorf("change scaling: %w", &client.Error{Method: "PATCH", Status: 502}),
	} {
		if got := client.Cause(err).Error(); got != want {
			t.Errorf("Cause(%v) = %q, want %q", err, got, want)
		}
	}
}
