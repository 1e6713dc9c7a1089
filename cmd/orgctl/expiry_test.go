package main

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/orgctl/orgctl/pkg/client/sim"
)

// TestExpiryOfTheKeyInUse: a key that is given an expiry, or that has one, outlasts the run that it carries out, by the API's
// clock, which stands a year from ours.
func TestExpiryOfTheKeyInUse(t *testing.T) {
	t.Parallel()
	const service = "services: [{name: orders, provider: aws, region: us-east-1, ipAccessList: []}]"
	now := time.Date(2027, 6, 30, 0, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		name, live, spec string
		args             []string
		code             int
		says             string
	}{
		{
			name: "in half a minute", spec: "keys: [{name: sandbox, expireAt: 2027-06-30T00:00:30Z}]",
			code: exitBlocked, says: "is the key in use and would expire at 2027-06-30T00:00:30Z, less than 1h0m0s after this plan, which may take 5s, has been applied",
		},
		{
			name: "in two hours, beside a creation that may take almost as long",
			spec: "keys: [{name: sandbox, expireAt: 2027-06-30T02:00:00Z}], " + service,
			code: exitBlocked, says: "would expire at 2027-06-30T02:00:00Z, less than 1h0m0s after this plan, which may take 1h15m10s",
		},
		{
			name: "in two hours, beside a creation that is not waited for so long",
			spec: "keys: [{name: sandbox, expireAt: 2027-06-30T02:00:00Z}], " + service, args: []string{"--create-timeout", "20m"},
			says: "this key keeps admin until 2027-06-30T02:00:00Z",
		},
		{
			name: "in a week", spec: "keys: [{name: sandbox, expireAt: 2027-07-07T02:00:00+02:00}], " + service,
			says: "this key keeps admin until 2027-07-07T00:00:00Z",
		},
		{
			name: "put off", live: "2027-06-30T00:10:00Z", spec: "keys: [{name: sandbox, expireAt: 2027-06-30T00:30:00Z}]",
			says: "this key keeps admin until 2027-06-30T00:30:00Z",
		},
		{
			name: "put off in the run that might outlast it", live: "2027-06-30T00:10:00Z",
			spec: "keys: [{name: sandbox, expireAt: 2028-06-30T00:00:00Z}], " + service,
			code: exitBlocked, says: "is the key in use and expires at 2027-06-30T00:10:00Z, and applying this plan may take 1h15m10s",
		},
		{
			name: "soon as it is", live: "2027-06-30T00:30:00Z", spec: service,
			code: exitBlocked, says: "is the key in use and expires at 2027-06-30T00:30:00Z, and applying this plan may take 1h15m5s",
		},
		{
			name: "soon, and long enough for what is to be done", live: "2027-06-30T00:30:00Z", spec: "name: Acme",
			says: "this key keeps admin until 2027-06-30T00:30:00Z",
		},
		{
			name: "soon, with nothing to be done", live: "2027-06-30T00:00:02Z", spec: "keys: [{name: sandbox, state: enabled}]",
			says: "converged",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			api := sim.New(sim.Config{}, sim.WithClock(func() time.Time { return now }))
			if test.live != "" {
				edit := sim.Edit{Kind: "key", Name: "sandbox", Set: map[string]any{"expireAt": test.live}}
				if _, err := api.Edit(edit); err != nil {
					t.Fatal(err)
				}
			}
			p := newProgram(t, credentials(t, api)...)
			p.write(t, "org.yaml", manifest("spec: {"+test.spec+"}"))
			if shown := p.ok(t, "plan", "-f", "org.yaml"); test.args == nil && test.says != "converged" && !strings.Contains(shown.stdout, test.says) {
				t.Errorf("plan does not say %q:\n%s", test.says, shown.stdout)
			}
			api.ResetRequests()
			r := p.run(t, append([]string{"apply", "--yes", "-f", "org.yaml", "--secrets-out", "secrets"}, test.args...)...)
			if r.code != test.code || !strings.Contains(r.stdout, test.says) {
				t.Errorf("exit code %d, want %d and %q\n%s\n%s", r.code, test.code, test.says, r.stdout, r.stderr)
			}
			last := lastWrite(api)
			switch toKey := strings.Contains(last, "/keys/"); {
			case test.code == exitBlocked && last != "":
				t.Errorf("%s was sent", last)
			case test.code == exitOK && strings.Contains(test.spec, "expireAt") && !toKey:
				t.Errorf("after the expiry of the key in use came %s", last)
			}
		})
	}
}

// TestLateConfirmation: between the question and its answer the API's clock may have gone any way, and keys may have come to
// their end.
func TestLateConfirmation(t *testing.T) {
	t.Parallel()
	now := time.Date(2027, 6, 30, 0, 0, 0, 0, time.UTC)
	for _, test := range []struct{ name, spec, says string }{
		{"of the key in use", "name: Acme", "OC341 key/sandbox is the key in use and expires at 2027-06-30T02:00:00Z"},
		{
			"of the key to be made", "keys: [{name: ci, roles: [developer], ipAccessList: [], expireAt: 2027-06-30T01:00:00Z}]",
			"OC350 key/ci its expireAt, 2027-06-30T01:00:00Z, has passed",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			api := sim.New(sim.Config{}, sim.WithClock(func() time.Time { return now }))
			edit := sim.Edit{Kind: "key", Name: "sandbox", Set: map[string]any{"expireAt": "2027-06-30T02:00:00Z"}}
			if _, err := api.Edit(edit); err != nil {
				t.Fatal(err)
			}
			p := newProgram(t, credentials(t, api)...)
			p.write(t, "org.yaml", manifest("spec: {"+test.spec+"}"))
			e := testEnv()
			var stderr strings.Builder
			e.stderr, e.stdinTTY = &stderr, true
			e.stdin = readerFunc(func(b []byte) (int, error) {
				api.Advance(2*time.Hour - time.Second)
				return copy(b, "yes\n"), nil
			})
			e.getenv = func(name string) string {
				for _, v := range p.env {
					if value, ok := strings.CutPrefix(v, name+"="); ok {
						return value
					}
				}
				return ""
			}
			got := run(t.Context(), []string{"orgctl", "apply", "-f", filepath.Join(p.dir, "org.yaml"), "--secrets-out", filepath.Join(p.dir, "secrets")}, e)
			if got != exitBlocked || !strings.Contains(stderr.String(), test.says) {
				t.Errorf("exit code %d, want %d and %q\n%s", got, exitBlocked, test.says, stderr.String())
			}
			if last := lastWrite(api); last != "" {
				t.Errorf("%s was sent", last)
			}
		})
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(b []byte) (int, error) { return f(b) }

// lastWrite is the last request that was meant to change something, "" if there was none.
func lastWrite(api *sim.Server) string {
	last := ""
	for _, r := range api.Requests() {
		if r.Method != http.MethodGet {
			last = r.Method + " " + r.Path
		}
	}
	return last
}
