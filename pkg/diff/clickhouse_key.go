package diff

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"go4.org/netipx"

	"github.com/orgctl/orgctl/pkg/spec"
)

// StatusKeySuffix is the key of spec.Resource.Status that holds the last characters of an API key's id, the only way to
// recognise the calling key among the live ones (FACTS 6.1).
const StatusKeySuffix = "keySuffix"

// callingKeys are the live keys that may be the one in use: the suffix is a weak mark that several may bear, and that is as
// long as the server pleases.
func callingKeys(live *spec.Live) []*spec.Resource {
	var out []*spec.Resource
	ours := live.Caller.KeySuffix
	for r := range ofKind(live, "key") {
		suffix, _ := r.Status[StatusKeySuffix].(string)
		if suffix != "" && ours != "" && (strings.HasSuffix(suffix, ours) || strings.HasSuffix(ours, suffix)) {
			out = append(out, r)
		}
	}
	return out
}

// callingKeys keeps the plan's caller able to call: the API refuses the deletion of the key in use, and nothing else that
// would shut it out (FACTS 6.1). Each key is changed by one call, so that there are no states of it on the way, but for the time
// that passes. Another key could apply the same plan, hence these are requirements of apply.
func (c clickhouse) callingKeys() {
	keys := callingKeys(c.live)
	for _, r := range keys {
		change, address := c.projected.change(r), r.Address
		if change != nil {
			address = change.Address
		}
		is := "is the key in use"
		if len(keys) > 1 {
			is = fmt.Sprintf("may be the key in use (%d keys end alike)", len(keys))
		}
		for _, l := range c.lockouts(r, change) {
			c.verdict.Requirements = append(c.verdict.Requirements, Requirement{
				Code: l.code, Kind: RequireCallerKey, Address: address, Message: is + " and " + l.what,
				Hint: l.instead + ", or apply with another key",
			})
		}
	}
}

// lockout is one way in which a plan shuts out the key that it is made with.
type lockout struct{ code, what, instead string }

// lockouts are those of a key, which change is of, nil where the plan leaves it alone.
func (c clickhouse) lockouts(r *spec.Resource, change *Change) []lockout {
	if change != nil && change.Action == Delete {
		return []lockout{{CodeCallerKey, "would be deleted", "keep it"}}
	}
	var out []lockout
	if what := c.expires(r); what != "" {
		out = append(out, lockout{CodeCallerKey, what, "let it expire later, by a run of its own"})
	}
	if change == nil {
		return out
	}
	if f := change.field("state"); f != nil && f.After == "disabled" {
		out = append(out, lockout{CodeCallerKey, "would be disabled", "keep it enabled"})
	}
	if f := change.field("expireAt"); f != nil && f.nearer() {
		if what := c.wouldExpire(f.After); what != "" {
			out = append(out, lockout{CodeCallerKey, what, "let it expire later"})
		}
	}
	if f := change.field("roles"); f != nil {
		had, _ := r.Spec["roles"].([]any)
		if what := c.loses(had, c.projected.list(r, "roles")); what != "" {
			out = append(out, lockout{CodeCallerRoles, what, "keep its roles"})
		}
	}
	if f := change.field("ipAccessList"); f != nil {
		had, _ := r.Spec["ipAccessList"].([]any)
		if what := c.excludes(addressesOf(had), addressesOf(c.projected.list(r, "ipAccessList"))); what != "" {
			out = append(out, lockout{
				CodeCallerAddress, what, "keep the addresses that it has, or name yours with --caller-ip if it is among the new ones",
			})
		}
	}
	return out
}

// afterwards is how long a key in use has to last, at least, when its expiry comes nearer, after the plan that does so has been
// applied. Whoever wants less can do it with another key.
const afterwards = time.Hour

// expires says how a key, as it is, ends before whoever uses it has applied the plan; "" if it does not, and where there is
// nothing to apply. A change that puts the expiry off is no way out: it may be the one that comes last or fails.
func (c clickhouse) expires(r *spec.Resource) string {
	text, limited := r.Spec["expireAt"].(string)
	if !limited || c.plan.Empty() {
		return ""
	}
	expiry, err := time.Parse(time.RFC3339Nano, text)
	switch {
	case err != nil:
		return fmt.Sprintf("expires at %q, which is no time", text)
	case !c.timed():
		return fmt.Sprintf("expires at %s, which may come before this plan has been applied", text)
	case expiry.After(c.caller.Over):
		return ""
	default:
		return fmt.Sprintf("expires at %s, and applying this plan may take %s", text, c.takes())
	}
}

// wouldExpire says how an expiry that comes nearer ends the key too soon; "" if it does not.
func (c clickhouse) wouldExpire(at any) string {
	text, _ := at.(string)
	expiry, err := time.Parse(time.RFC3339Nano, text)
	switch {
	case err != nil:
		return fmt.Sprintf("would expire at %q, which is no time", text)
	case !c.caller.Now.IsZero() && !expiry.After(c.caller.Now):
		return fmt.Sprintf("would expire at %s, which has passed", text)
	case !c.timed():
		return fmt.Sprintf("would expire at %s, which may be too soon", text)
	case expiry.After(c.caller.Over.Add(afterwards)):
		return ""
	default:
		return fmt.Sprintf("would expire at %s, less than %s after this plan, which may take %s, has been applied", text, afterwards, c.takes())
	}
}

// timed reports whether it is known, by the API's clock, when the plan is applied.
func (c clickhouse) timed() bool { return !c.caller.Now.IsZero() && !c.caller.Over.IsZero() }

// takes is how long the plan takes at most. Times of day would make a plan another one at each look.
func (c clickhouse) takes() time.Duration { return c.caller.Over.Sub(c.caller.Now).Round(time.Second) }

// nearer reports that a key's expiry comes before the one that it has, which may be none.
func (f *FieldChange) nearer() bool {
	if f.Reset {
		return false
	}
	was, limited := f.Before.(string)
	current, err := time.Parse(time.RFC3339Nano, was)
	if !limited || err != nil {
		return true
	}
	text, _ := f.After.(string)
	expiry, err := time.Parse(time.RFC3339Nano, text)
	return err != nil || expiry.Before(current)
}

// loses says what roles a key loses that it cannot do without, "" if none: admin, and for a key without it all that it has,
// since nobody knows which of its roles lets it apply plans.
func (c clickhouse) loses(had, has []any) string {
	kept := slices.ContainsFunc(had, func(r any) bool {
		name, _ := r.(string)
		return hasRole(has, name)
	})
	switch {
	case hasRole(had, c.api.Admin) && !hasRole(has, c.api.Admin):
		return "would lose its role admin"
	case len(had) > 0 && !kept:
		return "would lose all of its roles"
	default:
		return ""
	}
}

// excludes says how a new access list shuts the caller out, "" if it does not. An empty list denies everyone (FACTS 6.1).
func (c clickhouse) excludes(had, has addresses) string {
	switch {
	case has.empty():
		return "would be accepted from nowhere: its new ipAccessList admits nobody"
	case c.caller.IP.IsValid() && has.set.Contains(c.caller.IP.Unmap()), has.covers(had):
		return ""
	case c.caller.IP.IsValid():
		return fmt.Sprintf("would not be accepted from %s: its new ipAccessList neither holds that address nor all that the current one holds", c.caller.IP)
	default:
		return "might not be accepted any more: its new ipAccessList does not hold all that the current one holds"
	}
}

// addresses is an access list as address space. An entry of the server that is no address or network stands for itself; the
// unspecified address alone, which nobody has, admits nobody.
type addresses struct {
	set   *netipx.IPSet
	other []string
}

func addressesOf(list []any) addresses {
	var b netipx.IPSetBuilder
	var out addresses
	for _, e := range list {
		switch network, other, some := admitted(e); {
		case network.IsValid():
			b.AddPrefix(network)
		case some:
			out.other = append(out.other, other)
		}
	}
	out.set, _ = b.IPSet() // the error is about invalid prefixes, which are not added
	return out
}

// admitted is what one entry lets in: some network or other text, or nobody.
func admitted(entry any) (network netip.Prefix, other string, some bool) {
	tree, _ := entry.(spec.Tree)
	source, _ := tree["source"].(string)
	network, err := netip.ParsePrefix(spec.CanonicalCIDR(source))
	switch {
	case err != nil:
		return netip.Prefix{}, strings.TrimSpace(source), true
	case network.IsSingleIP() && network.Addr().IsUnspecified():
		return netip.Prefix{}, "", false
	default:
		return network, "", true
	}
}

// everywhere names the families of which a list lets in all addresses.
func (a addresses) everywhere() (families []string) {
	for _, family := range []struct{ name, all string }{{"IPv4", "0.0.0.0/0"}, {"IPv6", "::/0"}} {
		if a.set.ContainsPrefix(netip.MustParsePrefix(family.all)) {
			families = append(families, family.name)
		}
	}
	return families
}

func (a addresses) empty() bool { return len(a.set.Ranges())+len(a.other) == 0 }

func (a addresses) covers(b addresses) bool {
	return !slices.ContainsFunc(b.set.Ranges(), func(r netipx.IPRange) bool { return !a.set.ContainsRange(r) }) &&
		!slices.ContainsFunc(b.other, func(s string) bool { return !slices.Contains(a.other, s) })
}

// linkExpiries lets the expiry of a key come nearer when all else has been applied: the key may be the one in use, whoever that
// is, and is still there then if something fails and has to be done again. One of these changes waits for what nothing else
// waits for, the others for that one. Nothing refers to a key.
func linkExpiries(l *linking) {
	var nearer []*Change
	awaited := map[spec.Address]bool{}
	for i := range l.changes {
		c := &l.changes[i]
		if f := c.field("expireAt"); c.Address.Kind == "key" && f != nil && f.nearer() {
			nearer = append(nearer, c)
			awaited[c.Address] = true
			continue
		}
		for _, a := range c.DependsOn {
			awaited[a] = true
		}
	}
	if len(nearer) == 0 {
		return
	}
	first := slices.MinFunc(nearer, func(a, b *Change) int { return a.Address.Compare(b.Address) })
	for _, c := range nearer {
		if c != first {
			c.follows(first)
		}
	}
	for i := range l.changes {
		if c := &l.changes[i]; !awaited[c.Address] {
			first.follows(c)
		}
	}
}

// expiredKeys refuses to create a key that has expired before it exists: the API would refuse it too, on every run, after what
// stands beside it has been made. Without a clock nothing can be said, and the API is left to judge.
func (c clickhouse) expiredKeys() {
	for _, change := range c.plan.Changes {
		expiry, ok := change.After["expireAt"].(string)
		at, err := time.Parse(time.RFC3339Nano, expiry)
		if change.Action != Create || change.Address.Kind != "key" || !ok || err != nil || c.caller.Now.IsZero() || at.After(c.caller.Now) {
			continue
		}
		c.block(Finding{
			Code: CodeExpired, Address: change.Address, Pos: change.Pos,
			Message: fmt.Sprintf("its expireAt, %s, has passed", expiry),
			Hint:    "give it a later one, or null for a key that never expires",
		})
	}
}

// proveKey gives what stays true of a key in use.
func (c clickhouse) proveKey(r *spec.Resource) []Proof {
	address := r.Address
	if change := c.projected.change(r); change != nil {
		address = change.Address
	}
	endangered := func(code string) bool {
		return slices.ContainsFunc(c.verdict.Requirements, func(q Requirement) bool { return q.Address == address && q.Code == code })
	}
	if endangered(CodeCallerKey) {
		return nil
	}
	var out []Proof
	if hasRole(c.projected.list(r, "roles"), c.api.Admin) {
		out = append(out, Proof{CodeCallerRoles, address, "this key keeps admin" + c.until(r)})
	}
	if ip := c.caller.IP; ip.IsValid() && addressesOf(c.projected.list(r, "ipAccessList")).set.Contains(ip.Unmap()) {
		out = append(out, Proof{CodeCallerAddress, address, fmt.Sprintf("caller %s stays allowed", ip)})
	}
	return out
}

// until says how long a key lasts that has an end.
func (c clickhouse) until(r *spec.Resource) string {
	text, limited := c.projected.value(r, "expireAt").(string)
	if !limited {
		return ""
	}
	if at, err := time.Parse(time.RFC3339Nano, text); err == nil {
		text = at.UTC().Format(time.RFC3339Nano)
	}
	return " until " + text
}

// keysPerOrganization is the limit of an organization whose owner has not agreed on another one with the vendor (FACTS 6.1). No
// quota tells it.
const keysPerOrganization = 100

// keyLimit warns where there would be more keys than an organization usually may have, if only for a moment: creations need not
// wait for deletions.
func (c clickhouse) keyLimit() {
	exist, created := 0, c.plan.created(c.api.Kind("key"))
	for range ofKind(c.live, "key") {
		exist++
	}
	if created == 0 || exist+created <= keysPerOrganization {
		return
	}
	c.verdict.Findings = append(c.verdict.Findings, Finding{
		Code: CodeKeyLimit, Severity: SeverityWarning, Address: c.plan.organization(),
		Message: fmt.Sprintf("%d keys exist and %d would be created, %d are allowed unless agreed otherwise", exist, created, keysPerOrganization),
		Hint:    "delete keys first, in an apply of its own, or have the limit raised by the vendor's support",
	})
}
