package diff_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/orgctl/orgctl/pkg/diff"
	"github.com/orgctl/orgctl/pkg/spec"
)

func compute(t *rapid.T, desired *spec.Organization, live *spec.Live) *diff.Plan {
	t.Helper()
	p, err := diff.Compute(desired, live, diff.Selection{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// anew is what a saved plan comes to against what is live now.
func anew(t interface{ Fatal(...any) }, saved *diff.Plan, live *spec.Live) *diff.Plan {
	p, err := diff.Compute(saved.Desired(), live, diff.Selection{})
	if err != nil {
		t.Fatal(err)
	}
	p.Inherit(saved, live)
	return p
}

func encode(t interface{ Fatal(...any) }, p *diff.Plan) []byte {
	data, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// mirror declares exactly what is live.
func mirror(live *spec.Live) *spec.Organization {
	desired := &spec.Organization{Name: "acme", Declared: map[string]spec.Pos{}}
	for _, c := range collections() {
		desired.Declared[c] = spec.Pos{}
	}
	joined := map[string]bool{}
	for _, r := range live.Resources {
		if r.Address.Kind == "member" {
			joined[r.Address.Name] = true
		}
	}
	for _, r := range live.Resources {
		switch {
		case r.Address.Kind == "organization":
			r.Address.Name = "acme"
		case r.Address.Kind == "invitation" && joined[r.Address.Name]:
			continue
		}
		r.ID = ""
		desired.Resources = append(desired.Resources, r)
	}
	return desired
}

func TestLawSameIsEmpty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		_, live := world(t)
		if p := compute(t, mirror(live), live); !p.Empty() {
			t.Fatalf("live against itself plans %s", encode(t, p))
		}
	})
}

// A plan shares values with what it was computed from, so nothing may change them in place.
func TestLawInputsAreLeftAlone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		desired, live := world(t)
		inputs := func() string { return fmt.Sprintf("%+v\n%+v", *desired, *live) } // fmt sorts the keys of maps
		before := inputs()
		compute(t, desired, live).Guard(live, diff.Caller{})
		if d := cmp.Diff(before, inputs()); d != "" {
			t.Fatalf("the inputs have changed (-before +after):\n%s", d)
		}
	})
}

func TestLawApplyConverges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		desired, live := world(t)
		p := compute(t, desired, live)
		after := compute(t, desired, carryOut(t, live, p))
		if !after.Empty() {
			t.Fatalf("after\n%s\nstill\n%s", encode(t, p), encode(t, after))
		}
	})
}

func TestLawShuffledInputSameBytes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		desired, live := world(t)
		first := compute(t, desired, live)
		shuffled := *desired
		shuffled.Resources = nil
		for _, r := range desired.Resources {
			r.Spec = shuffleLists(t, r.Spec)
			shuffled.Resources = append(shuffled.Resources, r)
		}
		other := *live
		other.Resources = nil
		for _, r := range live.Resources {
			r.Spec = shuffleLists(t, r.Spec)
			other.Resources = append(other.Resources, r)
		}
		second := compute(t, &shuffled, &other)
		if d := cmp.Diff(string(encode(t, first)), string(encode(t, second))); d != "" {
			t.Fatal(d)
		}
	})
}

func shuffleLists(t *rapid.T, tree spec.Tree) spec.Tree {
	out := spec.Clone(tree)
	for k, v := range out {
		if list, ok := v.([]any); ok && len(list) > 1 {
			out[k] = rapid.Permutation(list).Draw(t, "order")
		}
	}
	return out
}

func TestLawSavedPlanRoundTrips(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		desired, live := world(t)
		p := compute(t, desired, live)
		saved := encode(t, p)
		read, err := diff.ReadPlan(bytes.NewReader(saved))
		if err != nil {
			t.Fatalf("%v\n%s", err, saved)
		}
		if d := cmp.Diff(string(saved), string(encode(t, read))); d != "" {
			t.Fatal(d)
		}
	})
}

// What a saved plan says of itself is enough to judge and to verify it: computed anew it has the same digest while nothing
// has moved, and nothing is left of it once it was carried out.
func TestLawPlanStandsAlone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		desired, live := world(t)
		p := compute(t, desired, live)
		again := anew(t, p, live)
		if again.Digest != p.Digest {
			t.Fatalf("moved %v:\n%s\n%s", diff.Moved(p, again), encode(t, p), encode(t, again))
		}
		if left := compute(t, p.Desired(), carryOut(t, live, p)); !left.Empty() {
			t.Fatalf("left over: %s", encode(t, left))
		}
	})
}

func TestLawDependenciesComeFirst(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		desired, live := world(t)
		seen := map[spec.Address]bool{}
		for _, c := range compute(t, desired, live).Changes {
			if seen[c.Address] {
				t.Fatalf("%s is changed twice", c.Address)
			}
			for _, a := range c.DependsOn {
				if !seen[a] {
					t.Fatalf("%s comes before %s, on which it depends", c.Address, a)
				}
			}
			seen[c.Address] = true
		}
	})
}

func TestLawTamperedPlanIsRefused(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		desired, live := world(t)
		p := compute(t, desired, live)
		if p.Empty() {
			return
		}
		i := rapid.IntRange(0, len(p.Changes)-1).Draw(t, "change")
		p.Changes[i].Address.Name += "x"
		if _, err := diff.ReadPlan(bytes.NewReader(encode(t, p))); err == nil {
			t.Fatal("a plan with another address was read")
		}
	})
}

func FuzzReadPlan(f *testing.F) {
	f.Add([]byte(`{"formatVersion":"1.0"}`))
	f.Add([]byte(`{"formatVersion":"2.0"}`))
	for _, live := range []string{"keys: [{name: ci}]", "keys: [{name: ci, state: enabled, id: k1}, {name: old}]"} {
		p, err := diff.Compute(manifest(f, "spec: {keys: [{name: ci, state: disabled}, {name: tmp, previously: [old], ensure: absent}]}"),
			observed(f, live), diff.Selection{})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(encode(f, p))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := diff.ReadPlan(bytes.NewReader(data))
		if err != nil {
			return
		}
		again, err := diff.ReadPlan(bytes.NewReader(encode(t, p)))
		if err != nil || again.Digest != p.Digest {
			t.Fatalf("a plan that was read does not read again: %v", err)
		}
	})
}
