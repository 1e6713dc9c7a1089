// Package diff computes the difference between a desired and a live organization as one Plan value: what changes, in which
// order, why, and what stands in the way. It is pure: no I/O, no clock, no randomness, and the same inputs give the same
// bytes.
//
// How a change is carried out is none of its business; see package apply.
//
// The package does four jobs, each in files that begin with its name:
//
//   - compute: pairs what is declared with what is live, and compares field by field (Compute);
//   - order: what has to come before what;
//   - guard: judges a plan, whoever made it, and says what else it needs (Check, Guard);
//   - plan: the value and its forms: digest, selection, saving and reading, computing anew.
//
// None of them knows a kind by its name: they ask an API for its kinds, and kinds for their properties. What holds for one API
// alone is in files that begin with that API's name, and found by it (rules).
package diff

import (
	"cmp"
	"slices"
	"strings"

	"github.com/orgctl/orgctl/pkg/spec"
)

// FormatVersion is the version of the plan format. A reader refuses another major version; a minor one only adds fields.
const FormatVersion = "1.4"

// Plan is the difference between desired and live. It holds no secret: trees never do.
type Plan struct {
	FormatVersion string `json:"formatVersion"`
	// API is what manifests call the API that the plan is of (spec.API.Name).
	API string `json:"api"`
	// Digest is the SHA-256, in hex with a "sha256:" prefix, over what is approved with a plan: its changes, its policy, and
	// those findings that stop something and that nobody could derive anew from the two. Manifest positions, what the guards
	// say, and whoever runs the plan do not enter it.
	Digest string `json:"digest"`
	// Checksum is a hash over all the rest of the plan, findings included: a saved plan that was edited is refused, even
	// where the edit would not change what is done. It is of the JSON form, which is written with the one that fits (see
	// MarshalJSON); here it is that of the file which a plan was read from.
	Checksum     string       `json:"checksum"`
	Organization Organization `json:"organization"`
	Policy       Policy       `json:"policy"`
	// Narrowed says that the plan is of a part of the organization, and of which; nil of a plan of the whole.
	Narrowed *Narrowed `json:"narrowed,omitempty"`
	Summary  Summary   `json:"summary"`
	// Changes are in a valid order of execution: each comes after everything that it depends on.
	Changes      []Change      `json:"changes"`
	Unmanaged    []Unmanaged   `json:"unmanaged"`
	Findings     []Finding     `json:"findings"`
	Requirements []Requirement `json:"requirements"`
	NotChecked   []NotChecked  `json:"notChecked"`

	api *spec.API // see Definition
}

// Definition is the API that the plan is of; a plan that was put together by hand is of ClickHouse Cloud.
func (p *Plan) Definition() *spec.API { return cmp.Or(p.api, spec.ClickHouse) }

// Organization says whose plan it is.
type Organization struct {
	Handle string `json:"handle"` // metadata.name
	ID     string `json:"id"`     // the live organization's id
	Name   string `json:"name"`   // the live organization's name
}

// Policy is what the manifests say about how far a plan may go. It travels with the plan so that Check can judge a saved one
// without them, and enters its digest, so that it is the one that was approved. Its lists are sorted. For example, from
//
//	spec: {services: [{name: orders, protect: true}, {name: lab, access: closed}], keys: []}
//	policy: {prune: [keys], minAdmins: 2, allowDelete: [service/tmp-*]}
//
// comes: MinAdmins 2, at most 25 % of a collection pruned, Prune keys of which 0 are declared, Closed service/lab, Protected
// service/orders, AllowDelete service/tmp-*.
type Policy struct {
	MinAdmins  int        `json:"minAdmins"`
	MaxDeletes MaxDeletes `json:"maxDeletes"`
	// Prune describes the collections whose undeclared live objects are deleted.
	Prune []Prune `json:"prune,omitempty"`
	// Closed are the live services that need no way in: access: closed. One that shares its name with others is NAME#ID.
	Closed []spec.Address `json:"closed,omitempty"`
	// Protected are all names of the services that may be neither deleted nor stopped: protect: true.
	Protected []spec.Address `json:"protected,omitempty"`
	// AllowDelete are patterns service/GLOB of the services that may be deleted.
	AllowDelete []string `json:"allowDelete,omitempty"`
	// Members are the ids of live members without an e-mail address whom the manifests know by these: nobody else is one of them.
	Members []string `json:"members,omitempty"`
}

// MaxDeletes bounds how many objects of one collection a plan may prune; see spec.MaxDeletes.
type MaxDeletes struct {
	Count   *int `json:"count,omitempty"`
	Percent int  `json:"percent"`
}

// Prune says how well the manifests know a collection that they prune. People count over both of their lists.
type Prune struct {
	Collection string `json:"collection"`
	Declared   int    `json:"declared"` // objects that the manifests want
	Matched    int    `json:"matched"`  // those of them that are live
}

// Summary counts what the plan holds; it is derived and always agrees with the lists.
type Summary struct {
	Create    int `json:"create"`
	Update    int `json:"update"`
	Delete    int `json:"delete"`
	Unmanaged int `json:"unmanaged"`
	Drift     int `json:"drift"`   // unmanaged objects of exclusive collections
	Blocked   int `json:"blocked"` // findings of severity error or blocked
}

// Action is what happens to an object. There is no replace: nothing is ever silently deleted and made anew.
type Action string

// The actions of a Change.
const (
	Create Action = "create"
	Update Action = "update"
	Delete Action = "delete"
)

// Risk says what a change may cost. Higher risks are shown first.
type Risk string

// The risks of a Change, mildest first.
const (
	RiskNone        Risk = "none"
	RiskDisruptive  Risk = "disruptive"  // restarts, resizes or stops a service, sets a password, or cuts somebody's access
	RiskDestructive Risk = "destructive" // deletes something
	RiskLockout     Risk = "lockout"     // touches administrators or the calling key
)

// Change is one object's difference.
//
//	Action  Before            After                Fields      ID
//	create  nil               all desired fields   empty       ""
//	update  managed, live     managed, desired     not empty   the server's
//	delete  reported fields   nil                  empty       the server's
//
// The address is what the manifest calls the object, but of a delete what it is called where it is live, NAME#ID where that
// name is not its own.
type Change struct {
	Address spec.Address `json:"address"`
	// DeclaredAs is what the manifest calls an object to be deleted that is live under another name.
	DeclaredAs spec.Address  `json:"declaredAs,omitzero"`
	Action     Action        `json:"action"`
	ID         string        `json:"id,omitempty"`
	Reason     string        `json:"reason"` // for people; nothing may depend on it
	Risk       Risk          `json:"risk"`
	Fields     []FieldChange `json:"fields,omitempty"`
	Before     spec.Tree     `json:"before,omitzero"`
	After      spec.Tree     `json:"after,omitzero"`
	// SetsPassword says that an update sets a new password for the user default: it completes the interrupted creation of a
	// service that has users of its own.
	SetsPassword bool `json:"setsPassword,omitempty"`
	// References are what the values that are sent mean where they name other objects, and of an update also what its managed
	// scalars mean; in the order of fields and values.
	References []Reference `json:"references,omitempty"`
	// DependsOn are the addresses of changes of this plan that must be applied first.
	DependsOn []spec.Address `json:"dependsOn,omitempty"`
	// Precondition is a hash of the object's id and comparable managed fields as observed; "" for a create.
	Precondition string `json:"precondition,omitempty"`
	// Pruned says that the object goes because no manifest declares it. Only a delete is ever pruned.
	Pruned bool `json:"pruned,omitempty"`
	// Pinned says that an id tells the object from others of its name: that of its entry, or those of entries that have taken all
	// others. Else it was found by its name, and a second one of that name makes the plan stale. Never set on a create.
	Pinned bool     `json:"pinned,omitempty"`
	Pos    spec.Pos `json:"source,omitzero"` // where the manifest declares it
}

// FieldChange is one field's difference. A scalar has Before and After (nil: absent or reset). A list is a set under the
// server's semantics and has the elements to Add, as the manifest spells them, and to Remove, as the server spells them; an
// element that changes is in both.
type FieldChange struct {
	Path   string `json:"path"`
	Before any    `json:"before,omitempty"`
	After  any    `json:"after,omitempty"`
	Add    []any  `json:"add,omitempty"`
	Remove []any  `json:"remove,omitempty"`
	List   bool   `json:"list,omitempty"`
	// Reset says that After is null on purpose: the server is asked for its default.
	Reset bool     `json:"reset,omitempty"`
	Pos   spec.Pos `json:"source,omitzero"`
}

// Unmanaged is a live object that no manifest declares, in a collection that manifests declare.
type Unmanaged struct {
	Address    spec.Address `json:"address"`
	ID         string       `json:"id"`
	Collection string       `json:"collection"`
	Exclusive  bool         `json:"exclusive"`          // policy.exclusive: it is drift
	HalfMade   bool         `json:"halfMade,omitempty"` // its creation was interrupted, or is under way
}

// Severity says what a finding does to the plan.
type Severity string

// The severities of a Finding.
const (
	SeverityError   Severity = "error"   // manifest and organization do not fit together: exit 1
	SeverityBlocked Severity = "blocked" // exit 3: of the whole plan, or of one object; see Finding.OfObject
	SeverityWarning Severity = "warning"
	SeverityNote    Severity = "note"
)

// Finding is something that plan has to say about an object whoever runs it.
type Finding struct {
	Code     string       `json:"code"` // OC3xx, stable
	Severity Severity     `json:"severity"`
	Address  spec.Address `json:"address,omitzero"`
	Message  string       `json:"message"`
	Hint     string       `json:"hint,omitempty"` // how to fix or allow it
	Pos      spec.Pos     `json:"source,omitzero"`
}

// OfObject reports that a finding concerns its object alone. That object, or a field of it, is left as it is; all others are
// planned and applied.
func (f *Finding) OfObject() bool {
	return f.Severity == SeverityBlocked && slices.Contains(objectCodes, f.Code)
}

// stops reports whether a finding keeps the plan, or one of its objects, from being carried out.
func (f *Finding) stops() bool { return f.Severity == SeverityError || f.Severity == SeverityBlocked }

// derived reports whether a finding follows from a plan and what is live: whoever judges a plan finds it, if it is so.
func (p *Plan) derived(f *Finding) bool { return f.Code == CodeQuota || judged(p.Definition(), f.Code) }

// objectCodes are those of findings about a single object that come from what is live.
var objectCodes = []string{
	CodeAmbiguous, CodeUnknownID, CodeConflict, CodeNoTarget, CodeNotPruned, CodeAttachedEndpoint, CodeUnread, CodeTaggedOnly,
}

// Requirement is something that apply will need and that whoever only plans may lack: a leave to delete, a sink for
// secrets, another key than the one in use. It changes no exit code of plan and drift; apply exits 3 on one that is not met.
type Requirement struct {
	Code    string       `json:"code"`
	Kind    string       `json:"kind"` // RequireSecretSink and its like
	Address spec.Address `json:"address"`
	Message string       `json:"message"`
	Hint    string       `json:"hint"`
}

// The kinds of Requirement.
const (
	RequireSecretSink  = "secretSink"
	RequireDeleteLeave = "deleteLeave"
	RequireCallerKey   = "callerKey" // another key, since the plan would shut out the one in use
	RequireCreation    = "creation"  // a journal or a stored secret that knows of a creation which is to be finished
)

// NotChecked is what could not be read: a collection that the key may not list and no manifest needs, or one managed field of
// one object, about which there is a finding too.
type NotChecked struct {
	Collection string       `json:"collection"`
	Address    spec.Address `json:"address,omitzero"` // the zero Address is the whole collection
	Field      string       `json:"field,omitempty"`
	Reason     string       `json:"reason"`
}

// Empty reports that there is nothing to apply. That says less than Converged.
func (p *Plan) Empty() bool { return len(p.Changes) == 0 }

// Converged reports that the organization is as declared: nothing is to be applied, nothing stands in the way of anything,
// nothing has drifted, and every field that the manifests manage was read. Whoever claims so, in whatever words and by
// whatever exit code, asks here.
func (p *Plan) Converged() bool {
	return p.Empty() && !p.Drifted() && !slices.ContainsFunc(p.Findings, func(f Finding) bool { return f.stops() })
}

// Drifted reports whether anything differs, or may: changes, undeclared objects of an exclusive collection, and what no change
// can set right or nobody could read. Finishing an interrupted creation is work for apply and no drift.
func (p *Plan) Drifted() bool {
	return slices.ContainsFunc(p.Changes, func(c Change) bool { return !c.onlyFinishes() }) || p.Summary.Drift > 0 ||
		slices.ContainsFunc(p.Findings, func(f Finding) bool { return f.Code == CodeImmutable || f.OfObject() })
}

// Blocked reports whether anything forbids the plan as a whole. What concerns single objects does not.
func (p *Plan) Blocked() bool {
	return slices.ContainsFunc(p.Findings, func(f Finding) bool { return f.Severity == SeverityBlocked && !f.OfObject() })
}

// Refused reports whether the key may not read something that the manifests manage.
func (p *Plan) Refused() bool {
	return slices.ContainsFunc(p.Findings, func(f Finding) bool { return f.Code == CodeRefused })
}

// Keep replaces the changes of a plan by some of them and derives anew what follows from them.
func (p *Plan) Keep(changes []Change) {
	p.Changes = changes
	p.tidy()
	p.Digest = p.digest()
}

// Worst is the gravest severity among the findings, or "" where there is none.
func (p *Plan) Worst() Severity {
	for _, s := range []Severity{SeverityError, SeverityBlocked, SeverityWarning, SeverityNote} {
		for _, f := range p.Findings {
			if f.Severity == s {
				return s
			}
		}
	}
	return ""
}

// tidy brings the lists into their one order and counts them.
func (p *Plan) tidy() {
	slices.SortFunc(p.Unmanaged, func(a, b Unmanaged) int { return a.Address.Compare(b.Address) })
	slices.SortStableFunc(p.Findings, func(a, b Finding) int {
		if d := severityRank(a.Severity) - severityRank(b.Severity); d != 0 {
			return d
		}
		if d := a.Address.Compare(b.Address); d != 0 {
			return d
		}
		return strings.Compare(a.Code+a.Message, b.Code+b.Message)
	})
	p.Summary = p.summarize()
}

func (p *Plan) summarize() Summary {
	s := Summary{Unmanaged: len(p.Unmanaged)}
	for _, c := range p.Changes {
		switch c.Action {
		case Create:
			s.Create++
		case Update:
			s.Update++
		case Delete:
			s.Delete++
		}
	}
	for _, u := range p.Unmanaged {
		if u.Exclusive {
			s.Drift++
		}
	}
	for _, f := range p.Findings {
		if f.stops() {
			s.Blocked++
		}
	}
	return s
}

func severityRank(s Severity) int {
	return slices.Index([]Severity{SeverityError, SeverityBlocked, SeverityWarning, SeverityNote}, s)
}
