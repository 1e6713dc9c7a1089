package client_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orgctl/orgctl/pkg/client"
	"github.com/orgctl/orgctl/pkg/client/secret"
)

// plain is the dialect of an API that does everything otherwise than ClickHouse Cloud.
func plain() client.Dialect {
	return client.Dialect{
		Scheme: client.Bearer, Rate: client.Rate{Requests: 2, Window: time.Minute},
		KeyVariables: "PLAIN_KEY", WrongURL: "is PLAIN_URL the address of the API?", Form: client.AnyValue,
		Open: func(body []byte) client.Envelope {
			var refusal struct{ Message, Code string }
			_ = json.Unmarshal(body, &refusal)
			return client.Envelope{Result: body, Message: refusal.Message, Code: refusal.Code}
		},
		SecretFields: []string{"pin"},
	}
}

const bearerKey = "c4n4ry/bearer+key"

func newPlainClient(t *testing.T, baseURL string, opts ...client.Option) *client.Client {
	t.Helper()
	c, err := client.New(plain(), baseURL, client.Credentials{KeySecret: secret.New(bearerKey)}, append([]client.Option{client.WithTick(0)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// The prefix of an API without a version is part of its base URL, whatever it is.
func TestBaseURLWithoutVersion(t *testing.T) {
	for in, want := range map[string]string{
		"https://API.example.com/api/v1": "https://api.example.com/api/v1",
		"https://api.example.com/v1/":    "https://api.example.com/v1",
		"https://api.example.com//":      "https://api.example.com",
	} {
		if got, err := plain().CanonicalURL(in); err != nil || got != want {
			t.Errorf("CanonicalURL(%q) = %q, %v, want %q", in, got, err, want)
		}
		s := &script{replies: []reply{answer(200, `[]`)}}
		c := newPlainClient(t, in, client.WithTransport(s))
		if _, err := c.Do(t.Context(), client.Request{Method: "GET", Path: "/things/a%2Fb"}); err != nil {
			t.Errorf("%s: %v", in, err)
		} else if got := s.requests[0].URL.String(); !strings.EqualFold(got, want+"/things/a%2Fb") {
			t.Errorf("%s: sent to %s", in, got)
		}
	}
	_, err := plain().CanonicalURL("https://me:c4n4ry@api.example.com")
	if err == nil || !strings.Contains(err.Error(), "give the key by PLAIN_KEY instead") || strings.Contains(err.Error(), canary) {
		t.Errorf("a password in the URL: %v", err)
	}
}

func TestBearerKey(t *testing.T) {
	var header string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header = r.Header.Get("Authorization")
		_, _ = io.WriteString(w, `[1,"two"]`)
	}))
	defer server.Close()
	got, err := client.Call[[]any](t.Context(), newPlainClient(t, server.URL), client.Request{Method: "GET", Path: "/things"})
	if diff := cmp.Diff([]any{1.0, "two"}, got); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
	if header != "Bearer "+bearerKey {
		t.Errorf("sent as %q", header)
	}
	for _, key := range []string{"", "c4n4ry\n", "c4n4ry key"} {
		_, err := client.New(plain(), server.URL, client.Credentials{KeySecret: secret.New(key)})
		if err == nil || strings.Contains(err.Error(), canary) {
			t.Errorf("key %q: error %v", key, err)
		}
	}
}

// A server that quotes the key does not get it printed.
func TestEchoOfBearerKey(t *testing.T) {
	for _, form := range []string{bearerKey, base64.StdEncoding.EncodeToString([]byte(bearerKey))} {
		for where, answered := range map[string]reply{
			"message": answer(400, `{"message":"bad header Bearer `+form+`"}`),
			"code":    answer(400, `{"message":"no","code":"`+form+`"}`),
			"text":    answer(403, "you sent Bearer "+form),
			"list":    answer(200, `[{"name":"`+form+`"}]`),
		} {
			var debug strings.Builder
			c := newPlainClient(t, "https://api.example.com", client.WithTransport(&script{replies: []reply{answered}}), client.WithDebug(&debug))
			_, err := client.Call[[]struct{ Name int }](t.Context(), c, client.Request{Method: "GET", Path: "/things"})
			if err == nil {
				t.Fatalf("%s: no error", where)
			}
			if all := err.Error() + debug.String(); strings.Contains(all, form[:len(form)-2]) {
				t.Errorf("the key is shown in the %s:\n%s", where, all)
			}
		}
	}
}

// An error is what the dialect reads in it; a code that repeats the status is not said twice.
func TestErrorOfADialect(t *testing.T) {
	for body, want := range map[string]string{
		`{"message":"no such thing","code":"GONE_AWAY"}`:                       "404 GONE_AWAY: no such thing (GET /things)",
		`{"message":"no such thing","code":"404"}`:                             "404 Not Found: no such thing (GET /things)",
		`{"message":"NOT_FOUND: no such thing"}`:                               "404 NOT_FOUND: no such thing (GET /things)",
		"no such thing":                                                        "404 Not Found: no such thing (GET /things)",
		`{"message":"no","code":"A\u001b[2J` + strings.Repeat("B", 200) + `"}`: "404 A\ufffd[2J" + strings.Repeat("B", 95) + "…: no (GET /things)",
	} {
		c := newPlainClient(t, "https://api.example.com", client.WithTransport(&script{replies: []reply{answer(404, body)}}))
		_, err := c.Do(t.Context(), client.Request{Method: "GET", Path: "/things"})
		if err == nil || err.Error() != want || !errors.Is(err, client.ErrNotFound) {
			t.Errorf("%s: error %v, want %s", body, err, want)
		}
	}
}

func TestReplyIsNotTheAPIOfADialect(t *testing.T) {
	for body, want := range map[string]string{
		"hello": "the answer is not JSON", "": "the answer is not JSON", "<html></html>": "the answer is a web page",
	} {
		c := newPlainClient(t, "https://api.example.com", client.WithTransport(&script{replies: []reply{answer(200, body)}}))
		_, err := c.Do(t.Context(), client.Request{Method: "GET", Path: "/things"})
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "; is PLAIN_URL the address of the API?") {
			t.Errorf("%q: error %v, want one with %q and a hint", body, err, want)
		}
	}
}

// The debug log of a dialect without envelope shows lists, and nothing whose name does not say what it is.
func TestDebugLogOfADialect(t *testing.T) {
	for body, want := range map[string]string{
		`[{"name":"a","pin":"c4n4ry","keyId":"shown"}]`: `[{"keyId":"shown","name":"a","pin":"[redacted]"}]`,
		`["c4n4ry",["c4n4ry"],7]`:                       `["[redacted]",["[redacted]"],7]`,
		`"c4n4ry"`:                                      `"[redacted]"`,
		`c4n4ry`:                                        "[6 bytes that are not JSON]",
	} {
		var log bytes.Buffer
		c := newPlainClient(t, "https://api.example.com", client.WithTransport(&script{replies: []reply{answer(403, body)}}), client.WithDebug(&log))
		_, _ = c.Do(t.Context(), client.Request{Method: "GET", Path: "/things"})
		if !strings.HasSuffix(log.String(), " body="+want+"\n") {
			t.Errorf("%s is logged as\n%s", body, log.String())
		}
	}
}

// The third request within the dialect's window is held back until that has passed.
func TestRateOfADialect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{replies: []reply{answer(200, `[]`)}}
		c := newPlainClient(t, "https://api.example.com", client.WithTransport(s), client.WithTick(time.Second))
		start := time.Now()
		for range 3 {
			if _, err := c.Do(t.Context(), client.Request{Method: "GET", Path: "/things"}); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(start); took < time.Minute || took > 2*time.Minute {
			t.Errorf("three requests took %s at 2 a minute", took)
		}
	})
}

// TestAnswers: what the body of a success is taken for, and that a web page is none of it.
func TestAnswers(t *testing.T) {
	for kind, want := range map[client.Answer]client.Response{
		client.Text:    {Status: 200, Text: "c4n4ry text"},
		client.Ignored: {Status: 200},
		client.Secret:  {Status: 200, Secret: secret.New("c4n4ry text")},
	} {
		var log bytes.Buffer
		s := &script{replies: []reply{answer(200, "c4n4ry text"), answer(200, "<html>Log in</html>")}}
		c := newPlainClient(t, "https://api.example.com", client.WithTransport(s), client.WithDebug(&log))
		got, err := c.Do(t.Context(), client.Request{Method: "POST", Path: "/things", Answer: kind})
		if err != nil || got.Status != want.Status || got.Text != want.Text || got.Result != nil || !got.Secret.Equal(want.Secret) {
			t.Errorf("%v: %+v, %v", kind, got, err)
		}
		if strings.Contains(log.String(), canary) {
			t.Errorf("%v is logged:\n%s", kind, log.String())
		}
		_, err = c.Do(t.Context(), client.Request{Method: "POST", Path: "/things", Answer: kind})
		if err == nil || !strings.Contains(err.Error(), "web page") || !client.Ambiguous(err) {
			t.Errorf("%v, answered by a page: %v", kind, err)
		}
	}
}

// Where an answer may hold a secret, the log shows its size, and an error shows its text only where nothing has been made.
func TestSecretAnswer(t *testing.T) {
	for status, shown := range map[int]bool{200: false, 400: true, 500: false} {
		for _, body := range []string{"c4n4ry", `{"name":"c4n4ry"}`} {
			var log bytes.Buffer
			c := newPlainClient(t, "https://api.example.com", client.WithTransport(&script{replies: []reply{answer(status, body)}}), client.WithDebug(&log))
			_, err := c.Do(t.Context(), client.Request{Method: "POST", Path: "/things", Answer: client.Secret})
			if got := strings.Contains(fmt.Sprint(err), canary); got != shown {
				t.Errorf("status %d: %v", status, err)
			}
			if strings.Contains(log.String(), canary) || !strings.Contains(log.String(), fmt.Sprintf("body=[%d bytes that are secret]", len(body))) {
				t.Errorf("status %d is logged as\n%s", status, log.String())
			}
		}
	}
}

// A request that is to be sent once is sent once, whatever is known of it. A pause that the API asks for holds for what follows.
func TestOnce(t *testing.T) {
	for name, c := range map[string]struct {
		bad       reply
		ambiguous bool
	}{
		"gateway": {answer(502, "down"), true}, "cut": {cut(okBody), true}, "lost": {fail(io.ErrUnexpectedEOF), true},
		"refused by rate limit": {answer(429, "", "Retry-After", "7"), false},
		"never sent":            {fail(&net.OpError{Op: "dial", Err: io.EOF}), false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &script{replies: []reply{c.bad, answer(200, `{}`)}}
				connection := newPlainClient(t, "https://api.example.com", client.WithTransport(s), client.WithTick(time.Second))
				_, err := connection.Do(t.Context(), client.Request{Method: "PUT", Path: "/things/1", Body: map[string]int{"n": 1}, Once: true})
				if err == nil || client.Ambiguous(err) != c.ambiguous || len(s.requests) != 1 {
					t.Errorf("%d sends, ambiguous: %v: %v", len(s.requests), client.Ambiguous(err), err)
				}
				start := time.Now()
				if _, err := connection.Do(t.Context(), client.Request{Method: "GET", Path: "/things/1"}); err != nil {
					t.Error(err)
				}
				if waited := time.Since(start) >= 7*time.Second; waited != errors.Is(err, client.ErrRateLimited) {
					t.Errorf("the next request was sent after %s", time.Since(start))
				}
			})
		})
	}
}
