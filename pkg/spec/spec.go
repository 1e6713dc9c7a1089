// Package spec owns the vocabulary of orgctl (addresses, kinds, fields, resources) and the desired state: it reads
// manifests, validates them against the JSON Schema and the rules the schema cannot say, and resolves them into one
// canonical Organization value per metadata.name.
//
// It knows nothing of the network, of the live organization or of how a change is carried out.
package spec

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// APIVersion is the version of the manifests' format that this package reads and writes.
const APIVersion = "orgctl/v1"

// Address is the identity of an object in every output and in every selector: KIND/NAME, for example service/orders.
// It is comparable and serves as a map key.
type Address struct {
	Kind string // Kind.Name, singular
	Name string // the natural key: a name, a lower-case e-mail address, PROVIDER/REGION/ID of a private endpoint
}

func (a Address) String() string { return a.Kind + "/" + a.Name }

// MarshalText gives addresses their one-string form in JSON.
func (a Address) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText reads KIND/NAME; the name may itself hold slashes.
func (a *Address) UnmarshalText(text []byte) error {
	kind, name, ok := strings.Cut(string(text), "/")
	if !ok || kind == "" || name == "" {
		return fmt.Errorf("address %q is not of the form KIND/NAME", text)
	}
	a.Kind, a.Name = kind, name
	return nil
}

// Compare orders addresses by kind table position, then by name, so that every list of them has one order.
func (a Address) Compare(b Address) int {
	return cmp.Or(cmp.Compare(rank(a.Kind), rank(b.Kind)), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name))
}

// rank is the place of a kind in the table of its API. Kinds of several APIs share one order; those that no API has come first.
func rank(kind string) int {
	n := 0
	for _, api := range APIs() {
		for _, k := range api.Kinds {
			if k.Name == kind {
				return n
			}
			n++
		}
	}
	return -1
}

// Tree is the canonical form of an object between manifest and wire. Its values are nil (an explicit null: reset), bool,
// string, int64, float64 (never integral), []any and Tree; Normalize brings any decoded JSON or YAML there.
// A key that is absent is not managed (desired) or not reported (live).
type Tree = map[string]any

// Pos is a place in a manifest. The zero Pos means that no manifest says it. Lines and columns count from 1.
type Pos struct {
	File   string `json:"file,omitempty"`
	Line   int    `json:"line,omitempty"`
	Column int    `json:"column,omitempty"`
}

// String gives file:line:col, as editors and CI log matchers expect it.
func (p Pos) String() string {
	if p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

// IsZero says that no manifest position is known.
func (p Pos) IsZero() bool { return p == Pos{} }

// Resource is one object, desired or live.
type Resource struct {
	Address Address
	ID      string // live: the server's id; desired: the id pinned in the manifest, or ""
	Spec    Tree   // managed fields only (desired), every reported field of the kind (live)
	Status  Tree   // live only: facts that guards, findings and steps need and that are never compared nor hashed
	Intent  Intent // desired only
	// Refs are the ids of the objects that scalar fields refer to (Field.Ref), by path: a name is not an identity. Live: what the
	// server holds; a field that refers to something not listed has none. Desired: what an earlier plan has resolved a name
	// to, none in a manifest.
	Refs map[string]string
}

// Keys of Resource.Status that an observation sets.
const (
	StatusRefused    = "refused"    // why detail fields (Field.Detail) are missing: the key may not read them
	StatusUnreadable = "unreadable" // the same: the API does not answer about this object
	StatusUnfinished = "unfinished" // the nonce of a service whose creation is not complete
	StatusTaggedOnly = "taggedOnly" // why nothing but its tag says so
	StatusNameless   = "nameless"   // why the name of an object is its id: the API shows none (FACTS 6.2)
)

// Intent is what a manifest says about an object besides its fields.
type Intent struct {
	Absent     bool           // ensure: absent
	Protect    bool           // never deleted or stopped
	Closed     bool           // access: closed, an empty way in is meant
	Previously []string       // former names
	Pos        Pos            // where the object is declared
	Fields     map[string]Pos // where each field (Field.Path) is declared
}

// FieldPos is the place of one field, or that of the object where the field has none of its own.
func (r Resource) FieldPos(path string) Pos {
	if p, ok := r.Intent.Fields[path]; ok {
		return p
	}
	return r.Intent.Pos
}

// Organization is the desired state of one organization, merged from all documents of its metadata.name.
type Organization struct {
	API       *API           // nil is ClickHouse
	Name      string         // metadata.name, a local handle
	ID        string         // metadata.id: refuse credentials of any other organization; "" accepts any
	Pos       Pos            // of the first document
	Resources []Resource     // sorted by address, addresses unique
	Declared  map[string]Pos // collections present in the manifests (Kind.Collection), [] included
	Policy    Policy
}

// Policy is the policy section of a manifest, defaults filled in.
type Policy struct {
	Prune       []string   // collections whose undeclared live objects are deleted
	Exclusive   []string   // collections whose undeclared live objects are drift
	MinAdmins   int        // default 1
	MaxDeletes  MaxDeletes // per collection
	AllowDelete []string   // service/GLOB
}

// MaxDeletes bounds how much of one collection a single plan may delete.
type MaxDeletes struct {
	Count   *int // nil: no bound by count
	Percent int  // of a collection of MaxDeletesFloor or more; default 25
}

// MaxDeletesFloor is the size below which a percentage says nothing sensible about a collection.
const MaxDeletesFloor = 8

// Manages reports whether undeclared live objects of the collection are of interest: it is declared, pruned or exclusive. A
// policy that names a collection says so even after the last declaration has gone.
func (o *Organization) Manages(collection string) bool {
	_, ok := o.Declared[collection]
	return ok || slices.Contains(o.Policy.Prune, collection) || slices.Contains(o.Policy.Exclusive, collection)
}

// Live is what the API reported in one observation.
type Live struct {
	API              *API // nil is ClickHouse
	OrganizationID   string
	OrganizationName string
	Resources        []Resource        // sorted by address, then id; names need not be unique
	NotChecked       map[string]string // collections that the key may not list (Kind.Collection) -> the missing permission
	LeftOut          []string          // collections that were not read, since nothing needed them
	Earlier          []string          // collections taken from the observation before, since nothing of them was changed
	Expired          []Address         // invitations that nobody can accept any more, though the API lists them; not in Resources
	Caller           Caller
	Roles            []Role // those that exist, sorted by name, then id; empty when they are not known
}

// Role is a role that keys and people may have. Names are compared without case, and need not be unique (FACTS 6.4).
type Role struct {
	ID   string // what a request names it by: the server's id, or the name where roles have none
	Name string
}

// Caller is what is known of the API key in use. The API has no whoami (FACTS 6.1): the suffix is a weak match and several
// live keys may share it.
type Caller struct {
	KeySuffix string // last 4 characters of the key id
}
