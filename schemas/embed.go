// Package schemas holds the JSON Schemas of the formats that orgctl reads and writes, for editors, for validation and for
// "orgctl schema".
package schemas

import "embed"

// Names of the schemas in FS.
const (
	Organization = "organization.v1.schema.json" // manifests of ClickHouse Cloud
	Locktera     = "locktera.v1.schema.json"     // manifests of Locktera
	Plan         = "plan.v1.schema.json"         // saved plans
)

// FS holds every schema under its file name.
//
//go:embed *.json
var FS embed.FS
