package diff_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orgctl/orgctl/pkg/diff"
	"github.com/orgctl/orgctl/pkg/spec"
)

// toys is an API that nobody has, without rules of its own: what plans of it say is what the engine says of any API. Widgets are
// what it is about; each lies in a box.
var toys = &spec.API{Name: "toys/v1", Title: "Toys", Kinds: []*spec.Kind{
	{Name: "shop", Fields: []spec.Field{{Path: "name"}}},
	{Name: "box", Collection: "boxes", Fields: []spec.Field{{Path: "name"}}},
	{Name: "shelf", Collection: "shelves", Noun: "plank", Registered: true, Fields: []spec.Field{{Path: "name"}, {Path: "note"}}},
	{
		Name: "order", Collection: "orders", MadeAnew: "an order is made once, so it is cancelled and made anew",
		Fields: []spec.Field{{Path: "name"}, {Path: "amount"}, {Path: "price", Along: "an amount alone would reset it"}},
		Align: func(desired, live spec.Tree) {
			if _, managed := desired["price"]; !managed && desired["amount"] != live["amount"] {
				desired["price"] = live["price"]
			}
		},
	},
	{
		Name: "widget", Collection: "widgets", ToCreate: []string{"colour"}, Leave: "a widget is gone for good",
		Quota: "widgets-per-shop", Journal: "marks", Secret: func(made spec.Tree) bool { return made["colour"] == "secret" },
		Fields: []spec.Field{
			{Path: "name"},
			{Path: "colour", Immutable: true, Missing: "write colour: plain if nobody minds"},
			{Path: "parts", List: &spec.List{Key: func(e any) string { s, _ := e.(string); return s }}},
			{Path: "on", OutOfUse: false},
			{Path: "box", Ref: "box"},
			{Path: "shelves", Ref: "shelf", Attaches: true, List: &spec.List{Key: func(e any) string { s, _ := e.(string); return s }}},
			{Path: "marks", List: &spec.List{Key: spec.FormatValue}},
		},
	},
}}

// toy is an object as a manifest or the API has it; tree is its fields but for the name.
func toy(kind, name string, tree spec.Tree) spec.Resource {
	t := spec.Clone(tree)
	t["name"] = name
	return spec.Resource{Address: spec.Address{Kind: kind, Name: name}, Spec: t, Status: spec.Tree{}}
}

func absent(r spec.Resource) spec.Resource {
	r.Intent.Absent = true
	return r
}

// wantedToys is a manifest of toys.
func wantedToys(policy spec.Policy, resources ...spec.Resource) *spec.Organization {
	o := &spec.Organization{
		API: toys, Name: "acme", Pos: spec.Pos{File: "toys.yaml", Line: 1, Column: 1}, Policy: policy,
		Declared: map[string]spec.Pos{"boxes": {}, "widgets": {}}, Resources: resources,
	}
	for i := range o.Resources {
		o.Resources[i].Intent.Pos = spec.Pos{File: "toys.yaml", Line: i + 2, Column: 1}
	}
	return o
}

// liveToys is an observation of toys: the id of each is KIND-NAME, and each is in the box that it names.
func liveToys(resources ...spec.Resource) *spec.Live {
	live := &spec.Live{API: toys, OrganizationID: "shop-1", OrganizationName: "Acme", Resources: []spec.Resource{
		{Address: spec.Address{Kind: "shop", Name: "shop-1"}, ID: "shop-1", Spec: spec.Tree{"name": "Acme"}, Status: spec.Tree{}},
	}}
	for _, r := range resources {
		r.ID = r.Address.Kind + "-" + r.Address.Name
		if box, ok := r.Spec["box"].(string); ok {
			r.Refs = map[string]string{"box": "box-" + box}
		}
		live.Resources = append(live.Resources, r)
	}
	return live
}

func toyPlan(t *testing.T, desired *spec.Organization, live *spec.Live, sel diff.Selection) *diff.Plan {
	t.Helper()
	p, err := diff.Compute(desired, live, sel)
	if err != nil {
		t.Fatal(err)
	}
	invariants(t, p)
	return p
}

func TestAnyAPI(t *testing.T) {
	tests := []struct {
		name    string
		desired *spec.Organization
		live    *spec.Live
		sel     diff.Selection
		want    []string
	}{
		{
			name: "created, changed, moved and deleted, in the order of references",
			desired: wantedToys(spec.Policy{AllowDelete: []string{"widget/old"}},
				toy("box", "new", nil), absent(toy("box", "full", nil)),
				toy("widget", "car", spec.Tree{"colour": "red", "box": "new"}),
				toy("widget", "doll", spec.Tree{"parts": []any{"arm", "leg"}, "box": "new"}),
				absent(toy("widget", "old", nil))),
			live: liveToys(toy("box", "full", nil), toy("widget", "doll", spec.Tree{"colour": "blue", "parts": []any{"leg", "wing"}, "box": "full"}),
				toy("widget", "old", spec.Tree{"colour": "red", "box": "full"})),
			want: []string{
				`create box/new`,
				`create widget/car after box/new`,
				`update widget/doll: parts -["wing"] +["arm"]; box "full" -> "new" after box/new`,
				`delete widget/old`,
				`delete box/full after widget/doll, widget/old`,
			},
		},
		{
			name:    "as declared",
			desired: wantedToys(spec.Policy{}, toy("widget", "car", spec.Tree{"parts": []any{"a", "b"}})),
			live:    liveToys(toy("widget", "car", spec.Tree{"colour": "red", "parts": []any{"b", "a"}})),
		},
		{
			name:    "what is set at creation, and what a creation needs",
			desired: wantedToys(spec.Policy{}, toy("widget", "car", spec.Tree{"colour": "blue"}), toy("widget", "doll", nil)),
			live:    liveToys(toy("widget", "car", spec.Tree{"colour": "red"})),
			want: []string{
				`create widget/doll`,
				`OC301 error widget/doll: cannot be created without colour`,
				`OC310 blocked widget/car: colour is "red" and cannot become "blue": it is set at creation only`,
			},
		},
		{
			name:    "a reference to nothing",
			desired: wantedToys(spec.Policy{}, toy("widget", "car", spec.Tree{"colour": "red", "box": "lost"})),
			live:    liveToys(),
			want:    []string{`OC307 blocked widget/car: box: there is no box/lost`},
		},
		{
			name:    "a secret, and a deletion that has to be allowed by name",
			desired: wantedToys(spec.Policy{}, toy("widget", "car", spec.Tree{"colour": "secret"}), absent(toy("widget", "doll", nil)), absent(toy("box", "b", nil))),
			live:    liveToys(toy("box", "b", nil), toy("widget", "doll", nil)),
			want: []string{
				`create widget/car`, `delete box/b`, `delete widget/doll`,
				`OC331 needs secretSink widget/car`, `OC330 needs deleteLeave widget/doll`,
			},
		},
		{
			name: "protected",
			desired: func() *spec.Organization {
				stopped, gone := toy("widget", "car", spec.Tree{"on": false}), absent(toy("widget", "doll", nil))
				stopped.Intent.Protect, gone.Intent.Protect = true, true
				return wantedToys(spec.Policy{AllowDelete: []string{"widget"}}, stopped, gone)
			}(),
			live: liveToys(toy("widget", "car", spec.Tree{"on": true}), toy("widget", "doll", nil)),
			want: []string{
				`update widget/car: on true -> false`, `delete widget/doll`,
				`OC311 blocked widget/car: is protected and would be deleted or stopped`,
				`OC311 blocked widget/doll: is protected and would be deleted or stopped`,
			},
		},
		{
			name: "too much is pruned",
			desired: wantedToys(spec.Policy{Prune: []string{"boxes"}, MaxDeletes: spec.MaxDeletes{Count: new(int)}, Exclusive: []string{"widgets"}},
				toy("box", "kept", nil)),
			live: liveToys(toy("box", "kept", nil), toy("box", "stray", nil), toy("widget", "car", nil)),
			want: []string{
				`delete box/stray pruned`, `drift widget/car`,
				`OC345 blocked shop/acme: 1 of 2 boxes would be deleted, the limit is 0`,
			},
		},
		{
			name:    "the first adoption of something else",
			desired: wantedToys(spec.Policy{Prune: []string{"boxes"}, MaxDeletes: spec.MaxDeletes{Percent: 100}}, toy("box", "mine", nil)),
			live:    liveToys(toy("box", "theirs", nil)),
			want: []string{
				`create box/mine`, `delete box/theirs pruned`,
				`OC347 blocked shop/acme: none of the 1 declared boxes is live, and 1 of 1 live ones would be deleted`,
			},
		},
		{
			name: "registered anew, unless it is in use",
			desired: wantedToys(spec.Policy{},
				toy("shelf", "used", spec.Tree{"note": "new"}), toy("shelf", "left", spec.Tree{"note": "new"}), absent(toy("shelf", "lost", nil)),
				toy("widget", "car", spec.Tree{"shelves": []any{"used", "lost"}})),
			live: liveToys(toy("shelf", "used", spec.Tree{"note": "old"}), toy("shelf", "left", spec.Tree{"note": "old"}), toy("shelf", "lost", nil),
				toy("widget", "car", spec.Tree{"shelves": []any{"left", "lost", "used"}})),
			want: []string{
				`update widget/car: shelves -["left"]`,
				`update shelf/left: note "old" -> "new" after widget/car`,
				`delete shelf/lost`,
				`OC312 blocked shelf/lost: widgets still use the plank after this plan`,
				`OC320 blocked shelf/used: its note is "old", the manifest says "new"; it is not registered anew while widgets use it`,
			},
		},
		{
			name:    "half made, with a secret of its own",
			desired: wantedToys(spec.Policy{}, toy("widget", "car", spec.Tree{"colour": "secret"})),
			live: func() *spec.Live {
				live := liveToys(toy("widget", "car", spec.Tree{"colour": "secret", "marks": []any{}}))
				live.Resources[1].Status[spec.StatusUnfinished] = "n0nce"
				return live
			}(),
			want: []string{
				`update widget/car: marks -[{key: "orgctl-op", value: "n0nce"}], sets password`,
				`OC331 needs secretSink widget/car`,
			},
		},
		{
			name:    "a part",
			desired: wantedToys(spec.Policy{}, toy("box", "b", nil), toy("widget", "car", spec.Tree{"colour": "red", "box": "b"})),
			live:    liveToys(),
			sel:     diff.Selection{Only: []string{"widget"}},
			want:    []string{`create widget/car`, `OC304 error widget/car: needs box/b, which does not exist yet and is not selected`},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if test.want == nil {
				test.want = []string{}
			}
			if d := cmp.Diff(test.want, told(toyPlan(t, test.desired, test.live, test.sel))); d != "" {
				t.Errorf("plan (-want +got):\n%s", d)
			}
		})
	}
}

// What an update does besides is said with it.
func TestAnyReason(t *testing.T) {
	p := toyPlan(t, wantedToys(spec.Policy{}, toy("order", "one", spec.Tree{"amount": int64(2)})),
		liveToys(toy("order", "one", spec.Tree{"amount": int64(1), "price": int64(9)})), diff.Selection{})
	const want = "differs; an order is made once, so it is cancelled and made anew; the live price: 9 is sent along, since an amount alone would reset it"
	if d := cmp.Diff([]string{`update order/one: amount 1 -> 2`}, told(p)); d != "" || p.Changes[0].Reason != want {
		t.Errorf("%s, for the reason that it %s\n%s", told(p), p.Changes[0].Reason, d)
	}
}

// A quota is of the kind that says so.
func TestAnyQuota(t *testing.T) {
	p := toyPlan(t, wantedToys(spec.Policy{}, toy("box", "b", nil), toy("widget", "car", spec.Tree{"colour": "red"})), liveToys(), diff.Selection{})
	p.GuardQuotas([]diff.Quota{{Code: "boxes-per-shop", Limit: 0}, {Code: "widgets-per-shop", Limit: 3, Used: 3}})
	want := []string{`create box/b`, `create widget/car`, `OC349 blocked shop/acme: 3 of 3 widgets exist and 1 would be created`}
	if d := cmp.Diff(want, told(p)); d != "" {
		t.Errorf("plan (-want +got):\n%s", d)
	}
}

// A saved plan says which API it is of, is read by whoever knows that API, and stands alone as any other does.
func TestPlanNamesItsAPI(t *testing.T) {
	desired := wantedToys(spec.Policy{}, toy("widget", "car", spec.Tree{"parts": []any{"wheel"}}), absent(toy("widget", "doll", nil)))
	live := liveToys(toy("widget", "car", spec.Tree{"parts": []any{}}), toy("widget", "doll", nil))
	p := toyPlan(t, desired, live, diff.Selection{})
	saved := encode(t, p)
	if !bytes.HasPrefix(saved, fmt.Appendf(nil, `{"formatVersion":%q,"api":"toys/v1",`, diff.FormatVersion)) {
		t.Errorf("the plan begins with %.80s", saved)
	}
	read, err := diff.ReadPlan(bytes.NewReader(saved), spec.ClickHouse, toys)
	if err != nil {
		t.Fatal(err)
	}
	if again := anew(t, read, live); again.Digest != p.Digest || !bytes.Equal(encode(t, again), saved) {
		t.Errorf("moved: %v", diff.Moved(read, again))
	}
	const unknown = `it is of the API "toys/v1", and this orgctl knows clickhouse/v1, locktera/v1: apply with the version that planned`
	if _, err := diff.ReadPlan(bytes.NewReader(saved)); err == nil || !strings.Contains(err.Error(), unknown) {
		t.Errorf("an API that nobody knows: %v", err)
	}
	const another = "what is wanted is of the API toys/v1, and what was observed is of clickhouse/v1"
	if _, err := diff.Compute(read.Desired(), observed(t, ""), diff.Selection{}); err == nil || !strings.Contains(err.Error(), another) {
		t.Errorf("against another API: %v", err)
	}
	// The digest is of the API, too: the same changes mean something else elsewhere.
	p.API = "others/v1"
	if p.Keep(p.Changes); p.Digest == read.Digest {
		t.Error("a plan of another API has the same digest")
	}
}

// Plans of clickhouse/v1 have the digest that they had before plans named an API, and those which name none are of it.
func TestPlanThatNamesNoAPI(t *testing.T) {
	const desired, live = "spec: {keys: [{name: ci, state: disabled}, {name: old, ensure: absent}]}", "keys: [{name: ci, state: enabled}, {name: old}]"
	file, err := os.Open(filepath.Join("testdata", "plan-1.3.json"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	saved, err := diff.ReadPlan(file)
	if err != nil {
		t.Fatal(err)
	}
	if saved.API != "clickhouse/v1" || saved.Definition() != spec.ClickHouse {
		t.Errorf("it is of %q", saved.API)
	}
	now := plan(t, desired, live, diff.Selection{})
	if now.API != "clickhouse/v1" || now.Digest != saved.Digest || anew(t, saved, observed(t, live)).Digest != saved.Digest {
		t.Errorf("made today, of %q, it has the digest %s, not %s", now.API, now.Digest, saved.Digest)
	}
}

func TestSelectionFitsItsAPI(t *testing.T) {
	sel := diff.Selection{Only: []string{"widget/*"}, Except: []string{"box"}}
	if err := sel.Fits(toys); err != nil {
		t.Error(err)
	}
	sel.Except = append(sel.Except, "service/orders")
	const want = `"service/orders" names no kind; the kinds are shop, box, shelf, order, widget`
	if err := sel.Fits(toys); err == nil || err.Error() != want {
		t.Errorf("a kind of another API: %v", err)
	}
	if !slices.Equal(sel.Only, []string{"widget/*"}) {
		t.Errorf("the selection has changed: %v", sel)
	}
}
