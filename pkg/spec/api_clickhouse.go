package spec

// ClickHouse is ClickHouse Cloud, the API of manifests that name none.
var ClickHouse = &API{
	Name:   "clickhouse/v1",
	Title:  "ClickHouse Cloud",
	Kinds:  []*Kind{organizationKind, privateEndpointKind, serviceKind, keyKind, memberKind, invitationKind},
	People: People{Joined: "member", Invited: "invitation"},
	Admin:  "admin",
}
