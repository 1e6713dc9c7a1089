package locktera_test

import (
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/orgctl/orgctl/pkg/apply"
	"github.com/orgctl/orgctl/pkg/apply/backendtest"
	sim "github.com/orgctl/orgctl/pkg/client/sim/locktera"
)

// bent is a transport on which the requests that it has an answer for do not arrive. It keeps the methods of what was sent.
type bent struct {
	next   http.RoundTripper
	answer func(r *http.Request, next http.RoundTripper) (*http.Response, error) // nil, nil lets a request through

	mu   sync.Mutex // an observation reads side by side
	sent []string
}

func (b *bent) RoundTrip(r *http.Request) (*http.Response, error) {
	b.mu.Lock()
	b.sent = append(b.sent, r.Method)
	b.mu.Unlock()
	if response, err := b.answer(r, b.next); response != nil || err != nil {
		return response, err
	}
	return b.next.RoundTrip(r)
}

// says is an answer that does not come from the API's own code.
func says(status int, body string, headers ...string) func(*http.Request) (*http.Response, error) {
	return func(r *http.Request) (*http.Response, error) {
		h := http.Header{}
		for i := 0; i < len(headers); i += 2 {
			h.Set(headers[i], headers[i+1])
		}
		return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
	}
}

func breaks(err error) func(*http.Request) (*http.Response, error) {
	return func(*http.Request) (*http.Response, error) { return nil, err }
}

// notExecuted are the ways in which a write can fail that may be sent again.
var notExecuted = map[string]func(*http.Request) (*http.Response, error){
	"unavailable":             says(503, "busy"),
	"rate limit":              says(429, ""),
	"rate limit with a pause": says(429, "", "Retry-After", "40"),
	"connection lost":         breaks(io.ErrUnexpectedEOF),
	"no connection":           breaks(&net.OpError{Op: "dial", Err: errors.New("refused")}),
}

// What a reading may be answered with.
var broken, denied = says(500, ""), says(403, "")

// TestSentAgainFromANewReading: what somebody else writes between a sending that failed and the next one stays, and where it is of
// the same, nothing more is sent.
func TestSentAgainFromANewReading(t *testing.T) {
	const desired = "spec: {api: locktera/v1, name: Other, customizations: {theme: dark}}"
	for how, fails := range notExecuted {
		for name, c := range map[string]struct {
			method string
			theirs map[string]any
			want   string // in the error, "" where all is applied
		}{
			"another customization": {http.MethodPut, map[string]any{"customizations": map[string]any{"logo_url": "theirs"}}, ""},
			"the customization":     {http.MethodPut, map[string]any{"customizations": map[string]any{"theme": "theirs"}}, `theme is "theirs" now and was absent`},
			"the name":              {http.MethodPatch, map[string]any{"name": "Theirs"}, `the name is "Theirs" now and was "Sandbox"`},
			"nothing":               {http.MethodPatch, map[string]any{"customizations": map[string]any{"logo_url": "theirs"}}, ""},
		} {
			t.Run(how+", "+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					b := newBench(t.Context(), t, world{})
					writes := 0
					wire := &bent{next: b.server.Transport(), answer: func(r *http.Request, _ http.RoundTripper) (*http.Response, error) {
						if r.Method != c.method {
							return nil, nil
						}
						if writes++; writes > 1 {
							return nil, nil
						}
						b.edit(sim.Edit{Kind: "organization", Set: c.theirs})
						return fails(r)
					}}
					_, report := b.through(wire).Apply(backendtest.Manifest(t, desired))
					result := report.Results[0]
					if (c.want == "") != (result.Status == apply.Applied) || !strings.Contains(result.Error, c.want) {
						t.Errorf("%s: %s", result.Status, result.Error)
					}
					if want := map[bool]int{true: 2, false: 1}[c.want == ""]; writes != want {
						t.Errorf("sent %d times, want %d", writes, want)
					}
					for key, theirs := range c.theirs {
						if custom, ok := theirs.(map[string]any); ok {
							for key, want := range custom {
								if got := b.customizations()[key]; got != want {
									t.Errorf("customization %s is %v, and they had set it to %v", key, got, want)
								}
							}
						} else if got := b.state().Organizations[0]; key == "name" && got.Name != theirs {
							t.Errorf("the name is %q, and they had set it to %q", got.Name, theirs)
						}
					}
					for i, method := range wire.sent {
						if method == c.method && wire.sent[i-1] != http.MethodGet {
							t.Errorf("not read right before it was sent: %q", wire.sent)
						}
					}
				})
			})
		}
	}
}

// A write that fails for ever is sent a few times, and what is said of it is what is known.
func TestSentAgainAFewTimes(t *testing.T) {
	for how, fails := range notExecuted {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t.Context(), t, world{})
			writes := 0
			wire := &bent{next: b.server.Transport(), answer: func(r *http.Request, _ http.RoundTripper) (*http.Response, error) {
				if r.Method != http.MethodPut {
					return nil, nil
				}
				writes++
				return fails(r)
			}}
			_, report := b.through(wire).Apply(backendtest.Manifest(t, "spec: {api: locktera/v1, customizations: {theme: dark}}"))
			want := apply.Failed
			if how == "unavailable" || how == "connection lost" {
				want = apply.Unknown
			}
			if result := report.Results[0]; writes != 5 || result.Status != want {
				t.Errorf("%s: sent %d times, %s: %s", how, writes, result.Status, result.Error)
			}
		})
	}
}

// TestStopLooksAtWhatWasSent: a run that is told to begin nothing more reads what has become of a write that it has sent.
func TestStopLooksAtWhatWasSent(t *testing.T) {
	for method, desired := range map[string]string{
		http.MethodPut:   "spec: {api: locktera/v1, customizations: {theme: dark}}",
		http.MethodPatch: "spec: {api: locktera/v1, name: Other}",
	} {
		for name, c := range map[string]struct {
			write func(*http.Request) (*http.Response, error) // instead of the API's own answer
			read  func(*http.Request) (*http.Response, error) // the same, of what is read afterwards
			want  apply.Status
		}{
			"answered":                          {nil, nil, apply.Applied},
			"answer lost":                       {notExecuted["connection lost"], nil, apply.Applied},
			"not to be read":                    {nil, broken, apply.Unknown},
			"answer lost and not to be read":    {notExecuted["connection lost"], broken, apply.Unknown},
			"answered, and the right withdrawn": {nil, denied, apply.Unknown},
		} {
			t.Run(method+", "+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					b := newBench(t.Context(), t, world{})
					stop, stopped := make(chan struct{}), false
					wire := &bent{next: b.server.Transport(), answer: func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
						switch {
						case r.Method == method:
							close(stop)
							synctest.Wait()
							stopped = true
							response, err := next.RoundTrip(r)
							if c.write != nil {
								return c.write(r)
							}
							return response, err
						case stopped && c.read != nil:
							return c.read(r)
						default:
							return nil, nil
						}
					}}
					run := b.through(wire)
					opts := apply.Defaults()
					opts.Stop = stop
					report := apply.Run(run.Context, run.Plan(backendtest.Manifest(t, desired)), run.Backend, opts)
					if result := report.Results[0]; result.Status != c.want || strings.Contains(result.Error, "\n") {
						t.Errorf("%s: %s", result.Status, result.Error)
					}
				})
			})
		}
	}
}

// TestReadingsThatLackSomething: what an API answers with less than there is, or with the text of an error, is not written back.
func TestReadingsThatLackSomething(t *testing.T) {
	const desired = "spec: {api: locktera/v1, customizations: {theme: dark}}"
	for name, c := range map[string]struct {
		body string
		from int // the reading, counted from 1, from which on it comes
		want string
	}{
		"an error, observed":                   {`{"message":"quota exceeded","code":403}`, 1, `it says "quota exceeded" instead of customizations`},
		"an error, before the writing":         {`{"message":"quota exceeded","code":403}`, 2, `it says "quota exceeded" instead of customizations`},
		"an error of another form":             {`{"error":"too many","status":"failed","requestId":"r1"}`, 2, `it says "too many" instead of customizations`},
		"nothing, before the writing":          {`{}`, 2, "customizations that were there when this was planned are gone now (footer, logo_url)"},
		"nothing wrapped, before the writing":  {`{"customizations":{}}`, 2, "gone now (footer, logo_url)"},
		"null, before the writing":             {`null`, 2, "it has no result"},
		"null wrapped, before the writing":     {`{"customizations":null}`, 2, "gone now (footer, logo_url)"},
		"some nulls, before the writing":       {`{"logo_url":"theirs","footer":null}`, 2, "customizations that were there when this was planned are gone now (footer)"},
		"all but the text, before the writing": {`{"footer":"theirs","message":"welcome"}`, 2, "customizations that were there when this was planned are gone now (logo_url)"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t.Context(), t, world{})
				b.edit(sim.Edit{Kind: "organization", Set: map[string]any{"customizations": map[string]any{"logo_url": "theirs", "footer": "theirs"}}})
				reading := 0
				wire := &bent{next: b.server.Transport(), answer: func(r *http.Request, _ http.RoundTripper) (*http.Response, error) {
					if r.Method != http.MethodGet || !strings.HasSuffix(r.URL.Path, "/customizations") {
						return nil, nil
					}
					if reading++; reading < c.from {
						return nil, nil
					}
					return says(200, c.body)(r)
				}}
				run := b.through(wire)
				p, err := run.TryPlan(backendtest.Manifest(t, desired), nil)
				if err == nil {
					err = errors.New(apply.Run(run.Context, p, run.Backend, apply.Defaults()).Results[0].Error)
				}
				if !strings.Contains(err.Error(), c.want) {
					t.Errorf("want %q, got %v", c.want, err)
				}
				if slices.Contains(wire.sent, http.MethodPut) {
					t.Error("something was written")
				}
			})
		})
	}
}
