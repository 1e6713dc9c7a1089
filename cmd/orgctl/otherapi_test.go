package main

import (
	"maps"
	"math/rand/v2"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/orgctl/orgctl/pkg/client/otherapi"
)

// otherAPIs are makes of the API that somebody else might have written.
var otherAPIs = map[string]otherapi.Choices{
	"plain": {},
	"verbose": {
		WholeSeconds: true, NumericZone: true, Nulls: true, Floats: true, Shuffled: true, Future: true, Gzip: true, StaleReplies: true,
		Strict: true, NormalCIDR: true, RefusesAgain: true, IdlesAtOnce: true, EmailsTyped: true, Skew: 30 * time.Hour,
	},
	"terse": {
		NoEmptyLists: true, BareErrors: true, EmptyDelete: true, NoQuotas: true, SparseCreate: true, BusyRefuses: true, TextBooleans: true,
		Roles: otherapi.LegacyUnlisted, NoUserAgent: true, HiddenLists: 2, Skew: -30 * time.Hour,
		ProvisioningPath: []string{"starting", "awaking"}, ProvisioningTime: 60 * time.Millisecond, CommandTime: 20 * time.Millisecond,
	},
}

// otherProgram is orgctl beside the examples, with the credentials of another API, which is served on loopback.
func otherProgram(t *testing.T, choices otherapi.Choices) (*program, *otherapi.Server) {
	t.Helper()
	server := otherapi.New(choices)
	server.Edit(func(o *otherapi.Org) { o.AddRole("Developer") })
	listener := httptest.NewServer(server)
	t.Cleanup(listener.Close)
	return withExamples(t,
		"CLICKHOUSE_API_URL="+listener.URL, "CLICKHOUSE_CLOUD_API_KEY="+otherapi.CallerID, "CLICKHOUSE_CLOUD_API_SECRET="+otherapi.CallerSecret,
	), server
}

// TestOtherAPI takes the README's example through its life on each make: created by one apply, found as declared, exported,
// edited in the console, and put right.
func TestOtherAPI(t *testing.T) {
	for name, choices := range otherAPIs {
		t.Run(name, func(t *testing.T) {
			p, server := otherProgram(t, choices)
			from := []string{"-f", "examples/acme"}
			if r := p.ok(t, append([]string{"plan"}, from...)...); !strings.HasPrefix(r.lastLine(), "Plan: ") {
				t.Fatalf("plan: %s", r.stdout)
			}
			apply := append([]string{"apply", "--yes", "--secrets-out", "secrets"}, from...)
			if r := p.ok(t, apply...); r.lastLine() != "converged" {
				t.Fatalf("apply: %s\n%s", r.stdout, r.stderr)
			}
			if r := p.ok(t, append([]string{"plan", "--detailed-exitcode"}, from...)...); !strings.HasPrefix(r.lastLine(), "No changes. ") {
				t.Errorf("plan: %s", r.stdout)
			}
			p.ok(t, append([]string{"drift"}, from...)...)

			p.ok(t, "export", "--out", "exported.yaml")
			p.ok(t, "validate", "-f", "exported.yaml")
			if r := p.ok(t, "plan", "--detailed-exitcode", "-f", "exported.yaml"); strings.Contains(r.stdout, "Unmanaged") {
				t.Errorf("plan of the export: %s", r.stdout)
			}

			server.Edit(func(o *otherapi.Org) {
				at := slices.IndexFunc(o.Services, func(s *otherapi.Service) bool { return s.Fields["name"] == "orders" })
				o.Services[at].IPAccessList = append(o.Services[at].IPAccessList, otherapi.Object{"source": "0.0.0.0/0"})
			})
			if r := p.run(t, append([]string{"drift"}, from...)...); r.code != exitChanges || !strings.Contains(r.stdout, "0.0.0.0/0") {
				t.Errorf("drift: exit %d\n%s\n%s", r.code, r.stdout, r.stderr)
			}
			if r := p.ok(t, apply...); r.lastLine() != "converged" {
				t.Errorf("second apply: %s\n%s", r.stdout, r.stderr)
			}
			checkOthersOnce(t, server)
		})
	}
}

// checkOthersOnce demands that what the example creates is there once, and its marks are gone.
func checkOthersOnce(t *testing.T, server *otherapi.Server) {
	t.Helper()
	names := map[string]int{}
	server.Edit(func(o *otherapi.Org) {
		for _, s := range o.Services {
			names[s.Fields["name"].(string)]++
			if len(s.Tags) != 2 {
				t.Errorf("tags of %s: %v", s.Fields["name"], s.Tags)
			}
		}
		for _, k := range o.Keys {
			names[k.Fields["name"].(string)]++
		}
		for _, i := range o.Invitations {
			names[i.Fields["email"].(string)]++
		}
	})
	want := map[string]int{
		"events": 1, "events-staging": 1, "orders": 1, "orders-reports": 1, "orgctl": 1, "ci": 1, "inventory": 1,
		"platform-lead@example.com": 1, "orders-dev@example.com": 1, "events-dev@example.com": 1,
	}
	if !maps.Equal(names, want) {
		t.Errorf("there are %v", names)
	}
}

// TestOtherAPIFaultsOverHTTP breaks requests and replies on real connections. The next run completes what is left.
func TestOtherAPIFaultsOverHTTP(t *testing.T) {
	rounds := 3
	if testing.Short() {
		rounds = 1
	}
	for round := range rounds {
		choices := otherAPIs[[]string{"plain", "verbose", "terse"}[round%3]]
		p, server := otherProgram(t, choices)
		random := rand.New(rand.NewPCG(1, uint64(round)))
		server.Break(func(string, string) otherapi.Fault {
			if random.Float64() > 0.15 {
				return otherapi.NoFault
			}
			return otherapi.Faults[random.IntN(len(otherapi.Faults))]
		})
		apply := []string{"apply", "--yes", "--secrets-out", "secrets", "-f", "examples/acme"}
		first := p.run(t, apply...)
		server.Break(nil)
		if first.code != exitOK && first.code != exitPartial && first.code != exitError {
			t.Fatalf("exit %d\n%s\n%s", first.code, first.stdout, first.stderr)
		}
		if second := p.run(t, apply...); second.code != exitOK || second.lastLine() != "converged" {
			t.Fatalf("exit %d\n%s\n%s\n--- with faults:\n%s", second.code, second.stdout, second.stderr, first.stdout)
		}
		checkOthersOnce(t, server)
	}
}
