package cloud_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/orgctl/orgctl/pkg/apply"
	"github.com/orgctl/orgctl/pkg/apply/journal"
	"github.com/orgctl/orgctl/pkg/apply/secrets"
	"github.com/orgctl/orgctl/pkg/apply/store"
	"github.com/orgctl/orgctl/pkg/client/sim"
	"github.com/orgctl/orgctl/pkg/diff"
)

const oneService = "spec: {services: [{name: orders, provider: aws, region: us-east-1, ipAccessList: []}]}\n"

// stoppedService is stopped as soon as it is made, so that it may be stopped while another run still has to do with its creation.
const stoppedService = "spec: {services: [{name: orders, provider: aws, region: us-east-1, ipAccessList: [], state: stopped}]}\n"

// host is one of several runs on one organization, with a sink and a journal of its own. Its requests go through one by one, as
// the test lets them.
type host struct {
	*bench
	declared string
	gated    atomic.Bool
	waiting  atomic.Bool
	loses    atomic.Bool // the answer to its next creation
	pass     chan struct{}
	ended    chan struct{}
	said     []string // what its reports say beside the bare results
}

func newHost(t *testing.T, server *sim.Server, declared string) *host {
	t.Helper()
	h := &host{declared: declared, bench: &bench{t: t, ctx: t.Context(), server: server, sink: secrets.NewMemory(), journal: journal.Memory(store.Scope{})}}
	h.pass = make(chan struct{})
	h.backend = h.connect(h)
	return h
}

// RoundTrip holds a request back until it is let through.
func (h *host) RoundTrip(r *http.Request) (*http.Response, error) {
	if h.gated.Load() {
		h.waiting.Store(true)
		select {
		case <-h.pass:
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
	answer, err := h.server.Transport().RoundTrip(r)
	if err == nil && r.Method == http.MethodPost && h.loses.Swap(false) {
		return nil, errors.Join(io.ErrUnexpectedEOF, answer.Body.Close())
	}
	return answer, err
}

// begin plans, and starts to apply with every request held back.
func (h *host) begin(ctx context.Context) {
	p := h.plan(manifest(h.t, h.declared))
	h.gated.Store(true)
	h.ended = make(chan struct{})
	go func() {
		defer close(h.ended)
		h.say(apply.Run(ctx, p, h.backend, apply.Defaults()))
	}()
}

func (h *host) say(report *apply.Report) {
	for _, r := range report.Results {
		h.said = append(h.said, r.Error)
	}
	h.said = append(h.said, h.backend.Remarks()...)
}

// ready lets time pass until the next request of the run is held back, and reports whether there is one.
func (h *host) ready() bool {
	for {
		synctest.Wait()
		select {
		case <-h.ended:
			return false
		default:
		}
		if h.waiting.Load() {
			return true
		}
		pass(h.t, time.Second)
	}
}

// pass lets time pass.
func pass(t tester, d time.Duration) {
	t.Helper()
	if err := apply.Sleep(context.Background(), d); err != nil {
		t.Fatal(err)
	}
}

func (h *host) letThrough() {
	h.waiting.Store(false)
	h.pass <- struct{}{}
}

// again is a later run of the host, undisturbed, which finishes what it may.
func (h *host) again(t *testing.T) {
	t.Helper()
	h.gated.Store(false)
	h.backend = h.connect(h)
	p := h.plan(manifest(t, h.declared))
	begun, err := h.backend.Begun(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	asked := func(r diff.Requirement) bool { return r.Kind == diff.RequireCreation }
	if slices.ContainsFunc(p.Requirements, asked) && len(begun) == 0 {
		t.Errorf("a later run may not finish the creation: %s", encode(t, p.Requirements))
	}
	_, report := h.apply(manifest(t, h.declared))
	h.say(report)
	if !report.Converged {
		t.Errorf("a later run does not converge: %s", encode(t, report))
	}
}

// schedule is an order in which the requests of several runs go through.
type schedule struct {
	chosen  []int // where there was a choice, which of the runs
	choices []int // among how many
}

func (s *schedule) choose(n int) int {
	i := len(s.choices)
	s.choices = append(s.choices, n)
	if i == len(s.chosen) {
		s.chosen = append(s.chosen, 0)
	}
	return s.chosen[i]
}

// next is the schedule that comes after, in the order of a tree's leaves; false after the last one.
func (s *schedule) next() (*schedule, bool) {
	for i := len(s.chosen) - 1; i >= 0; i-- {
		if s.chosen[i]+1 < s.choices[i] {
			return &schedule{chosen: append(append([]int{}, s.chosen[:i]...), s.chosen[i]+1)}, true
		}
	}
	return nil, false
}

// play lets requests through until all runs have ended.
func (s *schedule) play(hosts ...*host) {
	for {
		var ready []*host
		for _, h := range hosts {
			if h.ready() {
				ready = append(ready, h)
			}
		}
		switch len(ready) {
		case 0:
			return
		case 1:
			ready[0].letThrough()
		default:
			ready[s.choose(len(ready))].letThrough()
		}
	}
}

// checkStored demands of every secret in every sink that it opens its service, or says itself that it does not, or that a report
// says it.
func checkStored(t *testing.T, when string, hosts ...*host) {
	t.Helper()
	for i, h := range hosts {
		var said []string // by the others: what is not in force is whatever is stored elsewhere
		for _, other := range hosts {
			if other != h {
				said = append(said, other.said...)
			}
		}
		for _, r := range h.sink.Records() {
			opens, _, err := h.server.VerifyPassword(r.Name, r.Password.Reveal())
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(strings.Join(h.said, ""), "another run") && r.NotInForce == "" && when == "afterwards" {
				t.Errorf("%s: host %d was taken over, and its password is not marked: %q", when, i, h.said)
			}
			if !opens && r.NotInForce == "" && !strings.Contains(strings.Join(said, "\n"), "(mark "+r.Mark+") is not in force") {
				t.Errorf("%s: a password of host %d (mark %s, version %d, id %q) opens nothing, and nobody says so:\n%s", when, i, r.Mark, r.Version, r.ID, strings.Join(said, "\n"))
			}
		}
	}
}

// checkOpen demands that some stored password opens the service and does not say otherwise.
func checkOpen(t *testing.T, hosts ...*host) {
	t.Helper()
	for _, h := range hosts {
		for _, r := range h.sink.Records() {
			if opens, _, err := h.server.VerifyPassword(r.Name, r.Password.Reveal()); err == nil && opens && r.NotInForce == "" {
				return
			}
		}
	}
	t.Error("no stored password opens the service")
}

// TestClaimInterleavings lets the requests of two runs at one creation through in every possible order: of the run that creates
// a service and one that finds it half made, and of two that find it half made. Whatever the order, every stored password opens
// the service, or it is said that it does not; and a later run converges, whoever's it is.
func TestClaimInterleavings(t *testing.T) {
	creatorAndFinisher := func(t *testing.T, a, b *host) {
		t.Helper()
		a.begin(t.Context())
		a.ready()
		a.letThrough() // the creation itself
		a.ready()
		b.begin(t.Context())
	}
	for name, test := range map[string]struct {
		declared string
		begin    func(t *testing.T, a, b *host)
	}{
		"the creator and a finisher":                        {oneService, creatorAndFinisher},
		"the creator and a finisher of one that is stopped": {stoppedService, creatorAndFinisher},
		"a creator that has lost the answer and a finisher": {oneService, func(t *testing.T, a, b *host) {
			t.Helper()
			a.loses.Store(true)
			a.begin(t.Context())
			a.ready()
			a.letThrough()
			a.ready()
			b.begin(t.Context())
		}},
		"two finishers": {oneService, func(t *testing.T, a, b *host) {
			t.Helper()
			ctx, kill := context.WithCancel(t.Context())
			creator := newHost(t, a.server, a.declared)
			creator.begin(ctx)
			creator.ready()
			creator.letThrough()
			creator.ready()
			kill()
			<-creator.ended
			a.begin(t.Context())
			b.begin(t.Context())
		}},
	} {
		t.Run(name, func(t *testing.T) {
			n, doubtful := 0, 0
			for s, more := (&schedule{}), true; more; s, more = s.next() {
				n++
				synctest.Test(t, func(t *testing.T) {
					server := sim.New(sim.Config{})
					a, b := newHost(t, server, test.declared), newHost(t, server, test.declared)
					test.begin(t, a, b)
					s.play(a, b)
					checkStored(t, "afterwards", a, b)
					if strings.Contains(strings.Join(append(a.said, b.said...), ""), "is not known") {
						doubtful++
					}
					a.again(t)
					b.again(t)
					checkStored(t, "after a later run", a, b)
					checkOpen(t, a, b)
					if t.Failed() {
						t.Fatalf("order %v", s.chosen)
					}
				})
				if t.Failed() {
					break
				}
			}
			t.Logf("%d orders, in %d of them it is not known at first which password is in force", n, doubtful)
		})
	}
}

// A creation that was finished between the plan and the claim is left alone.
func TestFinishedCreationIsNotClaimed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := sim.New(sim.Config{})
		a, b := newHost(t, server, oneService), newHost(t, server, oneService)
		a.begin(t.Context())
		a.ready()
		a.letThrough()
		a.ready()
		b.begin(t.Context())
		for a.ready() {
			a.letThrough()
		}
		(&schedule{}).play(b)
		if said := strings.Join(b.said, ""); said != "" {
			t.Errorf("b says %q", said)
		}
		if r := a.sink.Records()[0]; len(b.sink.Records()) > 0 || r.NotInForce != "" {
			t.Errorf("a has %+v, b %+v", r, b.sink.Records())
		}
		checkOpen(t, a)
	})
}

// A creation is complete before its service is stopped: a tag on a stopped one is too little for a run on another host, should
// this one end here.
func TestFinishedBeforeItIsStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := sim.New(sim.Config{Faults: []sim.Fault{{Kind: sim.Fault400, Path: "**/state"}}})
		a, b := newHost(t, server, stoppedService), newHost(t, server, stoppedService)
		a.edit(sim.Edit{Kind: "service", Create: true, Name: "orders", Set: map[string]any{
			"ipAccessList": []any{}, "tags": []any{map[string]any{"key": "orgctl-op", "value": "theirs"}},
		}})
		if _, report := a.apply(manifest(t, stoppedService)); report.Converged {
			t.Fatal("the service was stopped")
		}
		server.SetConfig(sim.Config{})
		a.edit(sim.Edit{Kind: "service", Name: "orders", Set: map[string]any{"state": "stopped"}})
		b.again(t)
		checkOpen(t, a)
	})
}

// The journal knows a creation, and the claim of another's, until it is complete, however many runs that takes: with secrets that
// cannot be read back nothing else does, once the service is too old for its tag to count.
func TestJournalKnowsUntilComplete(t *testing.T) {
	for _, claimed := range []bool{false, true} {
		t.Run(map[bool]string{false: "created", true: "claimed"}[claimed], func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				// Whoever finishes a creation sets a password; whoever makes it has only to say at its end that it is complete.
				refused := sim.Fault{Kind: sim.Fault500Before, Method: "PATCH", Path: "**/services/*", Probability: 1}
				if claimed {
					refused.Path = "**/password"
				}
				b := newBench(t.Context(), t, sim.Config{Faults: []sim.Fault{refused}})
				desired := manifest(t, oneService)
				if claimed {
					b.edit(sim.Edit{Kind: "service", Create: true, Name: "orders", Set: map[string]any{
						"ipAccessList": []any{}, "tags": []any{map[string]any{"key": "orgctl-op", "value": "theirs"}},
					}})
				}
				for range 2 {
					if _, report := b.apply(desired); report.Converged {
						t.Fatal("the creation was completed")
					}
				}
				b.server.Advance(3 * time.Hour)
				b.server.SetConfig(sim.Config{})
				b.sink = secrets.NewMemory() // nothing of before can be read back
				b.backend = b.connect(b.server.Transport())
				p := b.plan(desired)
				notes, err := b.backend.Recover(b.ctx)
				if err != nil || len(notes) != 1 || !strings.HasSuffix(notes[0], "is half made") {
					t.Fatalf("settled: %q %v", notes, err)
				}
				if begun, err := b.backend.Begun(b.ctx, p); err != nil || len(begun) != 1 || begun[0] != p.Changes[0].ID {
					t.Fatalf("known: %v %v, of %s", begun, err, encode(t, p))
				}
				b.converge(desired)
				if left := b.journal.Pending(); len(left) > 0 {
					t.Errorf("still open: %v", left)
				}
				b.checkSecretsOf(t, "orders")
			})
		})
	}
}

// checkSecretsOf opens a service with what the sink holds.
func (b *bench) checkSecretsOf(t *testing.T, service string) {
	t.Helper()
	for _, r := range b.sink.Records() {
		if ok, _, err := b.server.VerifyPassword(service, r.Password.Reveal()); err == nil && ok && r.Kind == secrets.Service {
			return
		}
	}
	t.Errorf("no stored password opens %s", service)
}

// A service that somebody deletes just before the last call of its creation is said to be gone, whoever has begun it: its password
// is not in force, and the journal waits for nothing.
func TestServiceDeletedBeforeItsCreationIsComplete(t *testing.T) {
	for _, claimed := range []bool{false, true} {
		t.Run(map[bool]string{false: "created", true: "claimed"}[claimed], func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t.Context(), t, sim.Config{})
				if claimed {
					b.edit(sim.Edit{Kind: "service", Create: true, Name: "orders", Set: map[string]any{
						"ipAccessList": []any{}, "tags": []any{map[string]any{"key": "orgctl-op", "value": "theirs"}},
					}})
				}
				b.backend = b.connect(transport(func(r *http.Request) (*http.Response, error) {
					if body := bodyOf(r); r.Method == http.MethodPatch && strings.Contains(body, `"remove":[{"key":"orgctl-op"}]`) {
						b.edit(sim.Edit{Kind: "service", Name: "orders", Delete: true})
					}
					return b.server.Transport().RoundTrip(r)
				}))
				report := b.tryApply(manifest(t, oneService))
				if r := report.Results[0]; r.Status != apply.Failed || r.Error != "the service is gone: somebody else has deleted it" {
					t.Errorf("%s: %s", r.Status, r.Error)
				}
				if r := b.sink.Records()[0]; r.NotInForce == "" {
					t.Errorf("the password is said to be in force: %+v", r)
				}
				if left := b.journal.Pending(); len(left) > 0 {
					t.Errorf("still open: %v", left)
				}
			})
		})
	}
}

type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// bodyOf reads what a request sends and leaves it to be sent.
func bodyOf(r *http.Request) string {
	if r.Body == nil {
		return ""
	}
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	return string(body)
}
