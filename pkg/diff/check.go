package diff

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/orgctl/orgctl/pkg/spec"
)

// Caller is what is known of whoever applies a plan, besides the key that the observation was made with. What is not known is
// taken to be unfavourable, so that the zero Caller is the strictest.
type Caller struct {
	IP    netip.Addr // the address that the API sees the calls come from; the zero Addr is unknown
	Now   time.Time  // when the plan is applied, by the API's clock; the zero Time is unknown
	Over  time.Time  // by when all of it has been carried out at the latest, by that clock; the zero Time is unknown
	Leave []string   // selectors of the services that may be deleted, besides those of the policy
	Sink  bool       // whether there is a place for secrets
	Begun []string   // ids of half-made services whose creation is known to have been begun by orgctl, besides by their tag
}

// Verdict is what the guards say about a plan.
type Verdict struct {
	Findings []Finding // blocked, whoever applies the plan, or a warning
	// Requirements are of the kinds RequireCallerKey, about the key that the observation was made with, and RequireCreation.
	Requirements []Requirement
}

// Check holds a plan to the guards: rules about what no plan may do to an organization, however it came about. It judges the
// state that the plan ends in and every state on the way there. Changes are carried out side by side and each may fail, so
// that "on the way" is any set of changes that holds, with each change, all that it depends on; the listed order means
// nothing here.
//
// live is any observation that the plan's preconditions hold for: the one that the plan was computed from, or a later one.
func Check(p *Plan, live *spec.Live, caller Caller) Verdict {
	c := newCheck(p, live, caller)
	c.admins()
	c.callingKeys()
	c.expiredKeys()
	c.waysIn()
	c.exposed()
	c.protected()
	c.maxDeletes()
	c.adoption()
	c.secondaries()
	c.coreDumps()
	c.keyLimit()
	c.tagged()
	return c.verdict
}

// checkCodes are the codes of what Check gives.
var checkCodes = []string{
	CodeAdmins, CodeCallerKey, CodeCallerRoles, CodeCallerAddress, CodeWayIn, CodeMaxDeletes, CodeEmptyDesired,
	CodeFirstAdoption, CodeSecondaries, CodeExpired, CodeForbidden, CodeKeyLimit, CodeProtected, CodeExposed,
}

// Guard judges the plan and writes the outcome into it: the findings of Check and what the caller lacks in place of those of an
// earlier judgement, and the risk of each change. Compute does this with the zero Caller. Whoever knows more, or is about to
// apply a saved plan with a key of his own against a fresh observation, does it again. The digest stays what it is.
func (p *Plan) Guard(live *spec.Live, caller Caller) {
	verdict := Check(p, live, caller)
	p.Findings = slices.DeleteFunc(p.Findings, func(f Finding) bool { return slices.Contains(checkCodes, f.Code) })
	p.Findings = append(p.Findings, verdict.Findings...)
	p.Requirements = append(p.needs(caller), verdict.Requirements...)
	api, own := p.Definition(), callingKeys(live)
	for i := range p.Changes {
		c := &p.Changes[i]
		calling := slices.ContainsFunc(own, func(r *spec.Resource) bool { return c.changes(r) })
		c.Risk = c.risk(api, calling)
	}
	p.seal()
}

// risk is what a change may cost; calling says that it is of the key in use.
func (c *Change) risk(api *spec.API, calling bool) Risk {
	switch {
	case calling, c.Address.Kind == api.People.Joined && (c.grants(api, api.Admin) || c.revokes(api, api.Admin)):
		return RiskLockout
	case c.Action == Delete:
		return RiskDestructive
	}
	if c.SetsPassword {
		return RiskDisruptive
	}
	for _, f := range c.Fields {
		field := api.Kind(c.Address.Kind).Field(f.Path)
		if field.Disrupts != nil && field.Disrupts(f.Before, f.After) || f.List && len(f.Remove) > 0 && !field.Label {
			return RiskDisruptive
		}
	}
	return RiskNone
}

// check is one run of the guards.
type check struct {
	api     *spec.API
	plan    *Plan
	live    *spec.Live
	caller  Caller
	outcome outcome
	verdict Verdict
}

func newCheck(p *Plan, live *spec.Live, caller Caller) *check {
	return &check{api: p.Definition(), plan: p, live: live, caller: caller, outcome: outcomeOf(p, live)}
}

func (c *check) block(f Finding) {
	f.Severity = SeverityBlocked
	c.verdict.Findings = append(c.verdict.Findings, f)
}

// organization is the object of what concerns no single one.
func (p *Plan) organization() spec.Address {
	return spec.Address{Kind: p.Definition().Organization().Name, Name: p.Organization.Handle}
}

// outcome answers what a plan leaves of each live object.
type outcome struct {
	live    *spec.Live
	plan    *Plan
	changes map[string]*Change // updates and deletions, by kind and id
}

func outcomeOf(p *Plan, live *spec.Live) outcome {
	o := outcome{live: live, plan: p, changes: map[string]*Change{}}
	for i := range p.Changes {
		if c := &p.Changes[i]; c.Action != Create {
			o.changes[c.Address.Kind+"/"+c.ID] = c
		}
	}
	return o
}

// each gives the live objects of a kind.
func each(live *spec.Live, kind string) func(yield func(*spec.Resource) bool) {
	return func(yield func(*spec.Resource) bool) {
		for i := range live.Resources {
			if r := &live.Resources[i]; r.Address.Kind == kind && !yield(r) {
				return
			}
		}
	}
}

// change is what the plan does to a live object, nil where it leaves it alone.
func (o outcome) change(r *spec.Resource) *Change { return o.changes[r.Address.Kind+"/"+r.ID] }

// changes reports whether a change is of a live object.
func (c *Change) changes(r *spec.Resource) bool {
	return c.Action != Create && c.Address.Kind == r.Address.Kind && c.ID == r.ID
}

// stays reports whether a live object is there after the plan.
func (o outcome) stays(r *spec.Resource) bool {
	c := o.change(r)
	return c == nil || c.Action != Delete
}

// value is a field of a live object after the plan, nil where it has none.
func (o outcome) value(r *spec.Resource, path string) any {
	from := r.Spec
	if c := o.change(r); c != nil && c.field(path) != nil {
		from = c.After
	}
	v, _ := spec.Get(from, path)
	return v
}

func (o outcome) list(r *spec.Resource, path string) []any {
	list, _ := o.value(r, path).([]any)
	return list
}

// attachment is by what objects are attached to: a field of a kind (Field.Attaches).
type attachment struct {
	users *spec.Kind
	field *spec.Field
}

// attached are the objects that others are attached to after the plan.
func (o outcome) attached() map[spec.Address]*attachment {
	out := map[spec.Address]*attachment{}
	for _, kind := range o.plan.Definition().Kinds {
		for i := range kind.Fields {
			if kind.Fields[i].Attaches {
				o.attach(out, &attachment{kind, &kind.Fields[i]})
			}
		}
	}
	return out
}

// attach adds to what is attached.
func (o outcome) attach(to map[spec.Address]*attachment, by *attachment) {
	add := func(user spec.Tree, values any) {
		for _, value := range names(values) {
			to[by.field.Target(value, user)] = by
		}
	}
	for r := range each(o.live, by.users.Name) {
		if o.stays(r) {
			add(r.Spec, o.value(r, by.field.Path))
		}
	}
	for _, c := range o.plan.Changes {
		if c.Address.Kind == by.users.Name && c.Action == Create {
			add(c.After, c.After[by.field.Path])
		}
	}
}

// registrations are the names of the endpoints that a service means by ids: those of its own place.
func registrations(service spec.Tree, ids any) []string {
	f := spec.KindOf("service").Field("privateEndpointIds")
	out := names(ids)
	for i, id := range out {
		out[i] = f.Target(id, service).Name
	}
	return out
}

// field is the change of one field, nil where the field stays as it is.
func (c *Change) field(path string) *FieldChange {
	for i := range c.Fields {
		if c.Fields[i].Path == path {
			return &c.Fields[i]
		}
	}
	return nil
}

// after reports that a change is not begun before another one is done.
func (c *Change) after(other *Change) bool { return slices.Contains(c.DependsOn, other.Address) }

// enumerate names the first few of many objects.
func enumerate(addresses []spec.Address) string {
	const shown = 5
	names := make([]string, 0, shown)
	for _, a := range addresses[:min(len(addresses), shown)] {
		names = append(names, a.String())
	}
	text := strings.Join(names, ", ")
	if more := len(addresses) - shown; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}
