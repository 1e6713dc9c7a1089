package spec

import "strings"

// organizationKind is the organization itself: one object, addressed by the manifest's local handle (FACTS 4).
var organizationKind = &Kind{
	Name: "organization",
	Fields: []Field{
		{Path: "name", Equal: equalName},
		{Path: "enableCoreDumps"},
	},
}

// privateEndpointKind is an entry of the organization-wide endpoint registry (FACTS 4.2). Its identity is the triple of
// provider, region and id; only the description is left to change, and that by removing and adding.
var privateEndpointKind = &Kind{
	Name:       "privateEndpoint",
	Collection: "privateEndpoints",
	Fields: []Field{
		{Path: "id", Immutable: true},
		{Path: "cloudProvider", Immutable: true},
		{Path: "region", Immutable: true},
		{Path: "description", Default: ""},
	},
	ToCreate: []string{"cloudProvider", "region"},
}

// PrivateEndpointName is the natural key of a private endpoint.
func PrivateEndpointName(provider, region, id string) string {
	return provider + "/" + region + "/" + id
}

// privateEndpointID gives back the id from a natural key: services name endpoints by id alone.
func privateEndpointID(name string) string {
	return name[strings.LastIndex(name, "/")+1:]
}
