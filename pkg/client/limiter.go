package client

import (
	"context"
	"encoding/binary"
	"io"
	"slices"
	"sync"
	"time"
)

// margin is added to every window and pause. Our clock is read before a request leaves and the server's after it
// arrives, so requests a full window apart here may be closer there.
const margin = 200 * time.Millisecond

// Limiter keeps sends within a Rate: it lets at most Requests through in any window of Window plus a margin.
//
// It remembers the times of the last Requests sends in a ring, and the next send waits until the oldest of them has left
// the window. A token bucket of the same rate would not do: its burst plus its refill exceed a server's window.
//
// Callers go in the order in which they came. All sends with one API key must share one Limiter; it is safe for
// concurrent use. One process takes over from another by a file (WithSends).
type Limiter struct {
	// turn is held by the one caller that waits for its slot. Channel senders queue first come, first served.
	turn   chan struct{}
	window time.Duration
	margin time.Duration
	kept   io.WriteSeeker // where the ring outlasts the process; nil for nowhere

	mu          sync.Mutex
	sent        []time.Time // ring, written by the holder of turn alone; empty without a limit
	next        int         // index of the oldest entry of sent
	pausedUntil time.Time
	paused      time.Duration // in all
}

// NewLimiter returns a Limiter for r, in which a second of every wait lasts tick.
func NewLimiter(r Rate, tick time.Duration) *Limiter {
	return &Limiter{
		turn:   make(chan struct{}, 1),
		window: scale(r.Window, tick),
		margin: scale(margin, tick),
		sent:   make([]time.Time, r.Requests),
	}
}

// Wait blocks until the caller may send one request, and counts it as sent. It returns the context's error when ctx ends
// first; nothing is counted then.
func (l *Limiter) Wait(ctx context.Context) error { return l.wait(ctx, func() {}) }

// wait is Wait that calls held, once, when the caller cannot go at once.
func (l *Limiter) wait(ctx context.Context, held func()) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	held = sync.OnceFunc(held)
	select {
	case l.turn <- struct{}{}:
	default:
		held()
		select {
		case l.turn <- struct{}{}:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	defer func() { <-l.turn }()
	for {
		now := time.Now()
		at := l.earliest()
		if !at.After(now) {
			l.record(now)
			return nil
		}
		held()
		// A pause may be declared during the sleep, hence the loop.
		if err := sleep(ctx, at.Sub(now)); err != nil {
			return err
		}
	}
}

// Pause holds back every send for d from now, plus the margin. A pause that is already longer stays.
func (l *Limiter) Pause(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	until := now.Add(d + l.margin)
	if !until.After(l.pausedUntil) {
		return
	}
	from := now
	if l.pausedUntil.After(now) {
		from = l.pausedUntil
	}
	l.paused += until.Sub(from)
	l.pausedUntil = until
}

// earliest returns when the next send may go; the zero time means at once.
func (l *Limiter) earliest() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	at := l.pausedUntil
	if len(l.sent) == 0 || l.sent[l.next].IsZero() {
		return at
	}
	if free := l.sent[l.next].Add(l.window + l.margin); free.After(at) {
		at = free
	}
	return at
}

// Left gives how long it takes at least until n more sends have gone, were they all waiting now.
func (l *Limiter) Left(n int) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	at := now
	if l.pausedUntil.After(at) {
		at = l.pausedUntil
	}
	if n == 0 || len(l.sent) == 0 {
		return at.Sub(now)
	}
	// Each send takes the slot of one that is as old as the ring is long, be that among those still to come.
	if free := l.sent[(l.next+n-1)%len(l.sent)].Add(l.window + l.margin); free.After(at) {
		at = free
	}
	return at.Sub(now) + time.Duration((n-1)/len(l.sent))*(l.window+l.margin)
}

func (l *Limiter) record(now time.Time) {
	if len(l.sent) == 0 {
		return
	}
	l.mu.Lock()
	at := l.next
	l.sent[at] = now
	l.next = (at + 1) % len(l.sent)
	l.mu.Unlock()
	l.keep(at, now)
}

// entrySize is that of one send in a file: its time in nanoseconds since 1970, little-endian.
const entrySize = 8

// Resume begins with what earlier processes have sent, and keeps the ring in the same file. Of an entry that makes no sense,
// and of one that is still to come since a clock was put back, nothing is made. At worst a server refuses a request for its rate,
// as it would without the file. Processes that run at once overwrite each other's entries and do not wait for each other.
//
// It is called before anything else.
func (l *Limiter) Resume(file io.ReadWriteSeeker) {
	if len(l.sent) == 0 {
		return
	}
	data, err := io.ReadAll(io.LimitReader(file, maxRateRequests*entrySize))
	if err != nil {
		return
	}
	now := time.Now()
	var sent []time.Time
	for entry := range slices.Chunk(data, entrySize) {
		if len(entry) < entrySize {
			break
		}
		at := time.Unix(0, int64(binary.LittleEndian.Uint64(entry))) //nolint:gosec // any number is a time
		// Brought onto the clock of this process, which nobody puts back or forward.
		if age := now.Round(0).Sub(at); age >= 0 && age < l.window+l.margin {
			sent = append(sent, now.Add(-age))
		}
	}
	slices.SortFunc(sent, time.Time.Compare)
	sent = sent[max(0, len(sent)-len(l.sent)):]
	copy(l.sent[len(l.sent)-len(sent):], sent)
	l.kept = file
	l.keep(0, l.sent...)
}

// keep writes entries into the file. Where that fails, the next process does without it.
func (l *Limiter) keep(from int, entries ...time.Time) {
	if l.kept == nil {
		return
	}
	data := make([]byte, 0, len(entries)*entrySize)
	for _, at := range entries {
		nanoseconds := int64(0)
		if !at.IsZero() {
			nanoseconds = at.UnixNano()
		}
		data = binary.LittleEndian.AppendUint64(data, uint64(nanoseconds))
	}
	_, err := l.kept.Seek(int64(from)*entrySize, io.SeekStart)
	if err == nil {
		_, err = l.kept.Write(data)
	}
	if err != nil {
		l.kept = nil
	}
}

// pausedFor returns the length of all pauses together, overlaps counted once.
func (l *Limiter) pausedFor() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.paused
}

// scale converts a duration written in seconds to one in which each second lasts tick.
func scale(d, tick time.Duration) time.Duration {
	return time.Duration(float64(d) * tick.Seconds())
}

// sleep waits for d or until ctx ends.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
