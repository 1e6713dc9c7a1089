package diff_test

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/orgctl/orgctl/pkg/diff"
	"github.com/orgctl/orgctl/pkg/spec"
)

// The laws of the guards are checked against a model that knows none of their reasoning: it carries out every set of changes
// that the dependencies allow, one after the other, and looks at the organization that results. In time, such a set is what has
// been done at once, while all the rest takes as long as it may: each of its calls needs a key that the API still takes.

// risky draws a small organization, and what somebody wants of it, of the things that guards look at.
func risky(t *rapid.T) (*spec.Organization, *spec.Live, diff.Caller) {
	// The API's clock, by which it judges keys, is years away from ours.
	now := noon.AddDate(rapid.SampledFrom([]int{-9, 0, 9}).Draw(t, "years"), 0, 0)
	live := &spec.Live{
		OrganizationID: "org-1", OrganizationName: "Acme", Roles: roles("Admin", "Developer"),
		Caller: spec.Caller{KeySuffix: "f00d"},
	}
	desired := &spec.Organization{Name: "acme", Declared: map[string]spec.Pos{}, Policy: spec.Policy{
		Prune:      rapid.SliceOfDistinct(rapid.SampledFrom(collections()), rapid.ID[string]).Draw(t, "prune"),
		MinAdmins:  rapid.IntRange(1, 3).Draw(t, "minAdmins"),
		MaxDeletes: spec.MaxDeletes{Percent: 25},
	}}
	if n := rapid.IntRange(-1, 2).Draw(t, "maxDeletes"); n >= 0 {
		desired.Policy.MaxDeletes.Count = &n
	}
	for _, c := range collections() {
		desired.Declared[c] = spec.Pos{}
	}
	put := func(kind string, names []string, object func(name string, live bool) spec.Tree) {
		for _, name := range names {
			a := address(kind, name)
			r := spec.Resource{Address: a, ID: kind + "-" + name, Spec: object(name, true), Status: spec.Tree{}}
			if kind == "key" {
				r.Status[diff.StatusKeySuffix] = rapid.SampledFrom([]string{"f00d", "beef"}).Draw(t, "suffix")
			}
			live.Resources = append(live.Resources, r)
			fate := rapid.SampledFrom([]string{"kept", "kept", "kept", "absent", "undeclared"}).Draw(t, a.String())
			if fate == "undeclared" {
				continue
			}
			d := spec.Resource{Address: a, Spec: object(name, false), Intent: spec.Intent{Absent: fate == "absent"}}
			d.Intent.Closed = kind == "service" && rapid.IntRange(0, 3).Draw(t, "closed") == 0
			desired.Resources = append(desired.Resources, d)
		}
	}
	endpoint := func(name string, _ bool) spec.Tree {
		return spec.Tree{"id": name, "cloudProvider": "aws", "region": "us-east-1"}
	}
	registered := subset(t, "endpoints", "a", "b")
	put("privateEndpoint", registered, endpoint)
	for _, name := range []string{"a", "b"} {
		if !slices.Contains(registered, name) && rapid.Bool().Draw(t, "register "+name) {
			desired.Resources = append(desired.Resources, spec.Resource{Address: address("privateEndpoint", name), Spec: endpoint(name, false)})
		}
	}
	put("service", []string{"p", "s"}, func(name string, isLive bool) spec.Tree {
		out := spec.Tree{
			"name": name, "provider": "aws", "region": "us-east-1",
			"state":              rapid.SampledFrom([]string{"running", "running", "stopped"}).Draw(t, "state"),
			"ipAccessList":       sources(t, "192.0.2.1", "192.0.2.2"),
			"privateEndpointIds": texts(t, "a", "b"),
		}
		if name == "s" && isLive && rapid.Bool().Draw(t, "secondary") {
			out["warehouse"] = "p"
		}
		return out
	})
	if rapid.IntRange(0, 4).Draw(t, "new secondary") == 0 {
		desired.Resources = append(desired.Resources, spec.Resource{
			Address: address("service", "n"), Spec: spec.Tree{"name": "n", "warehouse": "p", "ipAccessList": []any{}},
		})
	}
	put("key", subset(t, "keys", "k", "l"), func(name string, isLive bool) spec.Tree {
		out := spec.Tree{
			"name": name, "state": "enabled", "roles": texts(t, "Admin", "Developer"),
			"ipAccessList": sources(t, "203.0.113.0/25", "203.0.113.128/25", "203.0.113.0/24", "203.0.113.9", "198.51.100.1"),
		}
		ends := []time.Duration{time.Second, 20 * time.Minute, time.Hour, 100 * time.Minute, 5 * time.Hour, 20_000 * time.Hour}
		if !isLive {
			out["state"] = rapid.SampledFrom([]string{"enabled", "enabled", "disabled"}).Draw(t, "state")
			ends = append(ends, -time.Hour, 0)
		}
		if rapid.Bool().Draw(t, "ends") {
			out["expireAt"] = now.Add(rapid.SampledFrom(ends).Draw(t, "end")).Format(time.RFC3339)
		} else if !isLive {
			out["expireAt"] = nil
		}
		return out
	})
	put("member", []string{"ana", "bo", "cy", "di"}[:rapid.IntRange(1, 4).Draw(t, "members")], func(name string, _ bool) spec.Tree {
		role := rapid.SampledFrom([]any{"Admin", "admin", "Developer"}).Draw(t, "role")
		return spec.Tree{"email": name + "@example.com", "roles": []any{role}}
	})
	sortWorld(desired, live)
	joinWarehouses(live)
	var caller diff.Caller
	if rapid.Bool().Draw(t, "address known") {
		caller.IP = netip.MustParseAddr(rapid.SampledFrom([]string{"203.0.113.9", "203.0.113.200", "198.51.100.1"}).Draw(t, "caller"))
	}
	if rapid.IntRange(0, 3).Draw(t, "time known") > 0 {
		caller.Now = now
	}
	return desired, live, caller
}

// timetable draws how long each change of a plan may take, gives by when it has been made at the latest, and tells the caller
// when all of them have.
func timetable(t *rapid.T, p *diff.Plan, caller *diff.Caller) map[spec.Address]time.Time {
	latest := map[spec.Address]time.Time{}
	for _, c := range p.Changes {
		begin := caller.Now
		for _, a := range c.DependsOn {
			if after := latest[a]; after.After(begin) {
				begin = after
			}
		}
		takes := rapid.SampledFrom([]time.Duration{time.Second, time.Second, 10 * time.Minute, time.Hour}).Draw(t, "takes")
		latest[c.Address] = begin.Add(takes)
		if end := latest[c.Address]; !caller.Now.IsZero() && end.After(caller.Over) {
			caller.Over = end
		}
	}
	if rapid.IntRange(0, 7).Draw(t, "limits unknown") == 0 {
		caller.Over = time.Time{}
	}
	return latest
}

func subset(t *rapid.T, label string, among ...string) []string {
	out := rapid.SliceOfNDistinct(rapid.SampledFrom(among), 0, len(among), rapid.ID[string]).Draw(t, label)
	slices.Sort(out)
	return out
}

func sources(t *rapid.T, among ...string) []any {
	out := []any{}
	for _, s := range subset(t, "sources", among...) {
		out = append(out, spec.Tree{"source": s})
	}
	return out
}

// states gives the organization after every set of changes that holds, with each, all that it depends on, and what is left of
// the plan then.
func states(t *rapid.T, p *diff.Plan, live *spec.Live, visit func(state *spec.Live, left []spec.Address)) {
	end := map[string]spec.Resource{}
	for _, r := range carryOut(t, live, p).Resources {
		end[r.Address.Kind+"/"+r.ID] = r
	}
	done := map[spec.Address]bool{}
	var choose func(i int)
	choose = func(i int) {
		if i < len(p.Changes) {
			c := p.Changes[i]
			choose(i + 1)
			if !slices.ContainsFunc(c.DependsOn, func(a spec.Address) bool { return !done[a] }) {
				done[c.Address] = true
				choose(i + 1)
				delete(done, c.Address)
			}
			return
		}
		touched := map[string]bool{}
		state := &spec.Live{}
		var left []spec.Address
		for _, c := range p.Changes {
			id := c.Address.Kind + "/" + c.ID
			if c.Action == diff.Create {
				id = c.Address.Kind + "/new-" + c.Address.String()
			}
			if !done[c.Address] {
				left = append(left, c.Address)
				continue
			}
			touched[id] = true
			if r, ok := end[id]; ok {
				state.Resources = append(state.Resources, r)
			}
		}
		for _, r := range live.Resources {
			if !touched[r.Address.Kind+"/"+r.ID] {
				state.Resources = append(state.Resources, r)
			}
		}
		visit(state, left)
	}
	choose(0)
}

// harm names what is wrong with a state in the light of how things were, as "CODE ADDRESS". What is left of the plan needs a key
// until need, the zero Time if nothing is left.
func harm(desired *spec.Organization, before, state *spec.Live, caller diff.Caller, need time.Time) map[string]bool {
	out := map[string]bool{}
	was, is := admins(before), admins(state)
	if is < was && (is == 0 || is < desired.Policy.MinAdmins) {
		out[diff.CodeAdmins+" organization/acme"] = true
	}
	for _, r := range of(before, "service") {
		now := find(state, "service", r.ID)
		if waysIn(before, r) > 0 && now != nil && waysIn(state, *now) == 0 && !closed(desired, r.Address) {
			out[diff.CodeWayIn+" "+r.Address.String()] = true
		}
		withdrawn := now == nil || r.Spec["state"] == "running" && now.Spec["state"] == "stopped"
		for _, s := range of(state, "service") {
			if withdrawn && s.Refs["warehouse"] == r.ID {
				out[diff.CodeSecondaries+" "+r.Address.String()] = true
			}
		}
	}
	for _, r := range of(before, "key") {
		if r.Status[diff.StatusKeySuffix] != before.Caller.KeySuffix {
			continue
		}
		for _, code := range keyHarm(r, find(state, "key", r.ID), caller, need) {
			out[code+" "+r.Address.String()] = true
		}
	}
	return out
}

func of(live *spec.Live, kind string) []spec.Resource {
	var out []spec.Resource
	for _, r := range live.Resources {
		if r.Address.Kind == kind {
			out = append(out, r)
		}
	}
	return out
}

func find(live *spec.Live, kind, id string) *spec.Resource {
	for _, r := range of(live, kind) {
		if r.ID == id {
			return &r
		}
	}
	return nil
}

func admins(live *spec.Live) int {
	n := 0
	for _, r := range of(live, "member") {
		if has(r, "admin") {
			n++
		}
	}
	return n
}

func has(r spec.Resource, role string) bool {
	return slices.ContainsFunc(list(r.Spec["roles"]), func(have any) bool { return strings.EqualFold(have.(string), role) })
}

// waysIn counts entries and the endpoints that are registered.
func waysIn(state *spec.Live, r spec.Resource) int {
	n := len(list(r.Spec["ipAccessList"]))
	for _, id := range list(r.Spec["privateEndpointIds"]) {
		registration := address("privateEndpoint", id.(string))
		if slices.ContainsFunc(of(state, "privateEndpoint"), func(e spec.Resource) bool { return e.Address == registration }) {
			n++
		}
	}
	return n
}

func closed(desired *spec.Organization, a spec.Address) bool {
	return slices.ContainsFunc(desired.Resources, func(r spec.Resource) bool { return r.Address == a && r.Intent.Closed })
}

func keyHarm(was spec.Resource, now *spec.Resource, caller diff.Caller, need time.Time) []string {
	if now == nil {
		return []string{diff.CodeCallerKey}
	}
	var out []string
	if now.Spec["state"] != "enabled" || endsEarly(was, *now, caller, need) {
		out = append(out, diff.CodeCallerKey)
	}
	keeps := slices.ContainsFunc(list(was.Spec["roles"]), func(r any) bool { return has(*now, r.(string)) })
	if has(was, "admin") && !has(*now, "admin") || len(list(was.Spec["roles"])) > 0 && !keeps {
		out = append(out, diff.CodeCallerRoles)
	}
	before, after := reach(was), reach(*now)
	lost := slices.ContainsFunc(before, func(a netip.Addr) bool { return !slices.Contains(after, a) })
	if len(before) > 0 && len(after) == 0 || lost && !slices.Contains(after, caller.IP) {
		out = append(out, diff.CodeCallerAddress)
	}
	return out
}

// endsEarly reports that a key is refused while it is needed, or, where the plan has brought its end nearer, within an hour
// after the plan. Without a clock every end may be too early.
func endsEarly(was, now spec.Resource, caller diff.Caller, need time.Time) bool {
	end, ends := expiry(now)
	if !ends {
		return false
	}
	sooner, limited := expiry(was)
	nearer := !limited || end.Before(sooner)
	if caller.Now.IsZero() || caller.Over.IsZero() {
		return nearer || !need.IsZero()
	}
	return !need.IsZero() && !end.After(need) || nearer && !end.After(caller.Over.Add(time.Hour))
}

func expiry(key spec.Resource) (at time.Time, ends bool) {
	text, ends := key.Spec["expireAt"].(string)
	at, err := time.Parse(time.RFC3339, text)
	return at, ends && err == nil
}

// reach enumerates the addresses that a list of these tests lets in.
func reach(r spec.Resource) []netip.Addr {
	var out []netip.Addr
	for _, candidate := range []string{"203.0.113.0/24", "198.51.100.1/32"} {
		p := netip.MustParsePrefix(candidate)
		for a := p.Addr(); p.Contains(a); a = a.Next() {
			for _, e := range list(r.Spec["ipAccessList"]) {
				if netip.MustParsePrefix(spec.CanonicalCIDR(e.(spec.Tree)["source"].(string))).Contains(a) {
					out = append(out, a)
					break
				}
			}
		}
	}
	return out
}

// anyHarm collects the harm of every state that a plan may pass through.
func anyHarm(t *rapid.T, desired *spec.Organization, live *spec.Live, p *diff.Plan, caller diff.Caller, latest map[spec.Address]time.Time) []string {
	all := map[string]bool{}
	states(t, p, live, func(state *spec.Live, left []spec.Address) {
		var need time.Time
		for _, a := range left {
			if latest[a].After(need) {
				need = latest[a]
			}
		}
		for h := range harm(desired, live, state, caller, need) {
			all[h] = true
		}
	})
	return sorted(all)
}

// foreseen is what the guards say, of the codes that harm knows.
func foreseen(v diff.Verdict) []string {
	all := map[string]bool{}
	for _, f := range v.Findings {
		if slices.Contains([]string{diff.CodeAdmins, diff.CodeWayIn, diff.CodeSecondaries}, f.Code) {
			all[f.Code+" "+f.Address.String()] = true
		}
	}
	for _, r := range v.Requirements {
		all[r.Code+" "+r.Address.String()] = true
	}
	return sorted(all)
}

func sorted(set map[string]bool) []string {
	out := []string{}
	for s := range set {
		out = append(out, s)
	}
	slices.Sort(out)
	return out
}

// A plan is blocked, with the right code on the right object, exactly if some state that it may pass through does harm.
func TestLawGuardsBlockHarmAndNothingElse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		desired, live, caller := risky(t)
		p := compute(t, desired, live)
		latest := timetable(t, p, &caller)
		if d := cmp.Diff(anyHarm(t, desired, live, p, caller, latest), foreseen(diff.Check(p, live, caller))); d != "" {
			t.Fatalf("(-harm +verdict)\n%s%s", d, encode(t, p))
		}
	})
}

// The same holds for a plan that has lost its dependencies, where almost every way is open.
func TestLawGuardsKnowThatOrderIsDependencies(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		desired, live, caller := risky(t)
		p := compute(t, desired, live)
		for i := range p.Changes {
			p.Changes[i].DependsOn = nil
		}
		latest := timetable(t, p, &caller)
		if d := cmp.Diff(anyHarm(t, desired, live, p, caller, latest), foreseen(diff.Check(p, live, caller))); d != "" {
			t.Fatalf("(-harm +verdict)\n%s%s", d, encode(t, p))
		}
	})
}

// Where some dependencies are missing, the guards may be stricter than necessary, never more lenient.
func TestLawGuardsMissNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		desired, live, caller := risky(t)
		p := compute(t, desired, live)
		for i := range p.Changes {
			c := &p.Changes[i]
			c.DependsOn = slices.DeleteFunc(c.DependsOn, func(spec.Address) bool { return rapid.Bool().Draw(t, "lost") })
		}
		latest := timetable(t, p, &caller)
		verdict := foreseen(diff.Check(p, live, caller))
		for _, h := range anyHarm(t, desired, live, p, caller, latest) {
			if !slices.Contains(verdict, h) {
				t.Fatalf("%s is not foreseen: %v\n%s", h, verdict, encode(t, p))
			}
		}
	})
}

// What is pruned beyond the limits is blocked, and nothing else is: what goes by the manifests' silence is what is no longer
// there and was not declared absent.
func TestLawGuardsBoundPruning(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		desired, live, _ := risky(t)
		p := compute(t, desired, live)
		after := carryOut(t, live, p)
		want := map[string]bool{}
		for _, kind := range spec.ClickHouse.Kinds {
			silent, known := 0, 0
			for _, r := range of(live, kind.Name) {
				i := slices.IndexFunc(desired.Resources, func(d spec.Resource) bool { return d.Address == r.Address })
				switch {
				case i >= 0 && !desired.Resources[i].Intent.Absent:
					known++
				case i < 0 && find(after, kind.Name, r.ID) == nil:
					silent++
				}
			}
			if most := desired.Policy.MaxDeletes.Count; most != nil && silent > *most {
				want[diff.CodeMaxDeletes] = true
			}
			wanted := slices.ContainsFunc(desired.Resources, func(d spec.Resource) bool { return d.Address.Kind == kind.Name && !d.Intent.Absent })
			switch {
			case silent == 0 || known > 0:
			case wanted:
				want[diff.CodeFirstAdoption] = true
			default:
				want[diff.CodeEmptyDesired] = true
			}
		}
		got := map[string]bool{}
		for _, f := range p.Findings {
			if slices.Contains([]string{diff.CodeMaxDeletes, diff.CodeEmptyDesired, diff.CodeFirstAdoption}, f.Code) {
				got[f.Code] = true
			}
		}
		if d := cmp.Diff(sorted(want), sorted(got)); d != "" {
			t.Fatalf("(-want +got)\n%s%s", d, encode(t, p))
		}
	})
}

// The end of a key, whichever may be in use, is brought nearer when all else has been done.
func TestLawExpiriesComeNearerLast(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		desired, live, _ := risky(t)
		p := compute(t, desired, live)
		nearer := map[spec.Address]bool{}
		for _, c := range p.Changes {
			was, wasLimited := expiry(spec.Resource{Spec: c.Before})
			is, limited := expiry(spec.Resource{Spec: c.After})
			nearer[c.Address] = c.Address.Kind == "key" && c.Action == diff.Update && limited && (!wasLimited || is.Before(was))
		}
		states(t, p, live, func(_ *spec.Live, left []spec.Address) {
			begun := slices.ContainsFunc(p.Changes, func(c diff.Change) bool { return nearer[c.Address] && !slices.Contains(left, c.Address) })
			for _, a := range left {
				if begun && !nearer[a] {
					t.Fatalf("%s is left after the end of a key was brought nearer\n%s", a, encode(t, p))
				}
			}
		})
	})
}

// What only adds is nobody's lockout.
func TestLawAdditionsAreHarmless(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		_, live, caller := risky(t)
		for _, key := range of(live, "key") {
			delete(key.Spec, "expireAt") // its end is no deed of the plan
		}
		desired := mirror(live)
		desired.Policy.MinAdmins = rapid.IntRange(1, 9).Draw(t, "minAdmins")
		desired.Policy.Prune = collections()
		for i, r := range desired.Resources {
			tree := spec.Clone(r.Spec)
			switch r.Address.Kind {
			case "service", "key":
				tree["ipAccessList"] = append(list(tree["ipAccessList"]), spec.Tree{"source": "192.0.2.77"})
			case "member":
				tree["roles"] = []any{"Admin", "Developer"}
			}
			desired.Resources[i].Spec = tree
		}
		desired.Resources = append(desired.Resources,
			spec.Resource{Address: address("service", "new"), Spec: spec.Tree{"name": "new", "provider": "aws", "region": "us-east-1", "ipAccessList": []any{}}},
			spec.Resource{Address: address("invitation", "new"), Spec: spec.Tree{"email": "new@example.com", "roles": []any{"Admin"}}})
		p := compute(t, desired, live)
		if got := judged(diff.Check(p, live, caller)); len(got) > 0 {
			t.Fatalf("%v\n%s", got, encode(t, p))
		}
	})
}

// Neither the digest nor what concerns everybody depends on who asks, and judging twice is judging once.
func TestLawCallerIsNoPartOfThePlan(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		desired, live, caller := risky(t)
		mine := compute(t, desired, live)
		other := *live
		other.Caller.KeySuffix = "beef"
		theirs := compute(t, desired, &other)
		if mine.Digest != theirs.Digest {
			t.Fatal("the digest depends on the key")
		}
		if d := cmp.Diff(mine.Findings, theirs.Findings); d != "" {
			t.Fatalf("the findings depend on the key:\n%s", d)
		}
		first := string(encode(t, theirs))
		theirs.Guard(live, caller)
		theirs.Guard(&other, diff.Caller{})
		if d := cmp.Diff(first, string(encode(t, theirs))); d != "" {
			t.Fatalf("another judgement has left a trace:\n%s", d)
		}
	})
}
