package sim

import "time"

type organizationView struct {
	ID               string             `json:"id"`
	CreatedAt        time.Time          `json:"createdAt"`
	Name             string             `json:"name"`
	PrivateEndpoints []*privateEndpoint `json:"privateEndpoints"`
	BYOCConfig       []byocConfig       `json:"byocConfig"`
	EnableCoreDumps  bool               `json:"enableCoreDumps"`
}

func (c *call) viewOrganization() organizationView {
	o := c.st.Organization
	return organizationView{o.ID, o.CreatedAt, o.Name, orEmpty(o.PrivateEndpoints), orEmpty(o.BYOCConfig), o.EnableCoreDumps}
}

func listOrganizations(c *call) (any, error) { return []organizationView{c.viewOrganization()}, nil }

func getOrganization(c *call) (any, error) { return c.viewOrganization(), nil }

func patchOrganization(c *call) (any, error) {
	f, err := parseBody(c.body)
	if err != nil {
		return nil, err
	}
	o := c.st.Organization
	var kinds []activity
	if name := f.line("name"); name != nil {
		o.Name = *name
		kinds = append(kinds, activity{Type: "organization_update_name"})
	}
	if p := f.patch("privateEndpoints"); p != nil {
		o.PrivateEndpoints = c.patchRegistry(p, o.PrivateEndpoints)
		kinds = append(kinds, activity{Type: "service_update_private_endpoints"})
	}
	if !c.cfg.OldAPI {
		if dumps := f.boolean("enableCoreDumps"); dumps != nil {
			o.EnableCoreDumps = *dumps
			kinds = append(kinds, activity{Type: "service_update_core_dump"})
		}
	}
	if err := f.done(c.cfg.Lenient); err != nil {
		return nil, err
	}
	c.st.Organization = o
	c.did(kinds...)
	return c.viewOrganization(), nil
}
