package spec

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
	Noun:       "endpoint",
	KeyFields:  []string{"id", "cloudProvider", "region"},
	Key:        registrationOf,
	Paths:      true,
	Registered: true,
	Fields: []Field{
		{Path: "id", Immutable: true},
		{Path: "cloudProvider", Immutable: true},
		{Path: "region", Immutable: true},
		{Path: "description", Default: ""},
	},
	ToCreate: []string{"cloudProvider", "region"},
}

// registrationOf is the name of a declared private endpoint.
func registrationOf(endpoint Tree) string {
	provider, region, id := text(endpoint, "cloudProvider"), text(endpoint, "region"), text(endpoint, "id")
	if provider == "" || region == "" || id == "" {
		return ""
	}
	return PrivateEndpointName(provider, region, id)
}

// PrivateEndpointName is the natural key of a private endpoint.
func PrivateEndpointName(provider, region, id string) string {
	return provider + "/" + region + "/" + id
}

// registration is the entry that a service means by an id: one id may be registered in several places, and a service uses
// what is registered where it is itself. Of a service without a place it is not known.
func registration(id string, service Tree) string {
	provider, region := text(service, "provider"), text(service, "region")
	if provider == "" || region == "" {
		return ""
	}
	return PrivateEndpointName(provider, region, id)
}
