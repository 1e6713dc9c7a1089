package locktera_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orgctl/orgctl/pkg/client/sim/locktera"
)

type object = map[string]any

// bench is a Server on a clock that stands still, reached over HTTP.
type bench struct {
	*testing.T
	server *locktera.Server
	url    string // of the API, prefix included
	host   string
	key    string
	org    string // the path of the caller's organization
}

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func start(t *testing.T, cfg locktera.Config) *bench {
	t.Helper()
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	return mount(t, locktera.New(cfg, locktera.WithClock(func() time.Time { return noon })))
}

func mount(t *testing.T, server *locktera.Server) *bench {
	t.Helper()
	listener := httptest.NewServer(server)
	t.Cleanup(listener.Close)
	credentials := server.Credentials()
	return &bench{
		T: t, server: server, host: listener.URL, url: listener.URL + server.Prefix(), key: credentials.Key,
		org: "/orgs/" + credentials.OrganizationID,
	}
}

// answer is a reply, with its body as it is and, where it is JSON, decoded.
type answer struct {
	status int
	header http.Header
	raw    string
	value  any
}

func (b *bench) send(method, url, contentType, body string) (answer, error) {
	b.Helper()
	req, err := http.NewRequestWithContext(b.Context(), method, url, strings.NewReader(body))
	if err != nil {
		b.Fatal(err)
	}
	if b.key != "" {
		req.Header.Set("Authorization", "Bearer "+b.key)
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return answer{}, err
	}
	a := answer{status: resp.StatusCode, header: resp.Header, raw: string(raw)}
	_ = json.Unmarshal(raw, &a.value) // some bodies are no JSON
	return a, nil
}

// try asks for a path below the caller's organization, or, where it begins with //, below the prefix.
func (b *bench) try(method, path, body string) answer {
	b.Helper()
	full := b.org + path
	if strings.HasPrefix(path, "//") {
		full = path[1:]
	}
	a, err := b.send(method, b.url+full, "application/json", body)
	if err != nil {
		b.Fatalf("%s %s: %v", method, full, err)
	}
	return a
}

// ask is try for what must succeed.
func (b *bench) ask(method, path, body string) answer {
	b.Helper()
	a := b.try(method, path, body)
	if a.status < 200 || a.status > 299 {
		b.Fatalf("%s %s: %d %s", method, path, a.status, a.raw)
	}
	return a
}

// control uses the control API.
func (b *bench) control(method, path, body string) answer {
	b.Helper()
	a, err := b.send(method, b.host+"/_sandbox"+path, "", body)
	if err != nil {
		b.Fatal(err)
	}
	return a
}

// edit changes something out of band.
func (b *bench) edit(e locktera.Edit) locktera.Edited {
	b.Helper()
	done, err := b.server.Edit(e)
	if err != nil {
		b.Fatal(err)
	}
	return done
}

// as is the same with another key.
func (b *bench) as(key string) *bench {
	other := *b
	other.key = key
	return &other
}

// want compares a decoded body with JSON in which "*" stands for any text.
func (a answer) want(t *testing.T, status int, body string) {
	t.Helper()
	if a.status != status {
		t.Errorf("status %d, want %d: %s", a.status, status, a.raw)
	}
	var want any
	if body != "" {
		if err := json.NewDecoder(bytes.NewReader([]byte(body))).Decode(&want); err != nil {
			t.Fatalf("%s: %v", body, err)
		}
	}
	wild := cmp.FilterValues(func(x, y any) bool { return x == "*" || y == "*" }, cmp.Comparer(func(x, y any) bool {
		other := x
		if x == "*" {
			other = y
		}
		text, isText := other.(string)
		return isText && text != ""
	}))
	if diff := cmp.Diff(want, a.value, wild); diff != "" {
		t.Errorf("body (-want +got):\n%s", diff)
	}
}
