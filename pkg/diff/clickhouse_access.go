package diff

import (
	"fmt"
	"slices"

	"github.com/orgctl/orgctl/pkg/spec"
)

// waysIn keeps services reachable: one that has an IP entry or a private endpoint does not lose the last of them, unless its
// manifest says that this is meant. An endpoint is a way in only while it is registered, whether or not the service names it.
// For example, a service with the entry 10.0.0.0/8 and the endpoint vpce-1 may lose either, and a plan that takes the entry away
// and deletes the registration of vpce-1 is blocked. One with vpce-1 alone may exchange it for an entry if the deletion waits.
func (c clickhouse) waysIn() {
	registered := map[string]bool{}
	deleted := map[string][]*Change{} // by registration
	made := map[string]*Change{}
	for r := range ofKind(c.live, "privateEndpoint") {
		registered[r.Address.Name] = true
		if d := c.projected.change(r); d != nil && d.Action == Delete {
			deleted[r.Address.Name] = append(deleted[r.Address.Name], d)
		}
	}
	for i := range c.plan.Changes {
		if m := &c.plan.Changes[i]; m.Address.Kind == "privateEndpoint" && m.Action == Create {
			made[m.Address.Name] = m
		}
	}
	closed, distinct := map[spec.Address]bool{}, distinguish(c.live)
	for _, a := range c.plan.Policy.Closed {
		closed[a] = true
	}
	for r := range ofKind(c.live, "service") {
		address, change := distinct(r), c.projected.change(r)
		entries, _ := r.Spec["ipAccessList"].([]any)
		endpoints := registrations(r.Spec, r.Spec["privateEndpointIds"])
		if change != nil {
			address = change.Address
		}
		isRegistered := func(name string) bool { return registered[name] }
		// Deletions that do not wait for the service's own change may find it as it is now; all find it as it will be.
		early := func(name string) bool {
			return registered[name] && !slices.ContainsFunc(deleted[name], func(d *Change) bool { return change == nil || !d.after(change) })
		}
		late := func(name string) bool {
			return registered[name] && len(deleted[name]) == 0 || made[name] != nil && change != nil && change.after(made[name])
		}
		if !open(entries, endpoints, isRegistered) || closed[distinct(r)] { // of namesakes only one may be meant
			continue
		}
		moment := ""
		switch {
		case c.projected.stays(r) && !open(c.projected.list(r, "ipAccessList"), registrations(r.Spec, c.projected.value(r, "privateEndpointIds")), late):
		case !open(entries, endpoints, early):
			moment = " for a while"
		default:
			continue
		}
		c.block(Finding{
			Code: CodeWayIn, Address: address, Pos: wayInPos(change),
			Message: "would have no way in" + moment + ": no IP entry that admits anybody and no private endpoint that is registered",
			Hint:    "keep an IP entry or an endpoint, or write access: closed if nobody is to connect",
		})
	}
}

// open reports whether anything lets clients in, given which endpoints count. It looks at the first entry that does: most
// services have many and lose none.
func open(entries []any, endpoints []string, counts func(name string) bool) bool {
	admits := func(entry any) bool { _, _, some := admitted(entry); return some }
	return slices.ContainsFunc(entries, admits) || slices.ContainsFunc(endpoints, counts)
}

// exposed says where a plan lets every address in that there is. That may be meant.
func (c clickhouse) exposed() {
	const path = "ipAccessList"
	warn := func(change *Change, pos spec.Pos, had, has any) {
		after, _ := has.([]any)
		families := addressesOf(after).everywhere()
		if len(families) > 0 { // almost never, so that the list from before is not looked at either
			before, _ := had.([]any)
			already := addressesOf(before).everywhere()
			families = slices.DeleteFunc(families, func(family string) bool { return slices.Contains(already, family) })
		}
		if len(families) == 0 {
			return
		}
		c.verdict.Findings = append(c.verdict.Findings, Finding{
			Code: CodeExposed, Severity: SeverityWarning, Address: change.Address, Pos: pos,
			Message: fmt.Sprintf("opens to every address: its new %s lets in all of %s", path, families[0]),
			Hint:    "list the networks that it is used from",
		})
	}
	for _, kind := range []string{"service", "key"} {
		for r := range ofKind(c.live, kind) {
			if change := c.projected.change(r); change != nil && change.field(path) != nil {
				warn(change, change.field(path).Pos, r.Spec[path], c.projected.value(r, path))
			}
		}
	}
	for i := range c.plan.Changes {
		if change := &c.plan.Changes[i]; change.Action == Create {
			warn(change, change.Pos, nil, change.After[path])
		}
	}
}

// wayInPos is where a manifest takes a way in away.
func wayInPos(change *Change) spec.Pos {
	if change == nil {
		return spec.Pos{}
	}
	for _, path := range []string{"ipAccessList", "privateEndpointIds"} {
		if f := change.field(path); f != nil {
			return f.Pos
		}
	}
	return change.Pos
}

// linkWaysIn gives a service another way in before an endpoint that it uses, maybe its only one, goes, and lets a service close
// one way in once the endpoints that it names are registered.
func linkWaysIn(l *linking) {
	for i := range l.changes {
		c := &l.changes[i]
		if c.closes() {
			r := l.objects.byID[identity(l.objects.api, c.Address.Kind, c.ID)]
			ids := r.Spec["privateEndpointIds"]
			if c.field("privateEndpointIds") != nil {
				ids = c.After["privateEndpointIds"]
			}
			for _, name := range registrations(r.Spec, ids) {
				if registration := l.created[spec.Address{Kind: "privateEndpoint", Name: name}]; registration != nil {
					c.follows(registration)
				}
			}
		}
		if !c.opens() {
			continue
		}
		for _, key := range l.endpoints(l.objects.byID[identity(l.objects.api, c.Address.Kind, c.ID)]) {
			if target := l.changed[key]; target != nil && target.Action == Delete {
				target.follows(c)
			}
		}
	}
}

// opens reports that an update gives a service another way in.
func (c *Change) opens() bool {
	return c.Address.Kind == "service" && slices.ContainsFunc(c.Fields, func(f FieldChange) bool {
		return (f.Path == "ipAccessList" || f.Path == "privateEndpointIds") && len(f.Add) > 0
	})
}

// closes reports that an update takes a way in from a service.
func (c *Change) closes() bool {
	return c.Address.Kind == "service" && slices.ContainsFunc(c.Fields, func(f FieldChange) bool {
		return (f.Path == "ipAccessList" || f.Path == "privateEndpointIds") && len(f.Remove) > 0
	})
}

// endpoints are the registrations that a live service uses.
func (l *linking) endpoints(service *spec.Resource) []string {
	const path = "privateEndpointIds"
	return l.objects.meant(l.objects.api.Kind("service").Field(path), service, service.Spec[path])
}

// registrations are the names of the endpoints that a service means by ids: those of its own place.
func registrations(service spec.Tree, ids any) []string {
	f := spec.ClickHouse.Kind("service").Field("privateEndpointIds")
	out := names(ids)
	for i, id := range out {
		out[i] = f.Target(id, service).Name
	}
	return out
}
