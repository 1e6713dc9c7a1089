package apply_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/orgctl/orgctl/pkg/apply"
	"github.com/orgctl/orgctl/pkg/diff"
)

func TestLongest(t *testing.T) {
	do := func(context.Context) error { return nil }
	until := func(context.Context) (apply.Readiness, error) { return apply.Readiness{}, nil }
	steps := map[string][]apply.Step{
		"created":   {{Do: do}, {Until: until, Limit: time.Hour}, {Do: do, Limit: time.Minute}},
		"commanded": {{Do: do, Until: until, Limit: 10 * time.Minute}}, // first until it takes the command, then until it has obeyed
		"patched":   {{Do: do}},
	}
	of := func(c diff.Change) ([]apply.Step, error) {
		all, ok := steps[c.Address.Name]
		if !ok {
			return nil, errors.New("no such change")
		}
		return all, nil
	}
	const call = 5 * time.Second
	for _, test := range []struct {
		name    string
		changes []diff.Change
		want    time.Duration
	}{
		{"nothing", nil, 0},
		{"calls", []diff.Change{change("patched")}, call},
		{"what cannot be done", []diff.Change{change("unknown")}, call},
		{"side by side", []diff.Change{change("created"), change("commanded")}, 61*time.Minute + 2*call},
		{"one after the other", []diff.Change{change("created"), change("commanded", "created"), change("patched", "commanded", "created")}, 81*time.Minute + 3*call},
	} {
		if got := apply.Longest(planOf(test.changes), of); got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
}
