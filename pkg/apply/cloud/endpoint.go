package cloud

import (
	"github.com/orgctl/orgctl/pkg/apply"
	"github.com/orgctl/orgctl/pkg/client/cloudapi"
	"github.com/orgctl/orgctl/pkg/diff"
	"github.com/orgctl/orgctl/pkg/spec"
)

var endpointBinding = binding{
	kind: "privateEndpoint", collection: "privateEndpoints",
	shown: func(o cloudapi.Organization) objects { return endpoints(o.PrivateEndpoints) },
	steps: endpointSteps,
}

type endpoints []cloudapi.PrivateEndpoint

func (all endpoints) ids() []string {
	return mapped(all, func(e cloudapi.PrivateEndpoint) string { return endpointResource(e).ID })
}

func (all endpoints) resources(*observation) []spec.Resource { return mapped(all, endpointResource) }

func endpointResource(e cloudapi.PrivateEndpoint) spec.Resource {
	f := fields{}
	f.text("id", e.ID)
	f.text("cloudProvider", e.CloudProvider)
	f.text("region", e.Region)
	f.text("description", e.Description)
	name := spec.PrivateEndpointName(e.CloudProvider, e.Region, e.ID)
	return spec.Resource{
		Address: spec.Address{Kind: "privateEndpoint", Name: name}, ID: name, Spec: spec.Tree(f), Status: spec.Tree{},
	}
}

// endpointSteps writes the registry by patches on the organization. A registration is removed by id, provider and region;
// its description is changed by removing and adding, in that order, which is the order the server uses (FACTS 4.2).
func endpointSteps(b *Backend, c diff.Change) ([]apply.Step, error) {
	title := map[diff.Action]string{
		diff.Create: "register endpoint", diff.Update: "register endpoint anew", diff.Delete: "remove endpoint registration",
	}[c.Action]
	var change diff.FieldChange
	if c.After != nil {
		change.Add = []any{endpointEntry(c.After)}
	}
	if c.Before != nil {
		identity := endpointEntry(c.After)
		if c.Action == diff.Delete {
			identity = endpointEntry(c.Before)
		}
		delete(identity, "description")
		change.Remove = []any{identity}
	}
	return []apply.Step{b.patchOrganization(title, func(again bool) (cloudapi.OrganizationPatch, error) {
		patch, err := patchOf[cloudapi.PrivateEndpoint](change, again && c.Action == diff.Create)
		return cloudapi.OrganizationPatch{PrivateEndpoints: patch}, err
	})}, nil
}

func endpointEntry(t spec.Tree) spec.Tree {
	out := spec.Tree{}
	for _, f := range []string{"id", "cloudProvider", "region", "description"} {
		if v, ok := t[f]; ok {
			out[f] = v
		}
	}
	return out
}
