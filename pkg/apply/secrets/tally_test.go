package secrets_test

import (
	"context"
	"errors"
	"testing"

	"github.com/orgctl/orgctl/pkg/apply/secrets"
)

// TestTally: a record counts once, whatever is done with it, and only if it was kept and is in force.
func TestTally(t *testing.T) {
	tally := secrets.NewTally(secrets.NewMemory())
	store := func(kind, name, mark string) secrets.Record {
		t.Helper()
		r, err := tally.Store(t.Context(), secrets.Record{Kind: kind, Name: name, Mark: mark})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	ci := store(secrets.Key, "ci", "one")
	ci.ID = "id"
	if err := tally.Confirm(t.Context(), ci); err != nil {
		t.Fatal(err)
	}
	store(secrets.Key, "ci", "two")
	store(secrets.Service, "orders", "n")
	store(secrets.Service, "orders", "n") // its second version
	if keys, services := tally.Count(secrets.Key), tally.Count(secrets.Service); keys != 2 || services != 2 {
		t.Errorf("counts %d keys and %d services, want 2 and 2", keys, services)
	}

	refused := secrets.NewTally(broken{secrets.NewMemory()})
	_, _ = refused.Store(t.Context(), secrets.Record{Kind: secrets.Key, Name: "ci"})
	_ = refused.Confirm(t.Context(), secrets.Record{Kind: secrets.Key, Name: "ci"})
	if n := refused.Count(secrets.Key); n != 0 {
		t.Errorf("counts %d records that were not kept", n)
	}

	former := secrets.NewMemory()
	old, err := former.Store(t.Context(), secrets.Record{Kind: secrets.Service, Name: "orders"})
	if err != nil {
		t.Fatal(err)
	}
	old.NotInForce = "another password was set"
	later := secrets.NewTally(former)
	if err := later.Confirm(t.Context(), old); err != nil || later.Count(secrets.Service) != 0 {
		t.Errorf("counts %d records that were put out of force, %v", later.Count(secrets.Service), err)
	}
}

// broken is a sink that keeps nothing.
type broken struct{ *secrets.Memory }

func (broken) Store(_ context.Context, r secrets.Record) (secrets.Record, error) {
	return r, errors.New("disk full")
}

func (broken) Confirm(context.Context, secrets.Record) error { return errors.New("disk full") }
