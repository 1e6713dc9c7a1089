package spec

import (
	"maps"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Kind says how one sort of object reconciles. What may be written in a manifest is said by its $def in the JSON Schema;
// which endpoint writes a field is said by the backend.
type Kind struct {
	Name       string  // singular, as in addresses
	Collection string  // the manifest key that lists them and the name in policy.prune; "" for the organization itself
	Fields     []Field // in the order in which plans show them
	ToCreate   []string
	// KeyFields are the manifest keys that identify an entry; the first is where its name is written. Nil is name.
	KeyFields []string
	// Key gives the name of an entry, which may be made of several keys, and "" where the manifest does not say enough. Nil takes
	// the text of the one key field.
	Key func(entry Tree) string
	// Nameless says that the API may show no name of a live object, which then goes by its id (StatusNameless). At most one kind of
	// an API is like that.
	Nameless bool
	// Paths says that names are paths of several parts, of which the last is enough for a selector.
	Paths bool
	// Noun is what messages call an object; "" is Name.
	Noun string
	// MadeAnew says why there is no way to change an object: an update makes another one, with an id of its own. "" where
	// there is one.
	MadeAnew string
	// Registered says that an update takes an object away and registers it anew, with the identity that it had: whoever uses it
	// is cut off meanwhile.
	Registered bool
	// Secret reports whether making an object makes a secret, which is seen only once. Nil when it never does.
	Secret func(made Tree) bool
	// Journal is the list (Field.Path) in which an object bears NonceTag as long as its creation is not complete; "" where the
	// API has no place for such a mark.
	Journal string
	// Leave says why a deletion has to be allowed by name (--allow-delete, policy.allowDelete); "" when it need not be.
	Leave string
	// Quota is the code under which the API tells how many objects there may be; "" when it does not.
	Quota string
	// Defaults is the manifest key of what all objects have unless they say otherwise; "" when there is none.
	Defaults string
	// Needs gives further fields without which an object cannot be created, because of what its other fields say. Nil when
	// ToCreate is all.
	Needs func(desired Tree) []Need
	// Align brings a desired and a live tree of the same object to comparable form where the server reports one fact in
	// several shapes. It gets copies and may change both. Nil when shapes are one to one.
	Align func(desired, live Tree)
	// Conflict says what is impossible about an object once a manifest's fields are laid over the live ones: what the
	// manifest alone, not knowing them, cannot tell. An empty path means that nothing is. Nil when no fields depend on
	// each other.
	Conflict func(merged Tree) (path, problem, hint string)
	// Caution finds what somebody has to do by hand after a change that makes no secret of its own. An empty path means
	// nothing. Nil when there never is anything.
	Caution func(before, after Tree) (path, message, hint string)

	// inherit keeps a default from an entry that it does not fit. Nil gives every entry all defaults that it does not override.
	inherit func(own Tree, key string) bool
}

// Need is a field that something else which an object says calls for.
type Need struct{ Path, With string }

// Field says how one field compares and whether it can change.
type Field struct {
	// Path is dotted for a nested field. One that ends in .* stands for every key of an object whose keys nobody knows before:
	// each is a field of its own, and those that are not declared are not managed.
	Path      string
	List      *List                     // nil for a scalar
	Equal     func(want, have any) bool // scalars: the server's notion of equality; nil compares by value
	Immutable bool                      // set at creation, never changed by any endpoint
	Size      bool                      // says how large the object is, which sets it apart from others of its sort
	Unread    bool                      // accepted at creation and never reported (FACTS 5.1): not comparable
	Shown     bool                      // every object has a value: where none is reported, it is not known
	SameType  bool                      // a value of another type than the live one is taken for a mistake
	Nullable  bool                      // null in a manifest means reset to Default
	Default   any                       // what an absent or reset field counts as; nil when unknown
	Detail    bool                      // read by a request of its own, only when a manifest manages it
	Ref       string                    // Kind.Name of the objects that values name, or RoleRef
	Shares    []string                  // fields that an object has in common with the one that it refers to
	Root      bool                      // what it refers to must not refer to another by it itself: a secondary has no warehouse of its own
	Disrupts  func(from, to any) bool   // whether that change restarts, replaces or stops something; nil when none does
	Missing   string                    // how to say that there is none, where a creation asks for one; "" when that needs no word
	Attaches  bool                      // what values refer to cannot be taken away, or registered anew, while they do
	OutOfUse  any                       // the value that takes an object out of use without deleting it; nil when none does
	Along     string                    // why the live value is sent along when others change; "" when it is not
	Label     bool                      // what is taken out of the list cuts nobody off
	Implied   []string                  // fields that say the same less plainly: who cannot say this one says none of them
	Idle      func(of Tree) bool        // whether the value means nothing in an object with that tree; nil when it always does
	// RefName gives the name of the object that a value refers to, where the value alone does not say it: the tree is of the
	// object whose field it is, and "" means that it cannot be told. Nil when the value is the name.
	RefName func(value string, of Tree) string
}

// always is Field.Disrupts of a field of which every change disrupts.
func always(_, _ any) bool { return true }

// fewer is Field.Disrupts of a number of replicas: more of them are added beside those that are there (FACTS 5.7.1).
func fewer(from, to any) bool {
	x, ok1 := Number(from)
	y, ok2 := Number(to)
	return !ok1 || !ok2 || y < x
}

// RoleRef is Field.Ref of a field that names roles, which are no objects of a kind but Live.Roles.
const RoleRef = "role"

// Roles is the field in which objects of a kind have roles, or nil.
func (k *Kind) Roles() *Field {
	i := slices.IndexFunc(k.Fields, func(f Field) bool { return f.Ref == RoleRef })
	if i < 0 {
		return nil
	}
	return &k.Fields[i]
}

// Target is the address of the object that a value of the field names, in an object with the given tree.
func (f *Field) Target(value string, of Tree) Address {
	if f.RefName != nil {
		value = f.RefName(value, of)
	}
	return Address{f.Ref, CanonicalName(value)}
}

// List says how elements of a list are told apart. Lists are sets under the server's semantics; order never matters.
type List struct {
	Key   func(element any) string // identity under the server's semantics
	Equal func(a, b any) bool      // of two elements with one key; nil means that the key says it all
}

// NameField is the manifest key under which the name of an entry is written.
func (k *Kind) NameField() string {
	if len(k.KeyFields) == 0 {
		return "name"
	}
	return k.KeyFields[0]
}

// identifiedBy reports whether a key of an entry says which object it is about.
func (k *Kind) identifiedBy(key string) bool {
	return key == "id" || key == k.NameField() || slices.Contains(k.KeyFields, key)
}

// pins reports whether the id of an entry tells one object from others of its name, rather than being part of the name.
func (k *Kind) pins() bool { return !slices.Contains(k.KeyFields, "id") }

// nameOf is the name of an entry in its canonical form, "" where the manifest does not say enough.
func (k *Kind) nameOf(entry Tree) string {
	if k.Key != nil {
		return k.Key(entry)
	}
	return CanonicalName(text(entry, k.NameField()))
}

// Field finds a field by its path, or nil.
func (k *Kind) Field(path string) *Field {
	for i := range k.Fields {
		f := &k.Fields[i]
		if f.Path == path {
			return f
		}
		if whole, open := f.open(); open && strings.HasPrefix(path, whole+".") {
			return f.at(path)
		}
	}
	return nil
}

// FieldsOf are the fields that an object with the given trees may have, in the order of the kind.
func (k *Kind) FieldsOf(trees ...Tree) []*Field {
	out := make([]*Field, 0, len(k.Fields))
	for i := range k.Fields {
		f := &k.Fields[i]
		whole, open := f.open()
		if !open {
			out = append(out, f)
			continue
		}
		keys := map[string]bool{}
		for _, t := range trees {
			part, _ := t[whole].(Tree)
			for key := range part {
				keys[key] = true
			}
		}
		for _, key := range slices.Sorted(maps.Keys(keys)) {
			out = append(out, f.at(whole+"."+key))
		}
	}
	return out
}

// open reports whether a field stands for every key of an object, and gives that object's path.
func (f *Field) open() (whole string, ok bool) { return strings.CutSuffix(f.Path, ".*") }

// at is the field of one key of an open object.
func (f *Field) at(path string) *Field {
	one := *f
	one.Path = path
	return &one
}

// Get reads a dotted path; ok is false where any part is absent.
func Get(t Tree, path string) (value any, ok bool) {
	head, rest, nested := strings.Cut(path, ".")
	value, ok = t[head]
	if !ok || !nested {
		return value, ok
	}
	sub, isTree := value.(Tree)
	if !isTree {
		return nil, false
	}
	return Get(sub, rest)
}

// Put writes a dotted path, making the trees on the way.
func Put(t Tree, path string, value any) {
	head, rest, nested := strings.Cut(path, ".")
	if !nested {
		t[head] = value
		return
	}
	sub, ok := t[head].(Tree)
	if !ok {
		sub = Tree{}
		t[head] = sub
	}
	Put(sub, rest, value)
}

// Clone copies a tree as deep as fields go, so that every field and every list of the copy can be changed. The elements of
// lists are shared: an element is a whole, which is replaced and never changed in place, and access lists are most of what an
// organization is made of.
func Clone(t Tree) Tree {
	out := make(Tree, len(t))
	for k, v := range t {
		out[k] = cloneValue(v)
	}
	return out
}

func cloneValue(v any) any {
	switch v := v.(type) {
	case Tree:
		return Clone(v)
	case []any:
		return slices.Clone(v)
	default:
		return v
	}
}

// Normalize brings a decoded JSON or YAML value to the types that a Tree may hold; numbers that are integral become int64,
// since the API writes 3 and 3.0 alike (FACTS 1.8).
func Normalize(v any) any {
	switch v := v.(type) {
	case int:
		return int64(v)
	case float64:
		if i := int64(v); float64(i) == v {
			return i
		}
		return v
	case map[string]any:
		out := make(Tree, len(v))
		for k, e := range v {
			out[k] = Normalize(e)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = Normalize(e)
		}
		return out
	default:
		return v
	}
}

// CanonicalCIDR is the one form of an address or network: 1.2.3.4 is 1.2.3.4/32, and the "0.0.0.0" that the API echoes is
// a single address like any other. A text that does not parse stands for itself, so that an unknown server spelling is
// compared literally instead of being lost.
func CanonicalCIDR(source string) string {
	source = strings.TrimSpace(source)
	var network netip.Prefix
	if strings.Contains(source, "/") {
		if p, err := netip.ParsePrefix(source); err == nil {
			network = p.Masked()
		}
	} else if addr, err := netip.ParseAddr(source); err == nil {
		network = netip.PrefixFrom(addr.Unmap(), addr.Unmap().BitLen())
	}
	if !network.IsValid() {
		return source
	}
	var form [len("ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255/128")]byte
	if canonical := network.AppendTo(form[:0]); string(canonical) != source {
		return string(canonical)
	}
	return source
}

func text(element any, key string) string {
	t, _ := element.(Tree)
	s, _ := t[key].(string)
	return s
}

func equalFold(a, b any) bool {
	x, _ := a.(string)
	y, _ := b.(string)
	return strings.EqualFold(x, y)
}

// equalInstant compares timestamps as moments: 12:00Z and 14:00+02:00 are one (FACTS 16.3). The server may keep less of a moment
// than it was given, so that a live one counts as precise as it shows: whatever it rounds to is equal.
func equalInstant(want, have any) bool {
	x, _ := want.(string)
	y, _ := have.(string)
	s, err1 := time.Parse(time.RFC3339Nano, x)
	t, err2 := time.Parse(time.RFC3339Nano, y)
	if err1 != nil || err2 != nil {
		return x == y
	}
	_, fraction, _ := strings.Cut(y, ".")
	unit := time.Second
	for range len(fraction) - len(strings.TrimLeft(fraction, "0123456789")) {
		unit /= 10
	}
	return s.Sub(t).Abs() < max(unit, 1)
}

// equalRounded compares numbers of which the server may keep the whole part alone: whatever it rounds to is equal.
func equalRounded(want, have any) bool {
	x, ok1 := Number(want)
	y, ok2 := Number(have)
	whole := y == math.Trunc(y)
	return ok1 && ok2 && (x == y || whole && math.Abs(x-y) < 1)
}

var (
	// ipList: the identity of an entry is its source (FACTS 5.4); an empty description is an absent one.
	ipList = &List{
		Key:   func(e any) string { return CanonicalCIDR(text(e, "source")) },
		Equal: func(a, b any) bool { return text(a, "description") == text(b, "description") },
	}
	// tagList: one value per key; a key-only tag has no value or an empty one (FACTS 5.5).
	tagList = &List{
		Key:   func(e any) string { return text(e, "key") },
		Equal: func(a, b any) bool { return text(a, "value") == text(b, "value") },
	}
	roleList = &List{Key: func(e any) string { s, _ := e.(string); return strings.ToLower(CanonicalName(s)) }}
	idList   = &List{Key: func(e any) string { s, _ := e.(string); return s }}
	// protocolList: only mysql can be toggled (FACTS 5.8); a protocol that is not reported is disabled, see alignEndpoints.
	protocolList = &List{
		Key: func(e any) string { return text(e, "protocol") },
		Equal: func(a, b any) bool {
			x, _ := a.(Tree)
			y, _ := b.(Tree)
			return x["enabled"] == y["enabled"]
		},
	}
)

// Number reads a numeric tree value.
func Number(v any) (float64, bool) {
	switch v := v.(type) {
	case int64:
		return float64(v), true
	case float64:
		return v, true
	default:
		return 0, false
	}
}

// FormatValue prints a tree value as a manifest would spell it, for plans and messages.
func FormatValue(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case string:
		return strconv.Quote(v)
	case bool:
		return strconv.FormatBool(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	case []any:
		parts := make([]string, len(v))
		for i, e := range v {
			parts[i] = FormatValue(e)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case Tree:
		keys := make([]string, 0, len(v))
		for k := range v {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		parts := make([]string, len(keys))
		for i, k := range keys {
			parts[i] = k + ": " + FormatValue(v[k])
		}
		return "{" + strings.Join(parts, ", ") + "}"
	default:
		return "?"
	}
}
