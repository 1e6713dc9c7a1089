package diff

import "github.com/orgctl/orgctl/pkg/spec"

// lockteraRules are those of Locktera: any of its keys may be the one in use, since the API does not tell. That a deletion is allowed
// by name (spec.Kind.Leave) is the guard; this is the risk of it.
var lockteraRules = rules{
	calling: func(live *spec.Live) []*spec.Resource {
		var all []*spec.Resource
		for r := range ofKind(live, "key") {
			all = append(all, r)
		}
		return all
	},
}
