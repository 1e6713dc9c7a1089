package main

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
)

// interrupt turns signals into a request to wind up. While something is being applied, the first signal lets the calls under
// way finish and the second one aborts; at any other time the first one aborts.
type interrupt struct {
	stop   chan struct{}                // closed by the first signal
	whole  context.Context              // of the program: ends only when it is aborted
	ending atomic.Pointer[func(string)] // tells whoever watches an apply; nil when none is under way
	signal atomic.Int32                 // number of the signal that came, 0 for none
}

func newInterrupt() *interrupt { return &interrupt{stop: make(chan struct{})} }

// watch starts listening; release ends it.
func (i *interrupt) watch(ctx context.Context) (_ context.Context, release func()) {
	ctx, cancel := context.WithCancel(ctx)
	i.whole = ctx
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) { // as nohup has it
		signal.Notify(signals, syscall.SIGHUP)
	}
	go func() {
		for s := range signals {
			number, _ := s.(syscall.Signal)
			if !i.signal.CompareAndSwap(0, int32(number)) { //nolint:gosec // signal numbers are small
				cancel()
				continue
			}
			close(i.stop)
			ending := i.ending.Load()
			if ending == nil {
				cancel()
				continue
			}
			(*ending)("finishing the calls under way, starting nothing new; press again to abort")
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		close(signals)
		cancel()
	}
}

// gracefully lets what is under way finish after a first signal, of which tell is told, until the returned function is called.
func (i *interrupt) gracefully(tell func(string)) (end func()) {
	i.ending.Store(&tell)
	return func() { i.ending.Store(nil) }
}

func (i *interrupt) received() bool { return i.signal.Load() != 0 }

// exitCode is the shells' convention: 130 for SIGINT, 143 for SIGTERM, as which a lost terminal counts.
func (i *interrupt) exitCode() int {
	if s := syscall.Signal(i.signal.Load()); s != syscall.SIGHUP {
		return 128 + int(s)
	}
	return 128 + int(syscall.SIGTERM)
}

var errInterrupted = errors.New("interrupted")

// maxRead bounds the copy that a read through interruptible makes; pipes and terminals give no more at a time.
const maxRead = 64 << 10

// interruptible ends a read that blocks with the first signal: a terminal or pipe that nobody writes to knows no context.
type interruptible struct {
	r    io.Reader
	stop <-chan struct{}
}

func (i interruptible) Read(p []byte) (int, error) {
	type outcome struct {
		n   int
		err error
	}
	buffer := make([]byte, min(len(p), maxRead)) // p itself is the caller's again after a signal
	read := make(chan outcome, 1)
	go func() {
		n, err := i.r.Read(buffer)
		read <- outcome{n, err}
	}()
	select {
	case got := <-read:
		return copy(p, buffer[:got.n]), got.err
	case <-i.stop:
		return 0, errInterrupted
	}
}
