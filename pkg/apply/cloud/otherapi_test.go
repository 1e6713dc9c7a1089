package cloud_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/orgctl/orgctl/pkg/apply"
	"github.com/orgctl/orgctl/pkg/apply/backendtest"
	"github.com/orgctl/orgctl/pkg/apply/cloud"
	"github.com/orgctl/orgctl/pkg/apply/secrets"
	"github.com/orgctl/orgctl/pkg/client/cloudapi"
	"github.com/orgctl/orgctl/pkg/client/otherapi"
	"github.com/orgctl/orgctl/pkg/diff"
	"github.com/orgctl/orgctl/pkg/spec"
)

// choices are the ways in which the other API may be unlike the simulator, by name.
var choices = map[string]func(*otherapi.Choices){
	"as it comes":    func(*otherapi.Choices) {},
	"whole seconds":  func(c *otherapi.Choices) { c.WholeSeconds = true },
	"numeric zone":   func(c *otherapi.Choices) { c.NumericZone = true },
	"nulls":          func(c *otherapi.Choices) { c.Nulls = true },
	"no empty lists": func(c *otherapi.Choices) { c.NoEmptyLists = true },
	"floats":         func(c *otherapi.Choices) { c.Floats = true },
	"shuffled":       func(c *otherapi.Choices) { c.Shuffled = true },
	"future":         func(c *otherapi.Choices) { c.Future = true },
	"gzip":           func(c *otherapi.Choices) { c.Gzip = true },
	"bare errors":    func(c *otherapi.Choices) { c.BareErrors = true },
	"empty delete":   func(c *otherapi.Choices) { c.EmptyDelete = true },
	"stale replies":  func(c *otherapi.Choices) { c.StaleReplies = true },
	"strict":         func(c *otherapi.Choices) { c.Strict = true },
	"sliding window": func(c *otherapi.Choices) { c.Burst = 10 },
	"clock ahead":    func(c *otherapi.Choices) { c.Skew = 40 * time.Hour },
	"clock behind":   func(c *otherapi.Choices) { c.Skew = -40 * time.Hour },
	"no quotas":      func(c *otherapi.Choices) { c.NoQuotas = true },
	"hidden at first": func(c *otherapi.Choices) {
		c.HiddenReads, c.HiddenLists, c.ProvisioningTime = 12*time.Second, 2, time.Second
	},
	"lists lag":         func(c *otherapi.Choices) { c.ListLag = 8 * time.Second },
	"reads lag":         func(c *otherapi.Choices) { c.GetLag = 8 * time.Second },
	"no tags":           func(c *otherapi.Choices) { c.NoTags = true },
	"sparse create":     func(c *otherapi.Choices) { c.SparseCreate = true },
	"normal CIDR":       func(c *otherapi.Choices) { c.NormalCIDR = true },
	"trimmed names":     func(c *otherapi.Choices) { c.TrimmedNames = true },
	"whole minutes":     func(c *otherapi.Choices) { c.MinutesOnly = true },
	"paired tags":       func(c *otherapi.Choices) { c.PairedTags = true },
	"refuses again":     func(c *otherapi.Choices) { c.RefusesAgain = true },
	"text booleans":     func(c *otherapi.Choices) { c.TextBooleans = true },
	"start resets":      func(c *otherapi.Choices) { c.StartResets = true },
	"long retention":    func(c *otherapi.Choices) { c.LongRetention = true },
	"busy refuses":      func(c *otherapi.Choices) { c.BusyRefuses = true },
	"through starting":  func(c *otherapi.Choices) { c.ProvisioningPath = []string{"starting", "awaking"} },
	"partially running": func(c *otherapi.Choices) { c.ProvisioningPath = []string{"partially_running"} },
	"idles at once":     func(c *otherapi.Choices) { c.IdlesAtOnce = true },
	"delete conflict":   func(c *otherapi.Choices) { c.DeleteConflict = 45 * time.Second },
	"lingers":           func(c *otherapi.Choices) { c.Lingers = time.Hour },
	"bare roles":        func(c *otherapi.Choices) { c.Roles = otherapi.MigratedBare },
	"legacy roles":      func(c *otherapi.Choices) { c.Roles = otherapi.Legacy },
	"unlisted roles":    func(c *otherapi.Choices) { c.Roles = otherapi.LegacyUnlisted },
	"long suffix":       func(c *otherapi.Choices) { c.SuffixLength = 6 },
	"emails as typed":   func(c *otherapi.Choices) { c.EmailsTyped = true },
	"late, bare log":    func(c *otherapi.Choices) { c.ActivityLag, c.NoUserAgent = 40*time.Second, true },
}

// choose makes the named choices, of a server that takes its time.
func choose(names ...string) otherapi.Choices {
	made := otherapi.Choices{ProvisioningTime: 90 * time.Second, CommandTime: 20 * time.Second}
	for _, name := range names {
		choices[name](&made)
	}
	return made
}

// newOtherBench is a bench on the other API.
func newOtherBench(ctx context.Context, t tester, made otherapi.Choices) (*bench, *otherapi.Server) {
	t.Helper()
	server := otherapi.New(made)
	// A migrated organization has no system role of this name any more; ours kept one of its own.
	server.Edit(func(o *otherapi.Org) { o.AddRole("Developer") })
	b := unconnected(ctx, t)
	if made.Burst > 0 {
		b.rate = cloudapi.Dialect().Rate
	}
	b.options = func(o *cloud.Options) { o.OrganizationID = server.OrgID() }
	b.backend = b.connectAs(server, otherapi.CallerID, otherapi.CallerSecret)
	return b, server
}

// drawOther is a manifest for a server that makes these choices, with some things more than drawManifest has.
func drawOther(t *rapid.T, made otherapi.Choices) string {
	maybe := func(lines ...string) (out string) {
		for _, line := range lines {
			if rapid.Bool().Draw(t, "more") {
				out += line + "\n"
			}
		}
		return out
	}
	retention := "null"
	if made.LongRetention {
		retention = "48" // what a null has come to there, no later plan can know
	}
	text := drawManifest(t, made.Roles == otherapi.Legacy || made.Roles == otherapi.LegacyUnlisted)
	services := maybe(
		"    - {name: second, warehouse: keep, isReadonly: true, ipAccessList: [{source: 198.51.100.7}]}",
		"    - {name: extra, provider: gcp, region: us-east1, ipAccessList: [{source: 10.0.0.0/8}], idleTimeoutMinutes: 7, endpoints: [{protocol: mysql, enabled: false}]}",
		`    - {name: kept, provider: aws, region: eu-west-1, ipAccessList: [], backupConfiguration: {backupPeriodInHours: 48, backupStartTime: "05:00", backupRetentionPeriodInHours: `+retention+"}}",
		"    - {name: wide, provider: aws, region: us-east-1, ipAccessList: [], minReplicaMemoryGb: 120, tags: [{key: a}, {key: b, value: c}]}",
	)
	text = strings.Replace(text, "  keys:\n", services+"  keys:\n", 1)
	keys := maybe("    - {name: late, roles: [admin], expireAt: 2031-02-03T04:05:06+01:00, ipAccessList: [{source: 0.0.0.0/0, description: all}]}")
	members := maybe("  members: [{email: OPS@example.com, role: admin}]")
	text = strings.Replace(text, "  invitations:\n", keys+members+"  invitations:\n"+maybe("    - {email: Mixed.Case@Example.com, role: developer}"), 1)
	if !made.NoTags {
		return text
	}
	return regexp.MustCompile(`(?m)^ +tags: .*\n|, tags: \[[^]]*\]`).ReplaceAllString(text, "")
}

// consoleEdits are what somebody does at the console.
var consoleEdits = map[string]func(*otherapi.Org){
	"nothing":    func(*otherapi.Org) {},
	"opens":      onService("keep", func(s *otherapi.Service) { s.IPAccessList = []otherapi.Object{{"source": "0.0.0.0/0"}} }),
	"idles":      onService("keep", func(s *otherapi.Service) { s.SetState("idle") }),
	"scales":     onService("keep", func(s *otherapi.Service) { s.Fields["numReplicas"] = 7.0 }),
	"deletes":    func(o *otherapi.Org) { o.Invitations = nil },
	"renames":    func(o *otherapi.Org) { o.Fields["name"] = "Console" },
	"creates":    func(o *otherapi.Org) { o.Services = append(o.Services, o.NewService("foreign")) },
	"deactivate": func(o *otherapi.Org) { o.Keys[len(o.Keys)-1].Fields["state"] = "disabled" },
}

func onService(name string, edit func(*otherapi.Service)) func(*otherapi.Org) {
	return func(o *otherapi.Org) {
		for _, service := range o.Services {
			if service.Fields["name"] == name {
				edit(service)
			}
		}
	}
}

// reach applies the first manifest to an empty organization, lets somebody edit it, applies the second, and demands that
// nothing is left to do, nothing was made twice, no mark was left, every secret was stored, and an export plans empty.
func reach(ctx context.Context, t tester, made otherapi.Choices, first, edit, second string) {
	t.Helper()
	b, server := newOtherBench(ctx, t, made)
	b.converge(manifest(t, first))
	server.Edit(consoleEdits[edit])
	server.Advance(max(made.ListLag, made.GetLag, made.HiddenReads)) // until reads have caught up
	b.converge(manifest(t, second))
	if p := b.plan(manifest(t, second)); !p.Empty() {
		t.Fatalf("not empty after an apply: %s", encode(t, p.Changes))
	}
	if server.Refused() > 0 {
		t.Fatalf("%d requests beyond the rate", server.Refused())
	}
	checkKept(t, server, b.sink)
	if p := b.plan(b.exported()); !p.Converged() {
		t.Fatalf("the export does not plan empty: %s%s%s", encode(t, p.Changes), encode(t, p.Findings), encode(t, p.Unmanaged))
	}
}

// checkKept demands that everything that orgctl created is there once, carries no mark, and opens with a stored secret.
func checkKept(t tester, server *otherapi.Server, sinks ...*secrets.Memory) {
	t.Helper()
	opened := map[string]bool{}
	for _, sink := range sinks {
		for _, record := range sink.Records() {
			switch {
			case record.Kind == secrets.Key:
				opened[server.KeyOf(record.KeyID, record.KeySecret.Reveal())] = true
			case record.ID != "" && server.Opens(record.ID, record.Password.Reveal()):
				opened[record.ID] = true
			}
		}
	}
	var problems []string
	names := map[string]bool{}
	server.Edit(func(o *otherapi.Org) {
		for _, service := range o.Services {
			name := fmt.Sprint(service.Fields["name"])
			if state := service.State(); name == "foreign" || state == "terminating" || state == "terminated" {
				continue
			}
			if names["service "+name] {
				problems = append(problems, "two services "+name)
			}
			names["service "+name] = true
			if slices.ContainsFunc(service.Tags, func(tag otherapi.Object) bool { return tag["key"] == spec.NonceTag }) {
				problems = append(problems, name+" still has the mark")
			}
			if service.Primary && !opened[service.ID] {
				problems = append(problems, "no stored password opens "+name)
			}
		}
		for _, key := range o.Keys[1:] {
			name := fmt.Sprint(key.Fields["name"])
			if names["key "+name] {
				problems = append(problems, "two keys "+name)
			}
			names["key "+name] = true
			if !opened[key.ID] {
				problems = append(problems, "no stored secret is that of "+name)
			}
		}
		for _, invitation := range o.Invitations {
			email := strings.ToLower(fmt.Sprint(invitation.Fields["email"]))
			if names["invitation "+email] {
				problems = append(problems, "two invitations "+email)
			}
			names["invitation "+email] = true
		}
	})
	if len(problems) > 0 {
		t.Fatal(strings.Join(problems, "; "))
	}
}

// Every choice alone makes no difference to the outcome.
func TestOtherAPIEachChoice(t *testing.T) {
	for i, name := range slices.Sorted(maps.Keys(choices)) {
		t.Run(name, func(t *testing.T) {
			made := choose(name)
			drawn := rapid.Custom(func(r *rapid.T) string { return drawOther(r, made) })
			first, second := drawn.Example(2*i), drawn.Example(2*i+1)
			edit := rapid.SampledFrom(slices.Sorted(maps.Keys(consoleEdits))).Example(i)
			synctest.Test(t, func(t *testing.T) {
				defer func() {
					if t.Failed() {
						t.Logf("first:\n%s\nedit: %s\nsecond:\n%s", first, edit, second)
					}
				}()
				reach(t.Context(), t, made, first, edit, second)
			})
		})
	}
}

// Nor do any of them together.
func TestLawOtherAPIMixedChoices(t *testing.T) {
	names := slices.Sorted(maps.Keys(choices))
	rapid.Check(t, func(r *rapid.T) {
		chosen := rapid.SliceOfNDistinct(rapid.SampledFrom(names), 2, 12, rapid.ID[string]).Draw(r, "choices")
		made := choose(chosen...)
		first, second := drawOther(r, made), drawOther(r, made)
		edit := rapid.SampledFrom(slices.Sorted(maps.Keys(consoleEdits))).Draw(r, "edit")
		failure := backendtest.InBubble(t, r, func(ctx context.Context, t tester) { reach(ctx, t, made, first, edit, second) })
		if failure != "" {
			r.Fatalf("%s\n%q\nfirst:\n%s\nedit: %s\nsecond:\n%s", failure, chosen, first, edit, second)
		}
	})
}

// hostile is what makes it hard to learn what became of a request.
var hostile = []string{
	"stale replies", "lists lag", "shuffled", "nulls", "sparse create", "lingers", "delete conflict", "strict", "sliding window",
}

// TestOtherAPIFaults applies through every fault. The report is true, the next run converges, nothing is there twice, and
// every secret is stored.
func TestOtherAPIFaults(t *testing.T) {
	rounds := 5
	if testing.Short() {
		rounds = 1
	}
	injected := 0
	for _, fault := range otherapi.Faults {
		for round := range rounds {
			random := rand.New(rand.NewPCG(uint64(fault), uint64(round)))
			synctest.Test(t, func(t *testing.T) {
				b, server := newOtherBench(t.Context(), t, choose(hostile...))
				b.converge(manifest(t, faultsBefore))
				desired := manifest(t, faultsAfter)
				server.Break(func(string, string) otherapi.Fault {
					if random.Float64() > 0.2 {
						return otherapi.NoFault
					}
					injected++
					return fault
				})
				report := b.tryApply(desired)
				server.Break(nil)
				server.Advance(time.Minute) // until lists show what is
				if report != nil {
					b.run().CheckTruth(report, desired)
				}
				if _, err := b.backend.Recover(t.Context()); err != nil {
					t.Fatal(err)
				}
				b.converge(desired)
				server.Advance(time.Minute)
				if p := b.plan(desired); !p.Empty() {
					t.Errorf("not empty after the second run: %s", encode(t, p.Changes))
				}
				checkKept(t, server, b.sink)
				if server.Refused() > 0 {
					t.Errorf("%d requests beyond the rate", server.Refused())
				}
				if t.Failed() {
					t.Fatalf("fault %d, round %d: %s", fault, round, encode(t, report))
				}
			})
		}
	}
	t.Logf("%d faults injected", injected)
}

// However much of a key's id the API shows, the key in use is known and kept from harm.
func TestOtherAPIKnowsTheCallingKey(t *testing.T) {
	for _, shown := range []int{3, 4, 6} {
		synctest.Test(t, func(t *testing.T) {
			b, _ := newOtherBench(t.Context(), t, otherapi.Choices{SuffixLength: shown})
			p := b.plan(manifest(t, "spec: {keys: [{name: orgctl, state: disabled}]}"))
			if len(p.Requirements) != 1 || p.Requirements[0].Code != diff.CodeCallerKey {
				t.Errorf("with %d characters shown: %s", shown, encode(t, p.Requirements))
			}
		})
	}
}

// An organization that migrates to custom roles between plan and apply gets ids where the plan was made with names.
func TestOtherAPIMigratesMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, server := newOtherBench(t.Context(), t, otherapi.Choices{Roles: otherapi.Legacy})
		server.Edit(func(o *otherapi.Org) { o.Members = append(o.Members, o.NewPerson("ana@example.com", "Developer")) })
		desired := manifest(t, `
spec:
  keys: [{name: ci, roles: [admin], ipAccessList: []}]
  members: [{email: ops@example.com, role: admin}, {email: ana@example.com, role: admin}]
  invitations: [{email: new@example.com, role: developer}]
`)
		p := b.plan(desired)
		server.Migrate()
		apply.Run(b.ctx, p, b.backend, apply.Defaults())
		if left := b.plan(desired); len(p.Changes) != 3 || !left.Empty() {
			t.Errorf("of %d changes left: %s", len(p.Changes), encode(t, left.Changes))
		}
	})
}

// What the API leaves out of a creation is never called converged, whatever kind of field it is.
func TestOtherAPIIgnoresFieldsOfACreation(t *testing.T) {
	for field, value := range map[string]string{
		"profile": "v1-highmem-xs", "hasTransparentDataEncryption": "true", "complianceType": "pci", "isReadonly": "true",
	} {
		synctest.Test(t, func(t *testing.T) {
			b, server := newOtherBench(t.Context(), t, otherapi.Choices{IgnoredOnCreate: []string{field}})
			server.Edit(func(o *otherapi.Org) { o.Services = append(o.Services, o.NewService("main")) })
			desired := manifest(t, fmt.Sprintf(`
spec: {services: [{name: main}, {name: a, warehouse: main, provider: aws, region: eu-west-1, ipAccessList: [], %s: %s}]}`, field, value))
			for range 2 {
				if p, report := b.apply(desired); report.Converged {
					t.Errorf("%s: said to be converged after %s", field, encode(t, p.Changes))
				}
			}
		})
	}
}

// A service that is degraded before it runs is reached in two applies at most, and made once.
func TestOtherAPIDegradesOnTheWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		made := choose()
		made.ProvisioningPath = []string{"degraded"}
		b, server := newOtherBench(t.Context(), t, made)
		desired := manifest(t, "spec: {services: [{name: a, provider: aws, region: eu-west-1, ipAccessList: [], backupConfiguration: {backupPeriodInHours: 12}}]}")
		if _, report := b.apply(desired); !report.Converged {
			server.Advance(made.ProvisioningTime)
			b.converge(desired)
		}
		checkKept(t, server, b.sink)
	})
}

// A stop that ends in idle is not what was wanted, and is never called that.
func TestOtherAPIStopsInIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, server := newOtherBench(t.Context(), t, otherapi.Choices{StopsInIdle: true, CommandTime: 20 * time.Second})
		server.Edit(func(o *otherapi.Org) { o.Services = append(o.Services, o.NewService("a")) })
		_, report := b.apply(manifest(t, "spec: {services: [{name: a, state: stopped}]}"))
		if report.Converged || report.Results[0].Status == apply.Applied {
			t.Errorf("got %s", encode(t, report.Results))
		}
	})
}

// TestOtherAPIOutage takes the network away for the rest of a run, at each of its writes in turn, before or after that one has
// its effect. The next run completes the work; nothing is there twice and no secret is lost.
func TestOtherAPIOutage(t *testing.T) {
	step := 4
	if testing.Short() {
		step = 9
	}
	for _, last := range []otherapi.Fault{otherapi.LostRequest, otherapi.LostReply} {
		for at, reached := 1, true; reached; at += step {
			reached = false
			synctest.Test(t, func(t *testing.T) {
				b, server := newOtherBench(t.Context(), t, choose(hostile...))
				b.converge(manifest(t, faultsBefore))
				desired := manifest(t, faultsAfter)
				writes := 0
				server.Break(func(method, _ string) otherapi.Fault {
					if method != http.MethodGet {
						writes++
					}
					switch {
					case writes < at:
						return otherapi.NoFault
					case writes == at && method != http.MethodGet:
						reached = true
						return last
					default:
						return otherapi.LostRequest
					}
				})
				report := b.tryApply(desired)
				server.Break(nil)
				server.Advance(time.Minute) // until lists show what is
				if reached && report != nil && report.Converged {
					t.Errorf("said to be converged: %s", encode(t, report))
				}
				b.backend = b.connectAs(server, otherapi.CallerID, otherapi.CallerSecret)
				if _, err := b.backend.Recover(t.Context()); err != nil {
					t.Fatal(err)
				}
				b.converge(desired)
				checkKept(t, server, b.sink)
				if t.Failed() {
					t.Fatalf("write %d, fault %d: %s", at, last, encode(t, report))
				}
			})
		}
	}
}

// oddities are objects as nobody declares them, but a console or the API's future may leave them.
func oddities(o *otherapi.Org) {
	service := func(name string, odd func(*otherapi.Service)) *otherapi.Service {
		s := o.NewService(name)
		odd(s)
		o.Services = append(o.Services, s)
		return s
	}
	plain := func(*otherapi.Service) {}
	for _, name := range []string{"twin", "twin", "<<", "a/b", "null", "1.10", "a\u2028b", "n\u00e9"} {
		service(name, plain)
	}
	for _, state := range []string{"degraded", "failed", "stopping", "provisioning", "terminating", "resizing"} {
		service("is "+state, func(s *otherapi.Service) { s.SetState(state) })
	}
	primary := service("primary", plain)
	secondary := func(s *otherapi.Service) { s.Warehouse, s.Primary = primary.Warehouse, false }
	service("secondary", secondary)
	service("primary", secondary)
	service("orphan", func(s *otherapi.Service) { s.Primary = false })
	service("beyond ", func(s *otherapi.Service) {
		s.Fields["maxReplicaMemoryGb"], s.Fields["numReplicas"], s.Fields["idleTimeoutMinutes"] = 720.0, 25.0, 1.0
		s.Fields["releaseChannel"], s.Backup["backupRetentionPeriodInHours"] = "turbo", 12.0
		s.Tags = []otherapi.Object{{"key": "a", "value": "http://x"}}
	})
	service("elsewhere", func(s *otherapi.Service) { s.Fields["provider"], s.Fields["region"] = "oracle", "moon-1" })
	service("wide", func(s *otherapi.Service) {
		for name, value := range map[string]any{
			"autoscalingMode": "horizontal", "numReplicas": nil, "minReplicas": 2.0, "maxReplicas": 5.0, "minReplicaMemoryGb": 32.0, "maxReplicaMemoryGb": 32.0,
		} {
			s.Fields[name] = value
		}
	})
	service("awake", func(s *otherapi.Service) { s.Fields["idleScaling"] = false })
	service("open", func(s *otherapi.Service) {
		s.IPAccessList = []otherapi.Object{{"source": "2001:db8::/32"}, {"source": "0.0.0.0"}, {"source": "10.1.2.3/8"}}
	})
	service("attached", func(s *otherapi.Service) { s.PrivateEndpoints = []string{"vpce-9"} })
	o.Endpoints = append(o.Endpoints,
		otherapi.Object{"id": "vpce-9", "cloudProvider": "aws", "region": "eu-west-1"},
		otherapi.Object{"id": "vpce-9", "cloudProvider": "gcp", "region": "us-east1", "description": "x"},
	)
	o.Fields["name"] = "~"

	for _, suffix := range []string{"aaaa", "bbbb"} {
		key := *o.Keys[0]
		key.ID, key.IDHash, key.Fields = "00000000-0000-4000-8000-00000000"+suffix, suffix, maps.Clone(key.Fields)
		key.Fields["name"], key.Fields["keySuffix"], key.Fields["expireAt"] = "twin", suffix, time.Now().Add(-time.Hour)
		o.Keys = append(o.Keys, &key)
	}
	o.Members = append(o.Members, o.NewPerson("none@example.com"), o.NewPerson("two@example.com", "Admin"), o.NewPerson("Two@example.com", "Admin"))
	for i, email := range []string{"old@example.com", "new@example.com", "New@example.com"} {
		person := o.NewPerson(email, "Admin")
		person.Fields = otherapi.Object{
			"id": fmt.Sprintf("00000000-0000-4000-8000-00000000000%d", i+1), "email": email,
			"createdAt": time.Now().Add(-24 * time.Hour), "expireAt": time.Now().Add(time.Duration(2*i-1) * time.Hour),
		}
		o.Invitations = append(o.Invitations, person)
	}
}

// Whatever is live, an export of it is valid and plans empty.
func TestOtherAPIExportsOddities(t *testing.T) {
	for _, chosen := range [][]string{{"as it comes"}, {"nulls", "floats"}, {"unlisted roles", "no empty lists"}, {"future", "bare roles"}} {
		t.Run(strings.Join(chosen, ", "), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b, server := newOtherBench(t.Context(), t, choose(chosen...))
				server.Edit(oddities)
				if p := b.plan(b.exported()); !p.Empty() || p.Worst() == diff.SeverityBlocked {
					t.Errorf("%s%s", encode(t, p.Changes), encode(t, p.Findings))
				}
			})
		})
	}
}

// A new service that is listed before it can be read is stopped as declared all the same: a 404 for what the list shows is no
// absence.
func TestOtherAPIListsBeforeItShows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, server := newOtherBench(t.Context(), t, choose("hidden at first"))
		b.converge(manifest(t, "spec: {services: [{name: a, provider: aws, region: eu-west-1, ipAccessList: [], state: stopped}]}"))
		checkKept(t, server, b.sink)
	})
}

// A start time that sets the period back does not keep a declared period away.
func TestOtherAPIStartTimeResetsThePeriod(t *testing.T) {
	for _, made := range [][]string{{"start resets"}, {"start resets", "stale replies"}} {
		synctest.Test(t, func(t *testing.T) {
			b, _ := newOtherBench(t.Context(), t, choose(made...))
			for _, start := range []string{"05:00", "06:00"} {
				b.converge(manifest(t, fmt.Sprintf(`
spec:
  services:
    - name: a
      provider: aws
      region: eu-west-1
      ipAccessList: []
      backupConfiguration: {backupPeriodInHours: 48, backupStartTime: "%s"}
`, start)))
			}
		})
	}
}

// TestOtherAPITwoRuns lets two hosts with sinks of their own apply one manifest at about the same time. The next run converges,
// nothing is there twice, and what opens each object is in one of the sinks. Two invitations of one address are left aside:
// this API takes them, and no run gives way to another for one (docs/reliability.md).
func TestOtherAPITwoRuns(t *testing.T) {
	rounds := 6
	if testing.Short() {
		rounds = 2
	}
	for round := range rounds {
		synctest.Test(t, func(t *testing.T) {
			one, server := newOtherBench(t.Context(), t, choose(slices.DeleteFunc(slices.Clone(hostile), func(name string) bool {
				return name == "sliding window" // two runs together exceed it
			})...))
			one.converge(manifest(t, faultsBefore))
			other := unconnected(t.Context(), t)
			other.options = one.options
			other.backend = other.connectAs(server, otherapi.CallerID, otherapi.CallerSecret)
			desired := manifest(t, faultsAfter)
			var both sync.WaitGroup
			both.Go(func() { one.tryApply(desired) })
			both.Go(func() {
				time.Sleep(time.Duration(round) * time.Second) //nolint:forbidigo // in a bubble, behind the other run
				other.tryApply(desired)
			})
			both.Wait()
			server.Advance(time.Minute) // until lists show what is
			server.Edit(func(o *otherapi.Org) {
				slices.SortFunc(o.Invitations, func(a, b *otherapi.Person) int {
					return strings.Compare(fmt.Sprint(a.Fields["email"]), fmt.Sprint(b.Fields["email"]))
				})
				o.Invitations = slices.CompactFunc(o.Invitations, func(a, b *otherapi.Person) bool { return a.Fields["email"] == b.Fields["email"] })
			})
			one.converge(desired)
			checkKept(t, server, one.sink, other.sink)
		})
	}
}
