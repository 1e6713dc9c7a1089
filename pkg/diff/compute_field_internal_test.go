package diff

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/orgctl/orgctl/pkg/spec"
)

// drawEntries draws an access list with several spellings of few networks, as a server may hold one.
func drawEntries(t *rapid.T, label string) []any {
	entry := rapid.Custom(func(t *rapid.T) any {
		e := spec.Tree{"source": rapid.SampledFrom([]string{
			"10.0.0.1", "10.0.0.1/32", "10.0.0.0/8", " 10.1.0.0/8", "0.0.0.0", "0.0.0.0/0", "::", "anywhere", "",
		}).Draw(t, "source")}
		if rapid.Bool().Draw(t, "described") {
			e["description"] = rapid.SampledFrom([]string{"", "office"}).Draw(t, "description")
		}
		return e
	})
	return rapid.SliceOfN(entry, 0, 4).Draw(t, label)
}

// TestAlikeListsDoNotDiffer, and what is found to be alike at a glance is what a closer look would find.
func TestAlikeListsDoNotDiffer(t *testing.T) {
	field := spec.ClickHouse.Kind("service").Field("ipAccessList")
	met := map[bool]int{}
	rapid.Check(t, func(t *rapid.T) {
		want := drawEntries(t, "want")
		have := rapid.OneOf(rapid.Permutation(want), rapid.Custom(func(t *rapid.T) []any { return drawEntries(t, "have") })).Draw(t, "have")
		sortElements(field, want)
		sortElements(field, have)
		met[alike(field, want, have)]++
		if change, differ := difference(field, want, have); differ && alike(field, want, have) {
			t.Errorf("%v and %v differ: %v", want, have, change)
		}
	})
	if met[true] == 0 || met[false] == 0 {
		t.Errorf("alike and not: %v", met)
	}
}

// TestOpenIsNotEmpty: whether anybody is let in does not depend on how one looks.
func TestOpenIsNotEmpty(t *testing.T) {
	met := map[bool]int{}
	rapid.Check(t, func(t *rapid.T) {
		entries := drawEntries(t, "entries")
		isOpen := open(entries, nil, nil)
		met[isOpen]++
		if isOpen == addressesOf(entries).empty() {
			t.Errorf("%v: open %t", entries, isOpen)
		}
	})
	if met[true] == 0 || met[false] == 0 {
		t.Errorf("open and not: %v", met)
	}
}
