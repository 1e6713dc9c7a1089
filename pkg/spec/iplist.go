package spec

import (
	"encoding/binary"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// ipSet is a named list of spec.ipSets.
type ipSet struct {
	name    string
	key     Pos
	entries []ipEntry
}

// ipEntry is one address or network of a list, after its set was looked up.
type ipEntry struct {
	tree    Tree // source and description as written
	network network
	list    place // where it is written: in a list of its own or in a set
	index   int
	set     *ipSet // nil when written in the list itself
}

func (e ipEntry) pos() Pos { return e.list.at(e.index).pos() }

// network is an IPv4 network in a number, the address before the length: a map of many is small and fast.
type network uint64

func networkOf(p netip.Prefix) network {
	address := p.Addr().As4()
	return network(binary.BigEndian.Uint32(address[:]))<<8 | network(p.Bits()) //nolint:gosec // 0 to 32
}

func (d *draft) addSet(sets place, name string, value any) {
	set := &ipSet{name: name, key: sets.key(name)}
	if first, twice := d.sets[CanonicalName(name)]; twice {
		d.report(CodeDuplicate, set.key, fmt.Sprintf("IP set %s is declared twice", quoted(name)), "",
			Related{"first declared here", first.key})
		return
	}
	if name == "" || strings.TrimSpace(name) != name {
		d.report(CodeFormat, set.key, spacedName+", not "+strconv.QuoteToASCII(name), "")
	}
	d.sets[CanonicalName(name)] = set
	elements, _ := value.([]any)
	list := sets.at(name)
	seen := make(map[network]ipEntry, len(elements))
	for i, element := range elements {
		tree, _ := element.(Tree)
		if e, ok := d.ipEntry(list, i, tree); ok {
			e.set = set
			if first, twice := seen[e.network]; twice {
				d.reportTwice(e.list.at(i).pos(), e, first)
				continue
			}
			seen[e.network] = e
			set.entries = append(set.entries, e)
		}
	}
}

// ipList checks an access list and expands its sets in place, in order. An address that several entries name is listed
// once; that is fine where a set is involved and the descriptions agree, and a mistake otherwise.
func (d *draft) ipList(list place, value any) []any {
	elements, _ := value.([]any)
	out := make([]any, 0, len(elements))
	seen := make(map[network]ipEntry, len(elements))
	usedSets := make(map[string]int)
	add := func(e ipEntry, index int) {
		first, twice := seen[e.network]
		switch {
		case !twice:
			seen[e.network] = e
			out = append(out, e.tree)
		case e.set == nil && first.set == nil || text(e.tree, "description") != text(first.tree, "description"):
			step := "source"
			if e.set != nil {
				step = "set"
			}
			d.reportTwice(list.at(index, step).pos(), e, first)
		}
	}
	for i, element := range elements {
		tree, isTree := element.(Tree)
		_, hasSource := tree["source"]
		name, hasSet := tree["set"]
		_, described := tree["description"]
		switch {
		case !isTree || hasSource == hasSet && unknownKey(tree): // said by the schema
		case hasSource == hasSet:
			d.report(CodeIPEntry, list.at(i).pos(), "an IP entry has exactly one of source and set", "")
		case hasSet && described:
			d.report(CodeIPEntry, list.at(i).key("description"), "an entry that names a set has no description",
				"the entries of the set have their own")
		case hasSet:
			d.useSet(list.at(i, "set").pos(), name, usedSets, i, list, add)
		default:
			if e, ok := d.ipEntry(list, i, tree); ok {
				add(e, i)
			}
		}
	}
	return out
}

func unknownKey(entry Tree) bool {
	for key := range entry {
		if key != "source" && key != "set" && key != "description" {
			return true
		}
	}
	return false
}

// useSet adds the entries of a set that an access list names.
func (d *draft) useSet(pos Pos, value any, used map[string]int, index int, list place, add func(e ipEntry, index int)) {
	name, ok := value.(string)
	if !ok {
		return
	}
	name = CanonicalName(name)
	if first, twice := used[name]; twice {
		d.report(CodeIPConflict, pos, fmt.Sprintf("IP set %s is listed twice", quoted(name)), "",
			Related{"first listed here", list.at(first, "set").pos()})
		return
	}
	used[name] = index
	set, known := d.sets[name]
	if !known && d.complete {
		hint := d.suggest(name, slices.Collect(maps.Keys(d.sets)))
		if hint == "" && len(d.sets) == 0 {
			hint = "declare it in spec.ipSets"
		}
		d.report(CodeUnknownSet, pos, fmt.Sprintf("IP set %s is not in spec.ipSets", quoted(name)), hint)
	}
	if !known || d.room < 0 {
		return
	}
	if d.room -= len(set.entries); d.room < 0 {
		d.report(CodeAlias, pos, fmt.Sprintf("IP sets up to this one stand for more than %d addresses", maxExpanded),
			"let networks stand for addresses")
		return
	}
	for _, e := range set.entries {
		add(e, index)
	}
}

func (d *draft) reportTwice(pos Pos, e, first ipEntry) {
	message := fmt.Sprintf("%s is listed twice", text(e.tree, "source"))
	if text(e.tree, "source") != text(first.tree, "source") {
		message = fmt.Sprintf("%s and %s are the same network", text(e.tree, "source"), text(first.tree, "source"))
	}
	if text(e.tree, "description") != text(first.tree, "description") {
		message += " with different descriptions"
	}
	related := []Related{{"first listed here", first.pos()}}
	if e.set != nil && e.pos() != pos {
		related = append(related, Related{"the entry of the set", e.pos()})
	}
	d.report(CodeIPConflict, pos, message, "", related...)
}

// ipEntry parses one source. The API documents IPv4 alone (FACTS 5.4).
func (d *draft) ipEntry(list place, index int, tree Tree) (e ipEntry, ok bool) {
	source, ok := tree["source"].(string)
	if !ok {
		return ipEntry{}, false
	}
	prefix, err := parseNetwork(source)
	report := func(code, message, hint string) (ipEntry, bool) {
		d.report(code, list.at(index, "source").pos(), message, hint)
		return ipEntry{}, false
	}
	switch {
	case err != nil:
		return report(CodeIPSource, fmt.Sprintf("source %s is neither an address nor a network", quoted(source)),
			"write an IPv4 address such as 203.0.113.7 or a network such as 203.0.113.0/24")
	case !prefix.Addr().Is4():
		return report(CodeIPSource, fmt.Sprintf("source %s is IPv6", quoted(source)), "the API takes IPv4 addresses and networks")
	case prefix != prefix.Masked():
		return report(CodeHostBits, fmt.Sprintf("network %s has host bits", source),
			fmt.Sprintf("write %s for the network, or %s for the one address", prefix.Masked(), prefix.Addr()))
	}
	if prefix.Addr().IsUnspecified() && prefix.Bits() == prefix.Addr().BitLen() {
		d.warn(CodeBareZero, list.at(index, "source").pos(), source+" is one address, which nobody has", "anywhere is 0.0.0.0/0")
	}
	return ipEntry{tree: tree, network: networkOf(prefix), list: list, index: index}, true
}

func parseNetwork(source string) (netip.Prefix, error) {
	if strings.ContainsRune(source, '/') {
		return netip.ParsePrefix(source)
	}
	addr, err := netip.ParseAddr(source)
	if err != nil {
		return netip.Prefix{}, err
	}
	return netip.PrefixFrom(addr, addr.BitLen()), nil
}
