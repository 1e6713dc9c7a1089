package cloud

import (
	"context"
	"fmt"

	"github.com/orgctl/orgctl/pkg/apply"
	"github.com/orgctl/orgctl/pkg/client/cloudapi"
	"github.com/orgctl/orgctl/pkg/diff"
	"github.com/orgctl/orgctl/pkg/spec"
)

var organizationBinding = binding{
	kind:  "organization",
	shown: func(o cloudapi.Organization) objects { return organizations{o} },
	steps: organizationSteps,
}

type organizations []cloudapi.Organization

func (all organizations) ids() []string {
	return mapped(all, func(o cloudapi.Organization) string { return o.ID })
}

func (all organizations) resources(*observation) []spec.Resource {
	return mapped(all, organizationResource)
}

func organizationResource(o cloudapi.Organization) spec.Resource {
	f := fields{}
	f.text("name", o.Name)
	f.flag("enableCoreDumps", o.EnableCoreDumps)
	return spec.Resource{
		Address: spec.Address{Kind: "organization", Name: o.ID}, ID: o.ID, Spec: spec.Tree(f), Status: spec.Tree{},
	}
}

func organizationSteps(b *Backend, c diff.Change) ([]apply.Step, error) {
	if c.Action != diff.Update {
		return nil, fmt.Errorf("%s: an organization can only be updated", c.Address)
	}
	patch, err := bind[cloudapi.OrganizationPatch](c.After, changedPaths(c, []string{"name", "enableCoreDumps"})...)
	if err != nil {
		return nil, err
	}
	return []apply.Step{b.patchOrganization("update organization", func(bool) (cloudapi.OrganizationPatch, error) { return patch, nil })}, nil
}

// patchOrganization is the one way to change the organization and its endpoint registry.
func (b *Backend) patchOrganization(title string, patch func(again bool) (cloudapi.OrganizationPatch, error)) apply.Step {
	return do(title, func(ctx context.Context) error {
		return b.resend(ctx, func(ctx context.Context, again bool) error {
			p, err := patch(again)
			if err != nil {
				return err
			}
			_, err = b.api.PatchOrganization(ctx, b.organization(), p)
			return err
		})
	})
}
