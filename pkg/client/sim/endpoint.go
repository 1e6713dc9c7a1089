package sim

import (
	"net/http"
	"slices"
)

// registered tells whether the organization's registry has a private endpoint in the service's provider and region.
func (st *state) registered(svc *service, id string) bool {
	return slices.ContainsFunc(st.Organization.PrivateEndpoints, func(e *privateEndpoint) bool {
		return e.ID == id && e.CloudProvider == svc.Provider && e.Region == svc.Region
	})
}

// attachable lists the registered endpoints that a service could attach.
func (st *state) attachable(svc *service) []string {
	ids := []string{}
	for _, e := range st.Organization.PrivateEndpoints {
		if e.CloudProvider == svc.Provider && e.Region == svc.Region && !slices.Contains(svc.PrivateEndpointIDs, e.ID) {
			ids = append(ids, e.ID)
		}
	}
	return ids
}

// attached tells whether any service uses a registration.
func (c *call) attached(e *privateEndpoint) bool {
	return slices.ContainsFunc(c.st.Services, func(s *service) bool {
		return s.Provider == e.CloudProvider && s.Region == e.Region && slices.Contains(s.PrivateEndpointIDs, e.ID)
	})
}

// patchAttached applies an {add, remove} patch to the endpoints of a service. What the registry lacks of them is registered.
func (c *call) patchAttached(p *fields, svc *service) []string {
	list := slices.Clone(svc.PrivateEndpointIDs)
	removed, _ := p.strs("remove")
	list = slices.DeleteFunc(list, func(id string) bool { return slices.Contains(removed, id) })
	added, _ := p.strs("add")
	for _, id := range added {
		if !c.st.registered(svc, id) {
			if err := unless(c.cfg.Statuses.UnregisteredEndpoint, http.StatusOK, "private endpoint %s is not registered in %s %s", id, svc.Provider, svc.Region); err != nil {
				p.fail(err)
			}
			c.register(&privateEndpoint{ID: id, CloudProvider: svc.Provider, Region: svc.Region})
		}
		if !slices.Contains(list, id) {
			list = append(list, id)
		} else if err := unless(c.cfg.Statuses.AttachedEndpoint, http.StatusBadRequest, "private endpoint %s is attached already", id); err != nil {
			p.fail(err)
		}
	}
	return list
}

func (c *call) register(entry *privateEndpoint) {
	c.st.Organization.PrivateEndpoints = append(c.st.Organization.PrivateEndpoints, entry)
}

// createServiceEndpoint handles POST privateEndpoint: it registers an endpoint for the whole organization, in the service's
// provider and region, and attaches it to the service.
func createServiceEndpoint(c *call) (any, error) {
	svc, err := c.service()
	if err != nil {
		return nil, err
	}
	f, err := parseBody(c.body)
	if err != nil {
		return nil, err
	}
	f.require("id")
	entry := &privateEndpoint{
		ID: deref(f.str("id")), Description: deref(f.str("description")), CloudProvider: svc.Provider, Region: svc.Region,
	}
	if entry.ID == "" {
		f.fail(badRequest("request body.id must not be empty"))
	}
	if err := f.done(c.cfg.Lenient); err != nil {
		return nil, err
	}
	if err := c.present(svc); err != nil {
		return nil, err
	}
	changed := *svc
	changed.PrivateEndpointIDs = slices.Clone(svc.PrivateEndpointIDs)
	if !slices.Contains(changed.PrivateEndpointIDs, entry.ID) {
		changed.PrivateEndpointIDs = append(changed.PrivateEndpointIDs, entry.ID)
	} else if err := unless(c.cfg.Statuses.AttachedEndpoint, http.StatusBadRequest, "private endpoint %s is attached already", entry.ID); err != nil {
		return nil, err
	}
	if i := slices.IndexFunc(c.st.Organization.PrivateEndpoints, entry.same); i >= 0 {
		entry = c.st.Organization.PrivateEndpoints[i]
	} else {
		c.register(entry)
	}
	replace(c.st.Services, svc, &changed)
	c.did(doneTo(svc, "service_update_private_endpoints")...)
	return entry, nil
}

type endpointConfigView struct {
	EndpointServiceID  string `json:"endpointServiceId"`
	PrivateDNSHostname string `json:"privateDnsHostname,omitempty"`
}

func endpointServiceID(provider, region string) string {
	return "com.amazonaws.vpce." + region + ".vpce-svc-" + derivedID(provider, region)[24:]
}

func serviceEndpointConfig(c *call) (any, error) {
	svc, err := c.service()
	if err != nil {
		return nil, err
	}
	return endpointConfigView{
		EndpointServiceID:  endpointServiceID(svc.Provider, svc.Region),
		PrivateDNSHostname: svc.HostPrefix + "." + svc.Region + ".vpce." + svc.Provider + ".clickhouse.cloud",
	}, nil
}

// organizationEndpointConfig handles the deprecated GET privateEndpointConfig, which knows only regions with a service.
func organizationEndpointConfig(c *call) (any, error) {
	provider, region := c.query.Get("cloud_provider"), c.query.Get("region_id")
	for _, param := range []string{"cloud_provider", "region_id"} {
		if !c.query.Has(param) {
			return nil, badRequest("query parameter %s is required", param)
		}
	}
	if !slices.Contains(providers, provider) {
		return nil, badRequest("query parameter cloud_provider value is not a provider: %s", shown(provider))
	}
	if !slices.ContainsFunc(c.st.Services, func(s *service) bool {
		return c.visible(s) && s.Provider == provider && s.Region == region
	}) {
		return nil, badRequest("organization has no created instances in %s %s", provider, region)
	}
	return endpointConfigView{EndpointServiceID: endpointServiceID(provider, region)}, nil
}

// patchRegistry applies an {add, remove} patch to the organization's private endpoints.
func (c *call) patchRegistry(p *fields, current []*privateEndpoint) []*privateEndpoint {
	list := slices.Clone(current)
	p.each("remove", func(e *fields) {
		entry := readRegistration(e)
		if !slices.ContainsFunc(list, entry.same) {
			return
		}
		if c.attached(entry) {
			if err := unless(c.cfg.Statuses.EndpointInUse, http.StatusBadRequest, "private endpoint %s is attached to a service", entry.ID); err != nil {
				p.fail(err)
			}
		}
		list = slices.DeleteFunc(list, entry.same)
	})
	p.each("add", func(e *fields) {
		entry := readRegistration(e)
		if slices.ContainsFunc(list, entry.same) {
			p.fail(badRequest("private endpoint %s is registered already in %s %s", entry.ID, entry.CloudProvider, entry.Region))
		}
		list = append(list, entry)
	})
	return list
}

func readRegistration(e *fields) *privateEndpoint {
	e.require("id", "cloudProvider", "region")
	entry := &privateEndpoint{
		ID: deref(e.str("id")), Description: deref(e.str("description")),
		CloudProvider: deref(e.enum("cloudProvider", providers...)), Region: deref(e.str("region")),
	}
	if entry.ID == "" {
		e.fail(badRequest("%s.id must not be empty", e.path))
	}
	if !slices.Contains(regions[entry.CloudProvider], entry.Region) {
		e.fail(badRequest("%s.region value is not a region of %s: %s", e.path, entry.CloudProvider, shown(entry.Region)))
	}
	return entry
}
