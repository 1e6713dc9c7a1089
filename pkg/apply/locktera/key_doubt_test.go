package locktera_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/orgctl/orgctl/pkg/apply"
	"github.com/orgctl/orgctl/pkg/apply/backendtest"
	"github.com/orgctl/orgctl/pkg/apply/journal"
	"github.com/orgctl/orgctl/pkg/apply/secrets"
	"github.com/orgctl/orgctl/pkg/apply/store"
	sim "github.com/orgctl/orgctl/pkg/client/sim/locktera"
)

// onTheWay is a way to the server on which requests about keys of a method are answered otherwise.
type onTheWay struct {
	next   http.RoundTripper
	method string
	answer func(pass func() (status int, body []byte)) (status int, body []byte)
}

func (o onTheWay) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method != o.method || !strings.Contains(r.URL.Path, "/api_keys") {
		return o.next.RoundTrip(r)
	}
	response := &http.Response{Header: http.Header{}, Request: r}
	var failed error
	status, body := o.answer(func() (int, []byte) {
		passed, err := o.next.RoundTrip(r)
		if err != nil {
			failed = err
			return 0, nil
		}
		defer func() { _ = passed.Body.Close() }()
		response = passed
		body, err := io.ReadAll(passed.Body)
		failed = err
		return passed.StatusCode, body
	})
	response.StatusCode, response.Body, response.ContentLength = status, io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return response, failed
}

// hiding leaves keys out of lists.
func hiding(next http.RoundTripper, hidden func(id string) bool) http.RoundTripper {
	return onTheWay{next, http.MethodGet, func(pass func() (int, []byte)) (int, []byte) {
		status, body := pass()
		var all, shown []map[string]any
		if json.Unmarshal(body, &all) != nil {
			return status, body
		}
		for _, k := range all {
			if id, _ := k["id"].(string); !hidden(id) {
				shown = append(shown, k)
			}
		}
		text, _ := json.Marshal(shown)
		return status, text
	}}
}

func (b *bench) late() http.RoundTripper {
	return hiding(b.server.Transport(), func(id string) bool { return !b.foreign[id] })
}

func unsettled(r backendtest.Run) []string { return r.Backend.Unsettled() }

// A key that was made and shows later than a run waits is not made again, and its record gets no other id than its own.
func TestLateKeyIsNotMadeTwice(t *testing.T) {
	for name, c := range map[string]struct {
		config sim.Config
		others int
	}{
		"alone":                   {},
		"another one of its name": {sim.Config{Meanwhile: []sim.Meanwhile{{Method: http.MethodPost, Edit: sim.Edit{Kind: "key", Name: "ci", Create: true}}}}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t.Context(), t, world{config: c.config})
				ours := ""
				late := hiding(b.server.Transport(), func(id string) bool { return id == ours })
				first := b.through(onTheWay{late, http.MethodPost, func(pass func() (int, []byte)) (int, []byte) {
					status, body := pass()
					var made struct{ ID string }
					if json.Unmarshal(body, &made) != nil {
						t.Error("no answer")
					}
					ours = made.ID
					return status, body
				}})
				report := first.TryApply(backendtest.Manifest(t, oneKey))
				if r := report.Results[0]; r.Status != apply.Unknown || report.Converged {
					t.Fatalf("%s", backendtest.Encode(t, report))
				}
				second := b.through(late)
				notes, err := second.Backend.Recover(t.Context())
				if err != nil || len(notes) != 1 || !strings.Contains(notes[0], "not listed yet") || len(unsettled(second)) != 1 {
					t.Errorf("%q, %v, unsettled %q", notes, err, unsettled(second))
				}
				if c.others == 0 {
					report = second.TryApply(backendtest.Manifest(t, oneKey))
					if r := report.Results[0]; r.Status != apply.Failed || !strings.Contains(r.Error, "its secret is stored in ci.") {
						t.Errorf("%s: %s", r.Status, r.Error)
					}
				}
				if n := len(b.made()); n != 1+c.others {
					t.Errorf("%d keys", n)
				}
				if r := b.sink.Records(); len(r) != 1 || r[0].ID != "" {
					t.Errorf("records of %v", r)
				}
				third := b.run()
				if _, err = third.Backend.Recover(t.Context()); err != nil || len(unsettled(third)) > 0 || len(b.journal.Pending()) > 0 {
					t.Errorf("%v, unsettled %q", err, unsettled(third))
				}
				if r := b.sink.Records(); len(r) != 1 || r[0].ID != ours {
					t.Errorf("the record is of %s, the key is %s", r[0].ID, ours)
				}
			})
		})
	}
}

// sealed is a sink that cannot read what it stores.
type sealed struct{ *secrets.Memory }

func (sealed) Find(context.Context, secrets.Query) ([]secrets.Record, error) { return nil, nil }

func (sealed) InForce(context.Context, store.Scope, string, string) []secrets.Record { return nil }

// That a key was made is kept in mind where its answer cannot be read back, or was not stored, until a list has shown the key.
func TestLateKeyWithoutReadableAnswer(t *testing.T) {
	for name, place := range map[string]func(*bench) secrets.Sink{
		"sealed":     func(b *bench) secrets.Sink { return sealed{b.sink} },
		"not stored": func(b *bench) secrets.Sink { return noPlace{b.sink} },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t.Context(), t, world{})
				b.place = place(b)
				b.through(b.late()).TryApply(backendtest.Manifest(t, oneKey))
				id := b.made()[0].ID
				for range 2 {
					run := b.through(b.late())
					notes, err := run.Backend.Recover(t.Context())
					if err != nil || len(notes) != 1 || !strings.Contains(notes[0], "not listed yet") || len(unsettled(run)) != 1 {
						t.Errorf("%q, %v", notes, err)
					}
					if r := run.TryApply(backendtest.Manifest(t, oneKey)).Results[0]; r.Status != apply.Failed || len(b.made()) != 1 {
						t.Errorf("%s: %s; there are %v", r.Status, r.Error, b.made())
					}
				}
				if notes, err := b.run().Backend.Recover(t.Context()); err != nil || len(notes) != 1 || !strings.Contains(notes[0], id) {
					t.Errorf("%q, %v", notes, err)
				}
				b.edit(sim.Edit{Kind: "key", ID: id, Delete: true})
				if notes, err := b.run().Backend.Recover(t.Context()); err != nil || len(b.journal.Pending()) > 0 {
					t.Errorf("%q, %v", notes, err)
				}
			})
		})
	}
}

// A stored answer of which it is not known what key it is of keeps another one from being made, also when the journal is lost.
func TestStoredAnswerWithoutJournal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t.Context(), t, world{})
		b.through(b.late()).TryApply(backendtest.Manifest(t, oneKey))
		b.journal = journal.Memory(b.journal.Scope())
		report := b.through(b.late()).TryApply(backendtest.Manifest(t, oneKey))
		if r := report.Results[0]; r.Status != apply.Failed || len(b.made()) != 1 {
			t.Errorf("%s: %s; there are %v", r.Status, r.Error, b.made())
		}
	})
}

// What a killed run has made is looked for as long as a list may take to show it, before it counts as not made.
func TestKilledCreationShowsLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t.Context(), t, world{})
		if _, err := b.journal.Begin(journal.Intent{Kind: "key", Name: "ci", Mark: "12345678"}); err != nil {
			t.Fatal(err)
		}
		id := b.edit(sim.Edit{Kind: "key", Name: "ci", Create: true}).ID
		shows := time.Now().Add(25 * time.Second)
		late := func() http.RoundTripper {
			return hiding(b.server.Transport(), func(i string) bool { return i == id && time.Now().Before(shows) })
		}
		for range 2 {
			run := b.through(late())
			notes, err := run.Backend.Recover(t.Context())
			if err != nil || len(notes) != 1 || !strings.Contains(notes[0], id) || len(unsettled(run)) != 1 {
				t.Errorf("%q, %v, unsettled %q", notes, err, unsettled(run))
			}
		}
		// The deletion of it settles that.
		run := b.run()
		if _, err := run.Backend.Recover(t.Context()); err != nil {
			t.Fatal(err)
		}
		run.Converge(backendtest.Manifest(t, "spec: {api: locktera/v1, keys: [{name: ci, id: "+id+", ensure: absent}]}\npolicy: {allowDelete: [key/ci]}"))
		if left := unsettled(run); len(left) > 0 || len(b.journal.Pending()) > 0 {
			t.Errorf("unsettled %q", left)
		}
	})
}

// A look that ends early proves nothing.
func TestInterruptedLookProvesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t.Context(), t, world{})
		if _, err := b.journal.Begin(journal.Intent{Kind: "key", Name: "ci", Mark: "12345678"}); err != nil {
			t.Fatal(err)
		}
		for _, after := range []time.Duration{0, time.Second / 2, 5 * time.Second} {
			ctx, cancel := context.WithCancel(t.Context())
			run := b.through(onTheWay{b.server.Transport(), http.MethodGet, func(pass func() (int, []byte)) (int, []byte) {
				defer time.AfterFunc(after, cancel)
				return pass()
			}})
			if notes, err := run.Backend.Recover(ctx); err == nil || len(b.journal.Pending()) != 1 {
				t.Fatalf("after %s: %q", after, notes)
			}
		}
	})
}

// A creation of which no more is known keeps another one from being made also where nobody has recovered from it.
func TestNoneIsMadeBesideOneThatMayBe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t.Context(), t, world{})
		if _, err := b.journal.Begin(journal.Intent{Kind: "key", Name: "ci", Mark: "12345678"}); err != nil {
			t.Fatal(err)
		}
		id := b.edit(sim.Edit{Kind: "key", Name: "ci", Create: true}).ID
		shows := time.Now().Add(25 * time.Second)
		report := b.through(hiding(b.server.Transport(), func(i string) bool { return i == id && time.Now().Before(shows) })).
			TryApply(backendtest.Manifest(t, oneKey))
		if r := report.Results[0]; r.Status != apply.Failed || !strings.Contains(r.Error, id) || len(b.made()) != 1 {
			t.Errorf("%s: %s; there are %v", r.Status, r.Error, b.made())
		}
	})
}

// An answer of success to a deletion, or that there is nothing, is believed when the key is listed no more.
func TestDeletionWithoutEffect(t *testing.T) {
	for status, says := range map[int]string{http.StatusOK: "accepted the deletion and still lists", http.StatusNotFound: "still lists it"} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t.Context(), t, world{})
				b.run().Converge(backendtest.Manifest(t, oneKey))
				id := b.made()[0].ID
				without := onTheWay{b.server.Transport(), http.MethodDelete, func(func() (int, []byte)) (int, []byte) { return status, nil }}
				gone := backendtest.Manifest(t, "spec: {api: locktera/v1, keys: [{name: ci, ensure: absent}]}\npolicy: {allowDelete: [key/ci]}")
				report := b.through(without).TryApply(gone)
				if r := report.Results[0]; r.Status != apply.Failed || !strings.Contains(r.Error, says) || !strings.Contains(r.Error, id) {
					t.Errorf("%s: %s", r.Status, r.Error)
				}

				// Nor is a key taken away because somebody says so.
				b.run().Converge(gone)
				b.place = noPlace{b.sink}
				report = b.through(without).TryApply(backendtest.Manifest(t, oneKey))
				id = b.made()[0].ID
				if r := report.Results[0]; r.Status != apply.Failed || !strings.Contains(r.Error, id) || strings.Contains(r.Error, "\n") {
					t.Errorf("%s: %s", r.Status, r.Error)
				}
				run := b.run()
				if notes, err := run.Backend.Recover(t.Context()); err != nil || len(notes) != 1 || !strings.Contains(notes[0], id) || len(unsettled(run)) != 1 {
					t.Errorf("%q, %v", notes, err)
				}
			})
		})
	}
}

// What follows a creation is done, although the run is told to begin nothing more.
func TestStoppedBehindACreation(t *testing.T) {
	for name, c := range map[string]struct {
		lag    time.Duration
		status apply.Status
	}{
		"shows at once": {0, apply.Applied},
		"shows late":    {10 * time.Second, apply.Applied},
		"shows not":     {time.Hour, apply.Unknown},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t.Context(), t, world{})
				begun, stop := time.Now(), make(chan struct{})
				late := hiding(b.server.Transport(), func(id string) bool { return !b.foreign[id] && time.Since(begun) < c.lag })
				run := b.through(onTheWay{late, http.MethodPost, func(pass func() (int, []byte)) (int, []byte) {
					close(stop)
					return pass()
				}})
				opts := apply.Defaults()
				opts.Stop = stop
				report := apply.Run(t.Context(), run.Plan(backendtest.Manifest(t, oneKey)), run.Backend, opts)
				if r := report.Results[0]; r.Status != c.status {
					t.Errorf("%s: %s", r.Status, r.Error)
				}
				if r := b.sink.Records(); len(r) != 1 || (r[0].ID == b.made()[0].ID) != (c.status == apply.Applied) {
					t.Errorf("%d records", len(r))
				}
			})
		})
	}
}

// The words of an answer to a creation may hold the secret, whatever its status, and a status that is no plain refusal is no proof that
// nothing was made.
func TestRefusalOfAKey(t *testing.T) {
	for status, made := range map[int]bool{
		http.StatusBadRequest: false, http.StatusUnprocessableEntity: false, http.StatusConflict: false,
		http.StatusGone: true, http.StatusPaymentRequired: true, http.StatusBadGateway: true,
	} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t.Context(), t, world{})
				report := b.through(onTheWay{b.server.Transport(), http.MethodPost, func(pass func() (int, []byte)) (int, []byte) {
					if made {
						pass()
					}
					return status, []byte(`{"message": "made c4n4ry", "code": "c4n4ry", "fields": {"x": "c4n4ry"}}`)
				}}).TryApply(backendtest.Manifest(t, oneKey))
				r := report.Results[0]
				if r.Status != apply.Failed || strings.Contains(r.Error, "c4n4ry") || len(b.journal.Pending()) == 1 != made {
					t.Errorf("%s: %s", r.Status, r.Error)
				}
				if made && !strings.Contains(r.Error, b.made()[0].ID) || !made && !strings.Contains(r.Error, fmt.Sprint(status)) {
					t.Errorf("%s", r.Error)
				}
			})
		})
	}
}

// That nothing in an answer looks like a secret is said.
func TestAnswerWithoutSecret(t *testing.T) {
	for answer, want := range map[string]bool{
		`{"id": %q, "name": "ci", "permissions": ["read"]}`: true, `{"id": %q, "api_key": null}`: true, `{"id": %q, "status": "OK"}`: true,
		`null`: true, `OK`: true, `"OK"`: true,
		`{"id": %q, "api_key": "some secret"}`: false, `{"data": {"secret": "some secret"}}`: false, `some secret`: false, `"some secret"`: false,
	} {
		t.Run(answer, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t.Context(), t, world{})
				run := b.through(onTheWay{b.server.Transport(), http.MethodPost, func(pass func() (int, []byte)) (int, []byte) {
					status, _ := pass()
					if strings.Contains(answer, "%q") {
						return status, fmt.Appendf(nil, answer, b.made()[0].ID)
					}
					return status, []byte(answer)
				}})
				run.Converge(backendtest.Manifest(t, oneKey))
				if remarks := run.Backend.Remarks(); (len(remarks) == 1 && strings.Contains(remarks[0], "no field that could be the secret")) != want {
					t.Errorf("%q", remarks)
				}
			})
		})
	}
}

// A list that shows a key twice shows one key.
func TestListThatShowsAKeyTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t.Context(), t, world{})
		b.run().Converge(backendtest.Manifest(t, oneKey))
		run := b.through(onTheWay{b.server.Transport(), http.MethodGet, func(pass func() (int, []byte)) (int, []byte) {
			status, body := pass()
			var all []any
			if err := json.Unmarshal(body, &all); err != nil {
				t.Error(err)
			}
			text, _ := json.Marshal(append(all, all...))
			return status, text
		}})
		run.CheckOnce()
		if p := run.Plan(backendtest.Manifest(t, oneKey)); !p.Converged() {
			t.Errorf("plan: %s", backendtest.Encode(t, p))
		}
	})
}
