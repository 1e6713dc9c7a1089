package locktera_test

import (
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/orgctl/orgctl/pkg/client"
	"github.com/orgctl/orgctl/pkg/client/locktera"
	sim "github.com/orgctl/orgctl/pkg/client/sim/locktera"
)

// worlds are those in which everything can be done that a manifest may say. Keys without names are a world of their own.
var worlds = map[string]world{
	"spec with names": {config: sim.Config{Shape: "spec", Shapes: sim.Shapes{APIKeys: "page"}}},
	"both shapes":     {config: sim.Config{Shapes: sim.Shapes{Organization: "both"}, NameKey: "both"}},
	"both, org_name": {
		config:  sim.Config{Shapes: sim.Shapes{Organization: "both"}, NameKey: "org_name"},
		options: locktera.Options{NameKey: "org_name"},
	},
	"wrapped": {
		config:  sim.Config{PutBody: "wrapped", WrappedCustomizations: true, UnknownFields: "refuse"},
		options: locktera.Options{WrapCustomizations: true},
	},
	"wrapped in answers alone": {config: sim.Config{WrappedCustomizations: true}},
	"written by spec":          {config: sim.Config{WriteReplies: "spec"}},
	"no content":               {config: sim.Config{WriteReplies: "no-content", PutCustomizations: "merge", Nulls: "remove"}},
	"empty":                    {config: sim.Config{WriteReplies: "empty", UnknownFields: "refuse", Nulls: "refuse", PatchCustomizations: "ignore"}},
	"store and future fields": {
		config: sim.Config{StoreFields: true, FutureFields: true, Shapes: sim.Shapes{Organization: "both"}, SecretField: "key", Paging: true},
	},
	"fields left out":  {config: sim.Config{OmittedFields: []string{"created_at", "org_id", "role"}, SecretField: "token", NoRight: 404}},
	"answer by secret": {config: sim.Config{SecretField: "id", Errors: "text"}},
	"no prefix, html":  {config: sim.Config{Prefix: new(string), Errors: "html"}},
	"rate limit": {
		config: sim.Config{RateLimit: sim.RateLimit{Requests: 100, Window: time.Minute}, Errors: "empty"},
		rate:   client.Rate{Requests: 100, Window: time.Minute},
	},
	"stricter than the client thinks": {
		config: sim.Config{RateLimit: sim.RateLimit{Requests: 20, Window: time.Minute}, RetryAfter: true, Errors: "text-code"},
	},
}

// TestWorlds holds the backend to the same wherever the documents leave open what the API does.
func TestWorlds(t *testing.T) {
	for name, w := range worlds {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := suite(w)
			t.Run("transitions", s.Transitions)
			t.Run("fields", s.Fields)
			t.Run("export", s.Export)
			t.Run("faults", s.Faults)
		})
	}
}

func TestLawInWorlds(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		world := rapid.SampledFrom(slices.Sorted(maps.Keys(worlds))).Draw(r, "world")
		suite(worlds[world]).Case(t, r)
	})
}
