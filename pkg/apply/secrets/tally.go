package secrets

import (
	"context"
	"sync"

	"github.com/orgctl/orgctl/pkg/apply/store"
)

// Tally is another sink that is counted: how many records of a kind were put into it, be it for the first time or with what
// the API has said of their object. One that was put out of force is not.
type Tally struct {
	Sink

	mu   sync.Mutex
	kept map[label]bool
}

// label tells records apart.
type label struct {
	scope            store.Scope
	kind, name, mark string
	version          int
}

// NewTally counts what is put into a sink from now on.
func NewTally(sink Sink) *Tally { return &Tally{Sink: sink, kept: map[label]bool{}} }

// Store implements Sink.
func (t *Tally) Store(ctx context.Context, r Record) (Record, error) {
	stored, err := t.Sink.Store(ctx, r)
	if err == nil {
		t.keep(stored)
	}
	return stored, err
}

// Confirm implements Sink.
func (t *Tally) Confirm(ctx context.Context, r Record) error {
	err := t.Sink.Confirm(ctx, r)
	if err == nil && r.NotInForce == "" {
		t.keep(r)
	}
	return err
}

func (t *Tally) keep(r Record) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.kept[label{r.Scope, r.Kind, r.Name, r.Mark, r.Version}] = true
}

// Count gives the number of records of a kind.
func (t *Tally) Count(kind string) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := 0
	for l := range t.kept {
		if l.kind == kind {
			n++
		}
	}
	return n
}
