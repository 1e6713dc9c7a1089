package cloud

import (
	"context"

	"github.com/orgctl/orgctl/pkg/apply"
	"github.com/orgctl/orgctl/pkg/apply/journal"
	"github.com/orgctl/orgctl/pkg/client/cloudapi"
	"github.com/orgctl/orgctl/pkg/diff"
	"github.com/orgctl/orgctl/pkg/spec"
)

// bindings are the kinds that ClickHouse Cloud has, in the order in which their lists are read.
var bindings = []*binding{
	&organizationBinding, &endpointBinding, &serviceBinding, &keyBinding, &memberBinding, &invitationBinding,
}

// binding is all that this package knows of one kind: how its objects are read and what carries out a change of one. Nothing
// else here tells kinds apart by name.
type binding struct {
	kind       string // spec.Kind.Name
	collection string // spec.Kind.Collection

	// list reads the objects of the kind. Nil where the organization itself shows them, see shown.
	list func(ctx context.Context, api *cloudapi.API, organization string) (objects, error)
	// permission is what a key lacks whose list is refused: "the API key has no permission to view members".
	permission string
	// shown are the objects that the organization itself shows.
	shown func(cloudapi.Organization) objects
	// observed is told what a list has just brought, nil where it was not read. Nil when nobody waits for that.
	observed func(b *Backend, anew objects)
	// detail reads what no list shows of an object. Nil when lists show everything.
	detail *detail

	// steps says how a change is carried out.
	steps func(*Backend, diff.Change) ([]apply.Step, error)
	// secretOf gives the mark under which the secret that a change makes may be stored already; an empty one is any. It is not
	// ok where none is looked for. Nil when no change makes a secret.
	secretOf func(b *Backend, c diff.Change) (mark string, ok bool)
	// find says what became of a creation that an interrupted run has journalled: one of the outcomes of the journal, halfMade, or
	// "" as long as nothing shows. Nil when creations are not journalled.
	find func(ctx context.Context, b *Backend, i journal.Intent) (outcome string, err error)
}

// objects are all that the API shows of one kind.
type objects interface {
	// resources brings them into trees.
	resources(o *observation) []spec.Resource
	// ids are those of all of them, be they in resources or not.
	ids() []string
}

// holders are objects that have roles.
type holders interface {
	// assigned are the roles that each of them is shown to have; nil for one that is shown without.
	assigned() [][]cloudapi.AssignedRole
}

// lapsing are objects of which some may have ceased to be and are still listed. Those are no resources.
type lapsing interface {
	lapsed(o *observation) []spec.Address
}

// detail is a request for what no list shows of an object (spec.Field.Detail).
type detail struct {
	what       string // "the backup configuration", for messages
	permission string // what a key lacks to which it is refused
	// has reports whether an object has what is asked for.
	has  func(live spec.Resource) bool
	read func(ctx context.Context, api *cloudapi.API, organization, id string) (spec.Tree, error)
}

// bindingOf finds the binding of a kind, or nil.
func bindingOf(kind string) *binding {
	for _, k := range bindings {
		if k.kind == kind {
			return k
		}
	}
	return nil
}
