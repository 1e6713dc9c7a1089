package spec

import "github.com/orgctl/orgctl/schemas"

// ClickHouse is ClickHouse Cloud, the API of manifests that name none.
var ClickHouse = &API{
	Name:     "clickhouse/v1",
	Title:    "ClickHouse Cloud",
	Schema:   embedded(schemas.Organization),
	Kinds:    []*Kind{organizationKind, privateEndpointKind, serviceKind, keyKind, memberKind, invitationKind},
	People:   People{Joined: memberKind.Name, Invited: invitationKind.Name, Email: "email"},
	Callers:  []string{keyKind.Collection},
	Admin:    "admin",
	complete: completeServices,
	check:    checkClickHouse,
}
