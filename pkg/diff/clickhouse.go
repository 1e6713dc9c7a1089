package diff

import (
	"fmt"
	"slices"
)

// clickhouseRules are those of ClickHouse Cloud: its people and keys can be locked out, its services have ways in, warehouses and
// core dumps, and say by a tag that they are half made.
var clickhouseRules = rules{
	judge: func(j *judgement) {
		c := clickhouse{j}
		c.admins()
		c.callingKeys()
		c.expiredKeys()
		c.waysIn()
		c.exposed()
		c.secondaries()
		c.coreDumps()
		c.keyLimit()
		c.tagged()
	},
	codes: []string{
		CodeAdmins, CodeCallerKey, CodeCallerRoles, CodeCallerAddress, CodeWayIn, CodeSecondaries, CodeExpired, CodeForbidden,
		CodeKeyLimit, CodeExposed,
	},
	link: func(l *linking) {
		linkAdministrators(l)
		linkWaysIn(l)
		linkCoreDumps(l)
		linkExpiries(l)
	},
	prove:   func(j *judgement) []Proof { return clickhouse{j}.proofs() },
	calling: callingKeys,
}

// clickhouse judges by the rules of ClickHouse Cloud.
type clickhouse struct{ *judgement }

// proofs are about administrators and the key in use.
func (c clickhouse) proofs() []Proof {
	c.admins()
	c.callingKeys()
	var out []Proof
	_, hidden := c.live.NotChecked["members"]
	if !hidden && !slices.Contains(c.live.LeftOut, "members") && len(c.verdict.Findings) == 0 {
		out = append(out, Proof{CodeAdmins, c.plan.organization(), fmt.Sprintf("admins after: %d", c.adminsAfter())})
	}
	for _, r := range callingKeys(c.live) {
		out = append(out, c.proveKey(r)...)
	}
	return out
}
