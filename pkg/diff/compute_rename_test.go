package diff_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/orgctl/orgctl/pkg/diff"
)

// A name that was changed in a manifest looks like a new service beside one that nobody declares.
func TestRenameIsSuggested(t *testing.T) {
	const orders = "{name: orders, provider: aws, region: us-east-1, tier: production, numReplicas: 3, minReplicaMemoryGb: 16, ipAccessList: []}"
	const (
		asIs     = "declared by no manifest and like this one in place, size and all that is fixed at creation: "
		itMay    = " is live, " + asIs + "it may be this service under its former name; "
		oneMay   = " are live, " + asIs + "one of them may be this service under its former name; "
		renamed  = ": it is renamed then, and nothing is created"
		asFormer = "if so, write previously: [%s] here" + renamed
	)
	for name, tt := range map[string]struct{ desired, live, policy, want string }{
		"the same shape": {
			desired: orders,
			live:    "{name: shop, tier: production, numReplicas: 3, minReplicaMemoryGb: 16, maxReplicaMemoryGb: 64}",
			want:    "service/shop" + itMay + fmt.Sprintf(asFormer, "shop"),
		},
		"what is not declared does not count": {
			desired: "{name: orders, provider: aws, region: us-east-1, ipAccessList: []}",
			live:    "{name: shop, tier: production, numReplicas: 3, minReplicaMemoryGb: 16}",
			want:    "service/shop" + itMay + fmt.Sprintf(asFormer, "shop"),
		},
		"it would be pruned": {
			desired: orders, policy: "prune: [services], maxDeletes: {percent: 100}",
			live: "{name: shop, tier: production, numReplicas: 3, minReplicaMemoryGb: 16}",
			want: "service/shop" + itMay + fmt.Sprintf(asFormer, "shop") + "; policy.prune would delete it",
		},
		"two": {
			desired: "{name: orders, provider: aws, region: us-east-1, ipAccessList: []}",
			live:    "{name: shop}, {name: basket}, {name: far, region: eu-west-1}",
			want:    "service/basket, service/shop" + oneMay + "if so, write its name here, as in previously: [basket]" + renamed,
		},
		"many": {
			desired: "{name: orders, provider: aws, region: us-east-1, ipAccessList: []}",
			live:    "{name: e}, {name: d}, {name: c}, {name: b}, {name: a}",
			want:    "service/a, service/b, service/c and 2 more" + oneMay + "if so, write its name here, as in previously: [a]" + renamed,
		},
		"a name that needs quotes": {
			desired: orders,
			live:    `{name: "on", tier: production, numReplicas: 3, minReplicaMemoryGb: 16}`,
			want:    "service/on" + itMay + fmt.Sprintf(asFormer, `"on"`),
		},
		"a secondary of the same primary": {
			desired: "{name: main}, {name: etl, warehouse: main, ipAccessList: []}",
			live:    "{name: main}, {name: reader, warehouse: main}, {name: stray}",
			want:    "service/reader" + itMay + fmt.Sprintf(asFormer, "reader"),
		},
		"a primary is no secondary": {
			desired: "{name: main}, {name: orders, provider: aws, region: us-east-1, ipAccessList: []}",
			live:    "{name: main}, {name: reader, warehouse: main}",
		},
		"another region": {desired: orders, live: "{name: shop, region: eu-west-1, tier: production, numReplicas: 3, minReplicaMemoryGb: 16}"},
		"another tier":   {desired: orders, live: "{name: shop, tier: development, numReplicas: 3, minReplicaMemoryGb: 16}"},
		"another size":   {desired: orders, live: "{name: shop, tier: production, numReplicas: 2, minReplicaMemoryGb: 16}"},
		"no region is declared, so none is like it": {
			desired: "{name: orders, provider: aws, ipAccessList: []}", live: "{name: shop}",
		},
		"declared absent": {
			desired: orders + ", {name: shop, ensure: absent}", live: "{name: shop, tier: production, numReplicas: 3, minReplicaMemoryGb: 16}",
		},
		"two of one name": {
			desired: "{name: orders, provider: aws, region: us-east-1, ipAccessList: []}", live: "{name: shop, id: " + id1 + "}, {name: shop, id: " + id2 + "}",
		},
		"somebody is creating it": {
			desired: "{name: orders, provider: aws, region: us-east-1, ipAccessList: []}", live: "{name: shop, status: {unfinished: n0nce}}",
		},
		"renamed already": {
			desired: "{name: orders, previously: [shop], provider: aws, region: us-east-1, ipAccessList: []}", live: "{name: shop, ipAccessList: []}",
		},
	} {
		t.Run(name, func(t *testing.T) {
			desired := "spec: {services: [" + tt.desired + "]}\npolicy: {" + tt.policy + "}"
			p := plan(t, desired, "services: ["+tt.live+"]", diff.Selection{})
			got := ""
			for _, f := range p.Findings {
				if f.Code == "OC325" {
					got += fmt.Sprintf("%s; %s", f.Message, f.Hint)
					if f.Severity != diff.SeverityNote || f.Address.Kind != "service" || f.Pos.IsZero() {
						t.Errorf("the note is %+v", f)
					}
				}
			}
			if got != tt.want {
				t.Errorf("\n got %s\nwant %s", got, tt.want)
			}
		})
	}
}

// A note stops nothing, is not approved with a plan, and is kept by a saved one, for which everything else looks undeclared.
func TestRenameIsANoteOnly(t *testing.T) {
	const desired = `spec: {services: [{name: orders, provider: aws, region: us-east-1, ipAccessList: []}, {name: events}]}`
	noted := func(p *diff.Plan) (out []string) {
		for _, f := range p.Findings {
			if f.Code == "OC325" {
				out = append(out, f.Message)
			}
		}
		return out
	}
	alone := plan(t, desired, "services: [{name: events}]", diff.Selection{})
	if n := noted(alone); n != nil {
		t.Errorf("noted %v", n)
	}
	if n := noted(anew(t, alone, observed(t, "services: [{name: events}]"))); n != nil {
		t.Errorf("a saved plan takes a declared service for an undeclared one: %v", n)
	}
	live := observed(t, "services: [{name: events}, {name: shop}]")
	beside := plan(t, desired, "services: [{name: events}, {name: shop}]", diff.Selection{})
	if len(noted(beside)) != 1 || beside.Digest != alone.Digest || beside.Blocked() || beside.Worst() != diff.SeverityNote {
		t.Errorf("noted %v, worst %s, digests %s, %s", noted(beside), beside.Worst(), beside.Digest, alone.Digest)
	}
	if again := anew(t, beside, live); !slices.Equal(noted(again), noted(beside)) || again.Digest != beside.Digest {
		t.Errorf("saved, it says %v", noted(again))
	}
	narrow := plan(t, desired, "services: [{name: events}, {name: shop}]", diff.Selection{Only: []string{"service/orders"}})
	if !slices.Equal(noted(narrow), noted(beside)) {
		t.Errorf("narrowed, it says %v", noted(narrow))
	}
	after := anew(t, beside, observed(t, "services: [{name: events}, {name: shop}, {name: orders, ipAccessList: []}]"))
	if n := noted(after); n != nil {
		t.Errorf("once it is created, it says %v", n)
	}
}

// A field that is fixed differs: the entry may be about another live object.
func TestImmutableHintsAtTheObjectThatIsMeant(t *testing.T) {
	const fixed = "declare the live value, or create a new object under another name and move over; nothing is replaced silently"
	for name, tt := range map[string]struct{ desired, live, want string }{
		"nothing else": {"{name: orders, provider: aws, region: eu-west-1}", "{name: orders}", fixed},
		"another one alike": {
			"{name: orders, provider: aws, region: eu-west-1}", "{name: orders}, {name: orders-eu, region: eu-west-1}",
			fixed + "; if service/orders-eu is meant, which is live, declared by no manifest and like what is declared here, declare it by its own name, " +
				"or by one that is free with previously: [orders-eu]",
		},
		"a former name": {
			"{name: orders, previously: [shop], provider: aws, region: eu-west-1}", "{name: shop}",
			fixed + "; it was found by its former name: if a new one is meant, take shop out of previously",
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := plan(t, "spec: {services: ["+tt.desired+"]}", "services: ["+tt.live+"]", diff.Selection{})
			i := slices.IndexFunc(p.Findings, func(f diff.Finding) bool { return f.Code == "OC310" })
			if i < 0 || p.Findings[i].Hint != tt.want {
				t.Errorf("%+v\nwant the hint %s", p.Findings, tt.want)
			}
		})
	}
}

// Many new services beside many undeclared ones are told apart by place and size first.
func BenchmarkRenames(b *testing.B) {
	const n = 1000
	var desired, live strings.Builder
	for i := range n {
		fmt.Fprintf(&desired, "{name: new-%d, provider: aws, region: us-east-1, numReplicas: 3, ipAccessList: []},", i)
		fmt.Fprintf(&live, "{name: old-%d, numReplicas: 2},", i)
	}
	d, l := manifest(b, "spec: {services: ["+desired.String()+"]}"), observed(b, "services: ["+live.String()+"]")
	for b.Loop() {
		if _, err := diff.Compute(d, l, diff.Selection{}); err != nil {
			b.Fatal(err)
		}
	}
}
