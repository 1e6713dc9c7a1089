package otherapi

import (
	"net/http"
	"slices"
	"strings"
)

// organization answers for the organization itself.
func (c *call) organization() (any, error) {
	switch c.method {
	case http.MethodGet:
		return c.org.object(), nil
	case http.MethodPatch:
		before := c.org.object()
		if err := c.patchOrganization(); err != nil {
			return nil, err
		}
		if c.choices.StaleReplies {
			return before, nil
		}
		return c.org.object(), nil
	}
	return nil, unknown("route")
}

func (o *Org) object() Object {
	return Object{
		"id": o.ID, "name": o.Fields["name"], "createdAt": o.Fields["createdAt"], "enableCoreDumps": o.Fields["enableCoreDumps"],
		"privateEndpoints": list(o.Endpoints), "byocConfig": nil,
	}
}

func (c *call) patchOrganization() error {
	if err := c.needAdmin(); err != nil {
		return err
	}
	if err := c.only("name", "privateEndpoints", "enableCoreDumps"); err != nil {
		return err
	}
	name, hasName := c.body["name"].(string)
	if hasName && strings.TrimSpace(name) == "" {
		return refuse(http.StatusBadRequest, "An organization needs a name.")
	}
	remove, add := patchLists(c.body["privateEndpoints"])
	endpoints := slices.Clone(c.org.Endpoints)
	for _, gone := range remove {
		endpoints = slices.DeleteFunc(endpoints, func(have Object) bool { return sameEndpoint(have, gone) })
	}
	for _, fresh := range add {
		if text(fresh["id"]) == "" || text(fresh["cloudProvider"]) == "" || text(fresh["region"]) == "" {
			return refuse(http.StatusBadRequest, "An endpoint has id, cloudProvider and region.")
		}
		if slices.ContainsFunc(endpoints, func(have Object) bool { return sameEndpoint(have, fresh) }) {
			if c.choices.RefusesAgain {
				return refuse(http.StatusBadRequest, "Endpoint %s is registered.", fresh["id"])
			}
			continue
		}
		endpoints = append(endpoints, Object{
			"id": fresh["id"], "cloudProvider": fresh["cloudProvider"], "region": fresh["region"], "description": text(fresh["description"]),
		})
	}
	for _, have := range c.org.Endpoints {
		if slices.ContainsFunc(endpoints, func(e Object) bool { return sameEndpoint(e, have) }) {
			continue
		}
		for _, service := range c.org.Services {
			if service.in(have) && slices.Contains(service.PrivateEndpoints, text(have["id"])) && !service.gone() {
				return refuse(http.StatusBadRequest, "Endpoint %s is in use.", have["id"])
			}
		}
	}
	c.org.Endpoints = endpoints
	if hasName {
		c.org.Fields["name"] = name
		c.log("organization_update_name", nil)
	}
	if dumps, ok := c.body["enableCoreDumps"].(bool); ok {
		c.org.Fields["enableCoreDumps"] = dumps
	}
	return nil
}

func sameEndpoint(a, b Object) bool {
	return a["id"] == b["id"] && a["cloudProvider"] == b["cloudProvider"] && a["region"] == b["region"]
}

// quotas answers for the limits of the organization.
func (c *call) quotas() (any, error) {
	if c.choices.NoQuotas {
		return nil, unknown("route")
	}
	quotas := []Object{{
		"quotaCode": "services-per-organization", "name": "Services", "description": "", "scope": "organization",
		"value": 40.0, "usage": float64(len(c.org.Services)), "adjustable": true,
	}}
	if c.choices.Future {
		quotas = append(quotas, Object{
			"quotaCode": "parrots-per-ship", "name": "Parrots", "description": "", "scope": "ship", "value": 0.0, "usage": 3.0, "adjustable": false,
		})
	}
	switch {
	case c.method != http.MethodGet || len(c.path) > 2:
		return nil, unknown("route")
	case len(c.path) == 1:
		return quotas, nil
	}
	for _, quota := range quotas {
		if quota["quotaCode"] == c.path[1] {
			return quota, nil
		}
	}
	return nil, unknown("quota")
}
