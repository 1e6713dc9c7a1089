package spec

import (
	"strings"
	"testing"
)

// TestIPSetsAreBounded: a few small sets, named often enough, would fill the memory as an alias bomb does.
func TestIPSetsAreBounded(t *testing.T) {
	d := newDraft(ClickHouse, nil, true)
	d.sets["all"] = &ipSet{name: "all", entries: make([]ipEntry, 1000)}
	added := 0
	for line := range 6000 {
		d.useSet(Pos{File: "bomb.yaml", Line: line + 1}, "all", map[string]int{}, 0, place{}, func(ipEntry, int) { added++ })
	}
	if added != maxExpanded {
		t.Errorf("%d addresses, want %d", added, maxExpanded)
	}
	if len(d.diags) != 1 || !strings.HasPrefix(d.diags[0].String(), "bomb.yaml:5001:0: error OC207: IP sets up to this one stand for more than 5000000 addresses") {
		t.Errorf("got %v", d.diags)
	}
}
