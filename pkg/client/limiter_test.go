package client_test

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/orgctl/orgctl/pkg/client"
	"github.com/orgctl/orgctl/pkg/client/cloudapi"
)

// run lets one caller after each delay wait for l, in a bubble with a clock of its own, and returns the times from the
// start at which they were let through, by caller.
func run(t *testing.T, r client.Rate, delays []time.Duration) []time.Duration {
	t.Helper()
	sent := make([]time.Duration, len(delays))
	synctest.Test(t, func(t *testing.T) {
		l := client.NewLimiter(r, time.Second)
		start := time.Now()
		var wg sync.WaitGroup
		for i, delay := range delays {
			wg.Go(func() {
				elapse(t, delay)
				if err := l.Wait(t.Context()); err != nil {
					t.Errorf("wait: %v", err)
				}
				sent[i] = time.Since(start)
			})
		}
		wg.Wait()
	})
	return sent
}

func TestLimiterNeverExceedsItsRate(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		r := client.Rate{
			Requests: rapid.IntRange(1, 12).Draw(rt, "requests"),
			Window:   time.Duration(rapid.Int64Range(1, int64(20*time.Second)).Draw(rt, "window")),
		}
		delays := rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) time.Duration {
			return time.Duration(rapid.Int64Range(0, int64(30*time.Second)).Draw(rt, "delay"))
		}), 1, 60).Draw(rt, "delays")

		sent := slices.Sorted(slices.Values(run(t, r, delays)))
		for i := r.Requests; i < len(sent); i++ {
			// Sends i-N to i are N+1, which must not fit into one window.
			if d := sent[i] - sent[i-r.Requests]; d < r.Window+200*time.Millisecond {
				rt.Fatalf("%d sends within %s at rate %s: %v", r.Requests+1, d, r, sent)
			}
		}
	})
}

func TestLimiterKeepsTheBudgetBusy(t *testing.T) {
	r := cloudapi.Dialect().Rate
	const sends = 500
	sent := run(t, r, make([]time.Duration, sends))
	budget := float64(slices.Max(sent)) / float64(r.Window) * float64(r.Requests)
	if used := (sends - float64(r.Requests)) / budget; used < 0.9 || used > 1 {
		t.Errorf("%.3f of the budget used, want 0.9 to 1", used)
	}
}

func TestLimiterIsFirstComeFirstServed(t *testing.T) {
	var delays []time.Duration
	for i := range 100 {
		delays = append(delays, time.Duration(i)*time.Millisecond)
	}
	if sent := run(t, client.Rate{Requests: 3, Window: time.Second}, delays); !slices.IsSorted(sent) {
		t.Errorf("callers overtook each other: %v", sent)
	}
}

func TestLimiterWithoutRate(t *testing.T) {
	if sent := run(t, client.Rate{}, make([]time.Duration, 1000)); slices.Max(sent) != 0 {
		t.Errorf("an unlimited limiter waited %s", slices.Max(sent))
	}
}

func TestLimiterPauseHoldsEverybody(t *testing.T) {
	for _, r := range []client.Rate{{}, {Requests: 5, Window: time.Second}} {
		t.Run(r.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := client.NewLimiter(r, time.Second)
				start := time.Now()
				l.Pause(3 * time.Second)
				var wg sync.WaitGroup
				for range 4 {
					wg.Go(func() {
						if err := l.Wait(t.Context()); err != nil {
							t.Errorf("wait: %v", err)
						}
						if waited, want := time.Since(start), 7200*time.Millisecond; waited != want {
							t.Errorf("waited %s, want %s", waited, want)
						}
					})
				}
				elapse(t, 2*time.Second)
				l.Pause(5 * time.Second) // reaches callers already asleep
				l.Pause(time.Second)     // does not shorten it
				wg.Wait()
			})
		})
	}
}

func TestLimiterTick(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := client.NewLimiter(client.Rate{Requests: 1, Window: 10 * time.Second}, time.Millisecond)
		start := time.Now()
		for range 3 {
			if err := l.Wait(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if waited, want := time.Since(start), 2*10200*time.Microsecond; waited != want {
			t.Errorf("waited %s, want %s", waited, want)
		}
	})
}

func TestLimiterEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := client.NewLimiter(client.Rate{Requests: 1, Window: time.Hour}, time.Second)
		if err := l.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		var wg sync.WaitGroup
		for range 3 { // one waits for its slot, the others for their turn
			wg.Go(func() {
				if err := l.Wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("error %v, want the context's", err)
				}
			})
		}
		wg.Wait()
		if waited := time.Since(start); waited != time.Second {
			t.Errorf("waited %s, want 1s", waited)
		}
		if err := l.Wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a context that has ended: error %v", err)
		}
		// Nothing was counted: the slot is free exactly when the first send has left the window.
		if err := l.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		if waited, want := time.Since(start), time.Hour+200*time.Millisecond; waited != want {
			t.Errorf("waited %s, want %s", waited, want)
		}
	})
}

// shared is a file that one process after the other opens.
type shared struct {
	data []byte
	at   int
}

func (f *shared) Read(p []byte) (int, error) {
	if f.at >= len(f.data) {
		return 0, io.EOF
	}
	n := copy(p, f.data[f.at:])
	f.at += n
	return n, nil
}

func (f *shared) Write(p []byte) (int, error) {
	f.data = slices.Replace(f.data, f.at, min(len(f.data), f.at+len(p)), p...)
	f.at += len(p)
	return len(p), nil
}

func (f *shared) Seek(offset int64, _ int) (int64, error) {
	f.data = append(f.data, make([]byte, max(0, int(offset)-len(f.data)))...)
	f.at = int(offset)
	return offset, nil
}

// Processes that follow each other at any distance keep to the rate together, whatever rates earlier ones were told.
func TestLimiterTakesOver(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		r := client.Rate{Requests: rapid.IntRange(1, 12).Draw(rt, "requests"), Window: 10 * time.Second}
		runs := rapid.SliceOfN(rapid.IntRange(0, 25), 1, 5).Draw(rt, "runs")
		pauses := rapid.SliceOfN(rapid.IntRange(0, 12_000), len(runs), len(runs)).Draw(rt, "pauses")
		file := &shared{data: rapid.SliceOfN(rapid.Byte(), 0, 200).Draw(rt, "what was in the file")}
		other := rapid.IntRange(1, 30).Draw(rt, "rate of an earlier run")
		synctest.Test(t, func(t *testing.T) {
			keep(client.NewLimiter(client.Rate{Requests: other, Window: time.Second}, time.Second), file)
			var sent []time.Time
			for i, n := range runs {
				l := client.NewLimiter(r, time.Second)
				keep(l, file)
				for range n {
					if err := l.Wait(t.Context()); err != nil {
						t.Errorf("wait: %v", err)
					}
					sent = append(sent, time.Now())
				}
				elapse(t, time.Duration(pauses[i])*time.Millisecond)
			}
			for i := r.Requests; i < len(sent); i++ {
				if d := sent[i].Sub(sent[i-r.Requests]); d < r.Window+200*time.Millisecond {
					t.Errorf("%d sends within %s at rate %s", r.Requests+1, d, r)
				}
			}
		})
	})
}

func keep(l *client.Limiter, file *shared) {
	file.at = 0
	l.Resume(file)
}

// Whatever the file holds, and however clocks were put meanwhile, nobody waits for longer than a window.
func TestLimiterWaitsForNoNonsense(t *testing.T) {
	for name, entry := range map[string]time.Duration{
		"sent now": 0, "clock put back": time.Nanosecond, "clock put back by an hour": time.Hour, "clock put forward": -time.Hour,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := client.NewLimiter(client.Rate{Requests: 1, Window: 10 * time.Second}, time.Second)
				now := time.Now()
				keep(l, &shared{data: binary.LittleEndian.AppendUint64(nil, uint64(now.Add(entry).UnixNano()))})
				if err := l.Wait(t.Context()); err != nil {
					t.Fatal(err)
				}
				want := time.Duration(0)
				if entry == 0 {
					want = 10200 * time.Millisecond
				}
				if waited := time.Since(now); waited != want {
					t.Errorf("waited %s, want %s", waited, want)
				}
			})
		})
	}
}

// A file that takes nothing is done without.
func TestLimiterWithoutFile(t *testing.T) {
	l := client.NewLimiter(client.Rate{Requests: 3, Window: time.Second}, time.Second)
	l.Resume(broken{})
	for range 3 {
		if err := l.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error)       { return 0, io.EOF }
func (broken) Write([]byte) (int, error)      { return 0, errors.New("disk full") }
func (broken) Seek(int64, int) (int64, error) { return 0, nil }

// TestLimiterKnowsWhatIsLeft: what Left says before some sends is how long they take.
func TestLimiterKnowsWhatIsLeft(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		r := client.Rate{Requests: rapid.IntRange(1, 5).Draw(rt, "requests"), Window: 10 * time.Second}
		if rapid.Bool().Draw(rt, "unlimited") {
			r = client.Rate{}
		}
		before := rapid.SliceOfN(rapid.IntRange(0, 8), 0, 12).Draw(rt, "before")
		pause := time.Duration(rapid.IntRange(0, 20).Draw(rt, "pause")) * time.Second
		n := rapid.IntRange(1, 20).Draw(rt, "n")
		synctest.Test(t, func(t *testing.T) {
			l := client.NewLimiter(r, time.Second)
			send := func() {
				if err := l.Wait(t.Context()); err != nil {
					t.Error(err)
				}
			}
			for _, delay := range before {
				elapse(t, time.Duration(delay)*time.Second)
				send()
			}
			if pause > 0 {
				l.Pause(pause)
			}
			want, start := l.Left(n), time.Now()
			for range n {
				send()
			}
			if took := time.Since(start); took != want {
				t.Errorf("%d sends took %s, Left said %s", n, took, want)
			}
		})
	})
}
