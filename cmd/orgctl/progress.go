package main

import (
	"context"
	"fmt"
	"regexp"
	"sync"
	"sync/atomic"
	"time"

	"github.com/orgctl/orgctl/cmd/orgctl/internal/view"
	"github.com/orgctl/orgctl/pkg/apply"
	"github.com/orgctl/orgctl/pkg/client"
)

// progress tells the view of what goes on: what happens and, every tick, what time it is.
type progress struct {
	view  *view.Progress
	tick  time.Duration
	size  func() (columns, rows int)
	rate  string
	left  func(calls int) time.Duration // of the limiter
	calls atomic.Int64                  // that an apply still takes
	begun atomic.Bool

	ending func(text string) // says that nothing more is begun
}

// newProgress makes the display of one command. With --debug, whose lines would come in between, a terminal is treated as any other
// file, and so is one that cannot move its cursor.
func newProgress(e *env, debug bool) (*progress, error) {
	tick, err := e.tick(time.Second)
	if err != nil {
		return nil, err
	}
	p := &progress{tick: tick, size: e.size, left: func(int) time.Duration { return 0 }}
	live := e.stderrTTY && e.getenv("TERM") != "dumb" && !debug
	p.view = view.NewProgress(e.notes(), live, tick, e.stderrView())
	p.ending = p.view.Ending
	if e.quiet { // whoever interrupts has asked
		p.ending = func(text string) { _ = view.Message(e.stderr, text) }
	}
	return p, nil
}

// paced lets the display know how fast requests go.
func (p *progress) paced(rate client.Rate, l *client.Limiter) {
	if rate != (client.Rate{}) {
		p.rate, p.left = rate.String(), l.Left
	}
}

// options let a client tell what its requests wait for.
func (p *progress) options() []client.Option {
	return []client.Option{client.WithNotify(p.notice), client.WithHeld(p.held)}
}

// show ticks until the returned function is called. what is done as a whole; "" where events of changes say so. Within another
// show it has nothing to add.
func (p *progress) show(what string) (end func()) {
	if !p.begun.CompareAndSwap(false, true) {
		return func() {}
	}
	p.view.Begin(time.Now(), what)
	p.frame()
	ended, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		ticker := time.NewTicker(p.tick)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				p.frame()
			case <-ended:
				return
			}
		}
	}()
	return sync.OnceFunc(func() {
		close(ended)
		<-stopped
		p.view.Clear()
		p.begun.Store(false)
	})
}

func (p *progress) frame() {
	columns, rows := p.size()
	p.view.Tick(view.Frame{Now: time.Now(), Columns: columns, Rows: rows, Rate: p.rate, Left: p.left(int(p.calls.Load()))})
}

func (p *progress) event(e apply.Event) {
	p.calls.Store(int64(e.Calls))
	p.view.Event(time.Now(), e)
}

func (p *progress) held(ctx context.Context, held bool) {
	of, _ := apply.Calling(ctx)
	p.view.Held(time.Now(), of, held)
}

// notice tells why a request is made again. A pause that the API asks for is everybody's, whatever request has met it.
func (p *progress) notice(ctx context.Context, n client.Notice) {
	wait := n.Wait.Round(100 * time.Millisecond)
	if n.Wait >= time.Second {
		wait = n.Wait.Round(time.Second)
	}
	again := fmt.Sprintf("trying again in %s", wait)
	switch {
	case n.Throttled:
		p.view.Notice(time.Now(), fmt.Sprintf("%s: waiting %s for the rate limit", n.Cause, wait), n.Wait)
	case !apply.Trouble(ctx, n.Cause, again):
		p.view.Notice(time.Now(), fmt.Sprintf("%s: %s %s: %s", n.Cause, n.Method, long.ReplaceAllString(n.Path, "…"), again), n.Wait)
	}
}

// long are the segments of a path that are ids, and nothing to read, the first one with all that is before it.
var long = regexp.MustCompile(`(^/.*?/)?[^/]{25,}`)
