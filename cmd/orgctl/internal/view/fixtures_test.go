package view_test

import (
	"fmt"
	"strings"

	"github.com/orgctl/orgctl/pkg/diff"
	"github.com/orgctl/orgctl/pkg/spec"
)

// The plans that every format is shown. Lists are in the order in which diff.Compute gives them.

func addr(kind, name string) spec.Address { return spec.Address{Kind: kind, Name: name} }

func at(file string, line, column int) spec.Pos {
	return spec.Pos{File: file, Line: line, Column: column}
}

func hash(digit string) string { return "sha256:" + strings.Repeat(digit, 64) }

// planOf completes a plan as diff.Compute would: its summary counts its lists.
func planOf(p diff.Plan) *diff.Plan {
	p.FormatVersion, p.API = diff.FormatVersion, spec.ClickHouse.Name
	p.Digest, p.Checksum = hash("a"), hash("b")
	if p.Policy.MinAdmins == 0 {
		p.Policy = diff.Policy{MinAdmins: 1, MaxDeletes: diff.MaxDeletes{Percent: 25}}
	}
	if p.Organization == (diff.Organization{}) {
		p.Organization = diff.Organization{Handle: "acme", ID: "2404d339-6921-4f1c-bf80-b07d5e23b91a", Name: "Acme Analytics"}
	}
	for _, c := range p.Changes {
		switch c.Action {
		case diff.Create:
			p.Summary.Create++
		case diff.Update:
			p.Summary.Update++
		case diff.Delete:
			p.Summary.Delete++
		}
	}
	p.Summary.Unmanaged = len(p.Unmanaged)
	for _, u := range p.Unmanaged {
		if u.Exclusive {
			p.Summary.Drift++
		}
	}
	for _, f := range p.Findings {
		if f.Severity == diff.SeverityError || f.Severity == diff.SeverityBlocked {
			p.Summary.Blocked++
		}
	}
	return &p
}

// createSecondary is of a live primary whose name somebody else has, too, and which is renamed elsewhere in the plan.
func createSecondary() diff.Change {
	return diff.Change{
		Address: addr("service", "etl"), Action: diff.Create, Reason: "declared, not live", Risk: diff.RiskNone,
		After: spec.Tree{
			"name": "etl", "provider": "aws", "region": "us-east-1", "warehouse": "reports-eu", "ipAccessList": []any{},
		},
		References: []diff.Reference{{
			Path: "warehouse", Address: addr("service", "reports"), ID: "c0ffee00-0000-4000-8000-000000000022",
		}},
		Pos: at("services.yaml", 9, 5),
	}
}

func createService() diff.Change {
	return diff.Change{
		Address: addr("service", "orders"), Action: diff.Create, Reason: "declared, not live", Risk: diff.RiskNone,
		After: spec.Tree{
			"name": "orders", "provider": "aws", "region": "us-east-1", "state": "running",
			"numReplicas": int64(3), "minReplicaMemoryGb": int64(16), "maxReplicaMemoryGb": int64(64),
			"idleScaling": true, "idleTimeoutMinutes": int64(15),
			"ipAccessList": []any{
				spec.Tree{"source": "198.51.100.7", "description": "vpn"},
				spec.Tree{"source": "203.0.113.0/24", "description": "HQ"},
				spec.Tree{"source": "::/0"},
			},
			"privateEndpointIds":  []any{"vpce-0a1b"},
			"tags":                []any{spec.Tree{"key": "team", "value": "orders"}, spec.Tree{"key": "critical"}},
			"backupConfiguration": spec.Tree{"backupPeriodInHours": int64(24), "backupStartTime": nil},
		},
		References: []diff.Reference{{Path: "privateEndpointIds", Address: addr("privateEndpoint", "aws/us-east-1/vpce-0a1b")}},
		DependsOn:  []spec.Address{addr("privateEndpoint", "aws/us-east-1/vpce-0a1b")},
		Pos:        at("services.yaml", 14, 7),
	}
}

func createOthers() []diff.Change {
	return []diff.Change{
		{
			Address: addr("privateEndpoint", "aws/us-east-1/vpce-0a1b"), Action: diff.Create, Reason: "declared, not live", Risk: diff.RiskNone,
			After: spec.Tree{"id": "vpce-0a1b", "cloudProvider": "aws", "region": "us-east-1", "description": "prod VPC"},
			Pos:   at("network.yaml", 5, 7),
		},
		createService(),
		{
			Address: addr("key", "ci"), Action: diff.Create, Reason: "declared, not live", Risk: diff.RiskNone,
			After: spec.Tree{
				"name": "ci", "roles": []any{"developer"}, "state": "enabled", "expireAt": "2027-06-30T00:00:00Z",
				"ipAccessList": []any{},
			},
			References: []diff.Reference{{Path: "roles", Address: addr("role", "Developer"), ID: "c0ffee00-0000-4000-8000-000000000021"}},
			Pos:        at("access/keys.yaml", 4, 5),
		},
		{
			Address: addr("invitation", "newcomer@example.com"), Action: diff.Create,
			Reason: "a member who has not joined yet is invited", Risk: diff.RiskNone,
			After: spec.Tree{"email": "newcomer@example.com", "roles": []any{"developer"}},
			Pos:   at("access/people.yaml", 9, 7),
		},
	}
}

// left is a plan that changes some objects and leaves others as they are.
func left() *diff.Plan {
	return planOf(diff.Plan{
		Changes: updates()[1:2],
		Findings: []diff.Finding{
			{
				Code: "OC321", Severity: diff.SeverityBlocked, Address: addr("service", "analytics"), Pos: at("services.yaml", 9, 7),
				Message: "backupConfiguration.backupPeriodInHours is not checked: the API answers 400 no backups in this tier",
				Hint:    "plan again later, or leave the field out of the manifest if this service never answers",
			},
			{
				Code: "OC302", Severity: diff.SeverityBlocked, Address: addr("key", "ci"), Pos: at("acme.yaml", 31, 7),
				Message: "2 live objects are named ci: k1, k2", Hint: "pin the one that is meant, for example id: k1",
			},
		},
		NotChecked: []diff.NotChecked{{
			Collection: "services", Address: addr("service", "analytics"), Field: "backupConfiguration.backupPeriodInHours",
			Reason: "the API answers 400 no backups in this tier",
		}},
	})
}

// narrowed is a plan of a selection whose patterns mean something to a shell.
func narrowed(changes ...diff.Change) *diff.Plan {
	return planOf(diff.Plan{Changes: changes, Narrowed: &diff.Narrowed{
		Selection: diff.Selection{Only: []string{"service/or*", "key/o'hara"}, Except: []string{"service/old"}}, LeftOut: 3,
	}})
}

func unfinished() *diff.Plan {
	orders := diff.Change{
		Address: addr("service", "orders"), Action: diff.Update, ID: "c0ffee00-0000-4000-8000-000000000001",
		Reason: "its creation was interrupted and will be finished", Risk: diff.RiskDisruptive, SetsPassword: true,
		Fields: []diff.FieldChange{
			{Path: "numReplicas", Before: int64(1), After: int64(3), Pos: at("services.yaml", 16, 7)},
			{Path: "tags", List: true, Remove: []any{spec.Tree{"key": "orgctl-op", "value": "n0nce"}}},
		},
		Before: spec.Tree{"name": "orders"}, After: spec.Tree{"name": "orders"},
		Precondition: hash("2"), Pos: at("services.yaml", 14, 7),
	}
	return planOf(diff.Plan{
		Changes: []diff.Change{orders},
		Unmanaged: []diff.Unmanaged{
			{Address: addr("service", "playground"), ID: "c0ffee00-0000-4000-8000-000000000005", Collection: "services", HalfMade: true},
			{Address: addr("service", "stray"), ID: "c0ffee00-0000-4000-8000-000000000006", Collection: "services", Exclusive: true, HalfMade: true},
		},
		Requirements: []diff.Requirement{{
			Code: "OC332", Kind: diff.RequireCreation, Address: addr("service", "orders"),
			Message: "nothing but its tag says that its creation is unfinished, and it is idle", Hint: "remove its tag in the console",
		}},
	})
}

func updates() []diff.Change {
	return []diff.Change{
		{
			Address: addr("organization", "acme"), Action: diff.Update, ID: "2404d339-6921-4f1c-bf80-b07d5e23b91a",
			Reason: "differs from the manifest", Risk: diff.RiskNone,
			Fields:       []diff.FieldChange{{Path: "name", Before: "Acme", After: "Acme Analytics", Pos: at("acme.yaml", 6, 3)}},
			Before:       spec.Tree{"name": "Acme"},
			After:        spec.Tree{"name": "Acme Analytics"},
			Precondition: hash("1"), Pos: at("acme.yaml", 2, 1),
		},
		{
			Address: addr("service", "analytics"), Action: diff.Update, ID: "c0ffee00-0000-4000-8000-000000000001",
			Reason: "differs from the manifest", Risk: diff.RiskDisruptive,
			Fields: []diff.FieldChange{
				{Path: "state", Before: "stopped", After: "running", Pos: at("services.yaml", 31, 7)},
				{Path: "minReplicaMemoryGb", Before: int64(16), After: int64(32), Pos: at("services.yaml", 32, 7)},
				{Path: "idleScaling", Before: false, After: true, Pos: at("services.yaml", 33, 7)},
				{
					Path: "ipAccessList", List: true, Pos: at("services.yaml", 34, 7),
					Add:    []any{spec.Tree{"source": "203.0.113.0/24", "description": "HQ, 2nd floor"}, spec.Tree{"source": "192.0.2.1", "description": "vpn"}},
					Remove: []any{spec.Tree{"source": "198.51.100.7/32", "description": "old office"}, spec.Tree{"source": "203.0.113.0/24", "description": "HQ"}},
				},
				{
					Path: "tags", List: true, Pos: at("services.yaml", 38, 7),
					Add:    []any{spec.Tree{"key": "team", "value": "analytics"}},
					Remove: []any{spec.Tree{"key": "team", "value": "data"}, spec.Tree{"key": "temporary"}},
				},
				{Path: "endpoints", List: true, Add: []any{spec.Tree{"protocol": "mysql", "enabled": true}}},
				{Path: "backupConfiguration.backupPeriodInHours", Before: int64(12), Reset: true, Pos: at("services.yaml", 41, 9)},
				{Path: "backupConfiguration.backupStartTime", After: "02:00", Pos: at("services.yaml", 42, 9)},
			},
			Before: spec.Tree{"name": "analytics"}, After: spec.Tree{"name": "analytics"},
			Precondition: hash("2"), Pos: at("services.yaml", 29, 7),
		},
		{
			Address: addr("key", "deploy"), Action: diff.Update, ID: "c0ffee00-0000-4000-8000-000000000002",
			Reason: "renamed from deployer", Risk: diff.RiskLockout,
			Fields: []diff.FieldChange{
				{Path: "name", Before: "deployer", After: "deploy"},
				{Path: "roles", List: true, Add: []any{"developer"}, Remove: []any{"admin"}},
			},
			Before: spec.Tree{"name": "deployer"}, After: spec.Tree{"name": "deploy"},
			Precondition: hash("3"), Pos: at("access/keys.yaml", 11, 5),
		},
	}
}

func deletes() []diff.Change {
	return []diff.Change{
		{
			Address: addr("service", "old"), DeclaredAs: addr("service", "retired"), Action: diff.Delete, ID: "c0ffee00-0000-4000-8000-000000000003",
			Reason: "ensure: absent", Risk: diff.RiskDestructive,
			Before: spec.Tree{
				"name": "old", "provider": "gcp", "region": "europe-west4", "tier": "production", "state": "stopped",
				"numReplicas": int64(1), "ipAccessList": []any{},
			},
			Precondition: hash("4"), Pos: at("services.yaml", 60, 7),
		},
		{
			Address: addr("key", "etl"), Action: diff.Delete, ID: "c0ffee00-0000-4000-8000-000000000004",
			Reason: "policy.prune: no manifest declares it", Risk: diff.RiskDestructive,
			Before: spec.Tree{
				"name": "etl", "state": "enabled", "roles": []any{"developer", "query"},
				"ipAccessList": []any{spec.Tree{"source": "0.0.0.0/0", "description": "anywhere"}},
			},
			Precondition: hash("5"), Pruned: true,
		},
	}
}

func unmanaged() []diff.Unmanaged {
	return []diff.Unmanaged{
		{Address: addr("service", "playground"), ID: "c0ffee00-0000-4000-8000-000000000005", Collection: "services"},
		{Address: addr("key", "console-2026"), ID: "c0ffee00-0000-4000-8000-000000000006", Collection: "keys", Exclusive: true},
		{Address: addr("member", "contractor@example.com"), ID: "c0ffee00-0000-4000-8000-000000000007", Collection: "members", Exclusive: true},
	}
}

func blocked() *diff.Plan {
	return planOf(diff.Plan{
		Changes: updates()[:1],
		Findings: []diff.Finding{
			{
				Code: "OC322", Severity: diff.SeverityWarning, Address: addr("service", "analytics"), Pos: at("services.yaml", 29, 7),
				Message: "the service is degraded", Hint: "changes to it may fail until it has recovered",
			},
			{
				Code: "OC310", Severity: diff.SeverityBlocked, Address: addr("service", "orders"), Pos: at("services.yaml", 16, 17),
				Message: `region is "us-east-1" and cannot become "eu-west-1": it is set at creation only`,
				Hint:    "declare the live value, or create a new object under another name and move over; nothing is replaced silently",
			},
			{
				Code: "OC301", Severity: diff.SeverityError, Address: addr("key", "ci"), Pos: at("access/keys.yaml", 4, 5),
				Message: "cannot be created without ipAccessList",
				Hint:    "a key without an IP list denies everyone; write ipAccessList: [{source: 0.0.0.0/0}] if any address may use it",
			},
			{Code: "OC399", Severity: diff.SeverityNote, Message: "a finding about the whole organization"},
		},
	})
}

func everything() *diff.Plan {
	changes := append(append(createOthers(), updates()...), deletes()...)
	most := 5
	return planOf(diff.Plan{
		Policy: diff.Policy{
			MinAdmins: 2, MaxDeletes: diff.MaxDeletes{Count: &most, Percent: 25},
			Prune:  []diff.Prune{{Collection: "keys", Declared: 2, Matched: 1}},
			Closed: []spec.Address{addr("service", "orders")}, Protected: []spec.Address{addr("service", "analytics")}, AllowDelete: []string{"service/tmp-*"},
		},
		Changes:    changes,
		Unmanaged:  unmanaged(),
		Findings:   blocked().Findings[:1],
		NotChecked: []diff.NotChecked{{Collection: "invitations", Reason: "the key lacks the permission control-plane:organization:manage-users"}},
		Requirements: []diff.Requirement{
			{
				Code: "OC330", Kind: diff.RequireDeleteLeave, Address: addr("service", "old"),
				Message: "a service is deleted with its data, which has to be allowed by its name", Hint: "apply with --allow-delete 'service/old', or list it under policy.allowDelete",
			},
			{
				Code: "OC331", Kind: diff.RequireSecretSink, Address: addr("key", "ci"),
				Message: "creating a key makes a secret that can be stored only once", Hint: "apply with --secrets-out DIR",
			},
			{
				Code: "OC342", Kind: diff.RequireCallerKey, Address: addr("key", "deploy"),
				Message: "is the key in use and would lose its role admin", Hint: "keep its roles, or apply with another key",
			},
		},
	})
}

// huge has far more changes than a comment can show.
func huge() *diff.Plan {
	var changes []diff.Change
	for i := range 2000 {
		c := createService()
		if i%2 == 0 {
			c = updates()[1]
		}
		if i%500 == 0 {
			c = deletes()[0]
		}
		c.Address.Name = fmt.Sprintf("service-%04d", i)
		c.DependsOn = nil
		changes = append(changes, c)
	}
	return planOf(diff.Plan{Changes: changes, Unmanaged: unmanaged()})
}

// hostile puts what it is given wherever a plan holds text that somebody else wrote.
func hostile(s string) *diff.Plan {
	p := diff.Plan{Organization: diff.Organization{Handle: s, ID: s, Name: s}}
	tree := func() spec.Tree {
		return spec.Tree{
			"name": s, s: s, "tags": []any{spec.Tree{"key": s, "value": s}, s},
			"ipAccessList": []any{spec.Tree{"source": s, "description": s}, spec.Tree{s: s}},
		}
	}
	place := at(s, 3, 1)
	creation := tree()
	creation["warehouse"] = s
	p.Changes = []diff.Change{
		{Address: addr("service", s), Action: diff.Create, Reason: s, Risk: diff.RiskNone, After: creation, References: []diff.Reference{{Path: "warehouse", Address: addr("service", s), ID: s}}, DependsOn: []spec.Address{addr("key", s)}, Pos: place},
		{
			Address: addr("service", s+"2"), Action: diff.Update, ID: s, Reason: s, Risk: diff.RiskLockout, Before: tree(), After: tree(), Precondition: hash("6"), Pos: place,
			Fields: []diff.FieldChange{
				{Path: "name", Before: s, After: s + "2", Pos: place},
				{Path: s, Before: s, Reset: true},
				{Path: "tags", List: true, Add: []any{spec.Tree{"key": s, "value": s}}, Remove: []any{spec.Tree{"key": s}}},
				{Path: "ipAccessList", List: true, Add: []any{spec.Tree{"source": s, "description": s}}},
				{Path: s, List: true, Remove: []any{s, spec.Tree{s: s}}},
			},
		},
		{Address: addr("key", s), Action: diff.Delete, ID: s, Reason: s, Risk: diff.RiskDestructive, Before: tree(), Precondition: hash("7"), Pos: place},
	}
	for _, exclusive := range []bool{true, false} {
		p.Unmanaged = append(p.Unmanaged, diff.Unmanaged{Address: addr("key", s), ID: s, Collection: s, Exclusive: exclusive})
	}
	for _, severity := range []diff.Severity{diff.SeverityError, diff.SeverityBlocked, diff.SeverityWarning, diff.SeverityNote} {
		p.Findings = append(p.Findings, diff.Finding{Code: s, Severity: severity, Address: addr("key", s), Message: s, Hint: s, Pos: place})
	}
	p.Requirements = []diff.Requirement{{Code: s, Kind: s, Address: addr("key", s), Message: s, Hint: s}}
	p.NotChecked = []diff.NotChecked{{Collection: s, Reason: s}}
	p.Narrowed = &diff.Narrowed{Selection: diff.Selection{Only: []string{"key/" + s}, Except: []string{"key/" + s}}}
	return planOf(p)
}

const hostileText = "::error::x\x1b[2J\n::set-output a=b\r\u202eexe.|`~~~```</details><b>@octocat #12 ##[warning]www.example.com https://example.com \xff\u115f"

func fixtures() map[string]*diff.Plan {
	long := strings.Repeat("0123456789", 30)
	return map[string]*diff.Plan{
		"empty":      planOf(diff.Plan{}),
		"creates":    planOf(diff.Plan{Changes: createOthers()}),
		"secondary":  planOf(diff.Plan{Changes: []diff.Change{createSecondary()}}),
		"updates":    planOf(diff.Plan{Changes: updates()}),
		"deletes":    planOf(diff.Plan{Changes: deletes()}),
		"blocked":    blocked(),
		"left":       left(),
		"unfinished": unfinished(),
		"drift":      planOf(diff.Plan{Unmanaged: unmanaged()}),
		"notchecked": planOf(diff.Plan{NotChecked: everything().NotChecked, Unmanaged: unmanaged()[:1]}),
		"everything": everything(),
		"narrowed":   narrowed(createService()),
		"selected":   planOf(diff.Plan{Unmanaged: unmanaged()[:1], Narrowed: &diff.Narrowed{Selection: diff.Selection{Only: []string{"key"}}, LeftOut: 1}}),
		"hostile":    hostile(hostileText),
		"long": planOf(diff.Plan{Changes: []diff.Change{{
			Address: addr("service", "orders"), Action: diff.Update, ID: "1", Reason: "differs from the manifest", Risk: diff.RiskNone,
			Fields:       []diff.FieldChange{{Path: "name", Before: long + "A" + long, After: long + "B" + long}},
			Before:       spec.Tree{"name": long + "A" + long},
			After:        spec.Tree{"name": long + "B" + long},
			Precondition: hash("8"), Pos: at("services.yaml", 1, 1),
		}}}),
	}
}
