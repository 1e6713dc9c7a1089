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
// taken to be unfavourable, so that the zero Caller is the strictest. For example, a pipeline that runs at 203.0.113.9 with a
// place for secrets, for whom a new access list of its own key that holds 203.0.113.9 is no lockout:
//
//	Caller{IP: netip.MustParseAddr("203.0.113.9"), Sink: true}
type Caller struct {
	IP    netip.Addr // the address that the API sees the calls come from; the zero Addr is unknown
	Now   time.Time  // when the plan is applied, by the API's clock; the zero Time is unknown
	Over  time.Time  // by when all of it has been carried out at the latest, by that clock; the zero Time is unknown
	Leave []string   // selectors of what may be deleted, besides those of the policy
	Sink  bool       // whether there is a place for secrets
	Begun []string   // ids of half-made objects whose creation is known to have been begun by orgctl, besides by their tag
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
	j := newJudgement(p, live, caller)
	j.protected()
	j.maxDeletes()
	j.adoption()
	if own := rulesOf(j.api).judge; own != nil {
		own(j)
	}
	return j.verdict
}

// checkCodes are the codes of what Check finds in plans of any API, and rules.codes of what it finds besides.
var checkCodes = []string{CodeProtected, CodeMaxDeletes, CodeEmptyDesired, CodeFirstAdoption}

// rules are what guards and orders the plans of one API besides what does so for all, each nil where there is nothing of the sort.
// Whatever knows a kind of an API by its name is among them.
type rules struct {
	judge   func(*judgement)                  // its guards
	codes   []string                          // of the findings of its guards
	link    func(*linking)                    // what references do not say of its order
	prove   func(*judgement) []Proof          // what stays true
	calling func(*spec.Live) []*spec.Resource // which live objects may be the credential in use
}

// rulesOf gives the rules of an API.
func rulesOf(api *spec.API) rules {
	switch api.Name {
	case spec.ClickHouse.Name:
		return clickhouseRules
	case spec.Locktera.Name:
		return lockteraRules
	default:
		return rules{}
	}
}

// judged reports whether a code is of findings that Check gives of plans of an API.
func judged(api *spec.API, code string) bool {
	return slices.Contains(checkCodes, code) || slices.Contains(rulesOf(api).codes, code)
}

// Guard judges the plan and writes the verdict into it: the findings of Check and what the caller lacks in place of those of an
// earlier judgement, and the risk of each change. Compute does this with the zero Caller. Whoever knows more, or is about to
// apply a saved plan with a key of his own against a fresh observation, does it again. The digest stays what it is: what the guards
// say does not enter it.
func (p *Plan) Guard(live *spec.Live, caller Caller) {
	verdict, api := Check(p, live, caller), p.Definition()
	p.Findings = slices.DeleteFunc(p.Findings, func(f Finding) bool { return judged(api, f.Code) })
	p.Findings = append(p.Findings, verdict.Findings...)
	p.Requirements = append(p.needs(caller), verdict.Requirements...)
	var own []*spec.Resource
	if calling := rulesOf(api).calling; calling != nil {
		own = calling(live)
	}
	for i := range p.Changes {
		c := &p.Changes[i]
		calling := slices.ContainsFunc(own, func(r *spec.Resource) bool { return c.changes(r) })
		c.Risk = c.risk(api, calling)
	}
	p.tidy()
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

// judgement is one run of the guards.
type judgement struct {
	api       *spec.API
	plan      *Plan
	live      *spec.Live
	caller    Caller
	projected projection
	verdict   Verdict
}

func newJudgement(p *Plan, live *spec.Live, caller Caller) *judgement {
	return &judgement{api: p.Definition(), plan: p, live: live, caller: caller, projected: project(p, live)}
}

func (j *judgement) block(f Finding) {
	f.Severity = SeverityBlocked
	j.verdict.Findings = append(j.verdict.Findings, f)
}

// organization is the object of what concerns no single one.
func (p *Plan) organization() spec.Address {
	return spec.Address{Kind: p.Definition().Organization().Name, Name: p.Organization.Handle}
}

// projection answers what a plan leaves of each live object.
type projection struct {
	live    *spec.Live
	plan    *Plan
	changes map[string]*Change // updates and deletions, by kind and id
}

func project(p *Plan, live *spec.Live) projection {
	o := projection{live: live, plan: p, changes: map[string]*Change{}}
	for i := range p.Changes {
		if c := &p.Changes[i]; c.Action != Create {
			o.changes[c.Address.Kind+"/"+c.ID] = c
		}
	}
	return o
}

// ofKind gives the live objects of a kind.
func ofKind(live *spec.Live, kind string) func(yield func(*spec.Resource) bool) {
	return func(yield func(*spec.Resource) bool) {
		for i := range live.Resources {
			if r := &live.Resources[i]; r.Address.Kind == kind && !yield(r) {
				return
			}
		}
	}
}

// change is what the plan does to a live object, nil where it leaves it alone.
func (o projection) change(r *spec.Resource) *Change { return o.changes[r.Address.Kind+"/"+r.ID] }

// stays reports whether a live object is there after the plan.
func (o projection) stays(r *spec.Resource) bool {
	c := o.change(r)
	return c == nil || c.Action != Delete
}

// value is a field of a live object after the plan, nil where it has none.
func (o projection) value(r *spec.Resource, path string) any {
	from := r.Spec
	if c := o.change(r); c != nil && c.field(path) != nil {
		from = c.After
	}
	v, _ := spec.Get(from, path)
	return v
}

func (o projection) list(r *spec.Resource, path string) []any {
	list, _ := o.value(r, path).([]any)
	return list
}

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
