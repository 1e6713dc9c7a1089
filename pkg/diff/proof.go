package diff

import (
	"fmt"
	"slices"
	"time"

	"github.com/orgctl/orgctl/pkg/spec"
)

// Proof is one thing that no part of a plan takes away. Proofs are a view of a plan: they depend on the caller and are not
// stored in it.
type Proof struct {
	Code      string       `json:"code"`    // of the guard that would say otherwise
	Address   spec.Address `json:"address"` // whom it is about
	Statement string       `json:"statement"`
}

// Proofs gives what stays true of administrators and caller whatever part of the plan is carried out, as far as the
// observation shows it. What does not stay true is in the verdict of Check instead.
func Proofs(p *Plan, live *spec.Live, caller Caller) []Proof {
	c := newCheck(p, live, caller)
	c.admins()
	c.callingKeys()
	var out []Proof
	_, hidden := live.NotChecked["members"]
	if !hidden && !slices.Contains(live.LeftOut, "members") && len(c.verdict.Findings) == 0 {
		out = append(out, Proof{CodeAdmins, c.plan.organization(), fmt.Sprintf("admins after: %d", c.adminsAfter())})
	}
	for _, r := range callingKeys(live) {
		out = append(out, c.proveKey(r)...)
	}
	return out
}

func (c *check) adminsAfter() int {
	n := 0
	for r := range each(c.live, "member") {
		if c.outcome.stays(r) && hasRole(c.outcome.list(r, "roles"), adminRole) {
			n++
		}
	}
	return n
}

// proveKey gives what stays true of a key in use.
func (c *check) proveKey(r *spec.Resource) []Proof {
	address := r.Address
	if change := c.outcome.change(r); change != nil {
		address = change.Address
	}
	endangered := func(code string) bool {
		return slices.ContainsFunc(c.verdict.Requirements, func(q Requirement) bool { return q.Address == address && q.Code == code })
	}
	if endangered(CodeCallerKey) {
		return nil
	}
	var out []Proof
	if hasRole(c.outcome.list(r, "roles"), adminRole) {
		out = append(out, Proof{CodeCallerRoles, address, "this key keeps admin" + c.until(r)})
	}
	if ip := c.caller.IP; ip.IsValid() && addressesOf(c.outcome.list(r, "ipAccessList")).set.Contains(ip.Unmap()) {
		out = append(out, Proof{CodeCallerAddress, address, fmt.Sprintf("caller %s stays allowed", ip)})
	}
	return out
}

// until says how long a key lasts that has an end.
func (c *check) until(r *spec.Resource) string {
	text, limited := c.outcome.value(r, "expireAt").(string)
	if !limited {
		return ""
	}
	if at, err := time.Parse(time.RFC3339Nano, text); err == nil {
		text = at.UTC().Format(time.RFC3339Nano)
	}
	return " until " + text
}
