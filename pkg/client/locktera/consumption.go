package locktera

import (
	"bytes"
	"context"
	"encoding/json"
)

// Consumption is what an organization has used in a month.
type Consumption struct {
	OrgID       string
	Month       string // YYYY-MM
	APICalls    *float64
	StorageUsed *float64 // in GB, as reported: whether those are GiB is not documented
	Raw         json.RawMessage
}

func (Consumption) fields() []string { return []string{"org_id", "month", "api_calls", "storage_used"} }

// UnmarshalJSON reads the documented shape.
func (c *Consumption) UnmarshalJSON(data []byte) error {
	f, err := newObject(data)
	if err != nil {
		return err
	}
	*c = Consumption{
		OrgID: f.text("org_id"), Month: f.text("month"), APICalls: f.number("api_calls"), StorageUsed: f.number("storage_used"),
		Raw: bytes.Clone(data),
	}
	return nil
}

// Consumption returns what an organization has used: of one month, or of several, as the API has it.
// API: GET /orgs/{org_id}/consumption
func (a *API) Consumption(ctx context.Context, orgID string) ([]Consumption, error) {
	return getLog[Consumption](ctx, a, organizationPath(orgID, "consumption"), nil)
}
