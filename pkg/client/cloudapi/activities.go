package cloudapi

import (
	"context"
	"net/url"
	"time"
)

// Activity is an entry of the audit log. Entries appear up to half a minute after what they record.
type Activity struct {
	ID             string `json:"id"`
	CreatedAt      string `json:"createdAt"`
	Type           string `json:"type"`      // such as service_update_name
	ActorType      string `json:"actorType"` // user, support, system or api
	ActorID        string `json:"actorId"`
	ActorDetails   string `json:"actorDetails"`
	ActorIPAddress string `json:"actorIpAddress"`
	OrganizationID string `json:"organizationId"`
	ServiceID      string `json:"serviceId"`
	UserAgent      string `json:"userAgent"`
	TargetKeyID    string `json:"targetKeyId"`
	KeyUpdateType  string `json:"keyUpdateType"`
}

// ActivityPeriod restricts a list of activities. A zero bound is open.
type ActivityPeriod struct{ From, To time.Time }

// Query is the period as query parameters.
func (p ActivityPeriod) Query() url.Values {
	query := url.Values{}
	if !p.From.IsZero() {
		query.Set("from_date", p.From.UTC().Format(time.RFC3339))
	}
	if !p.To.IsZero() {
		query.Set("to_date", p.To.UTC().Format(time.RFC3339))
	}
	return query
}

// ListActivities returns the activities of a period.
// API: GET /v1/organizations/{organizationId}/activities
func (a *API) ListActivities(ctx context.Context, orgID string, p ActivityPeriod) ([]Activity, error) {
	return get[[]Activity](ctx, a, organizationPath(orgID, "activities"), p.Query())
}
