package locktera

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/orgctl/orgctl/pkg/client"
)

// Customizations are what makes an organization look like itself: theme, logo_url, branding_color, and what else there may be.
type Customizations struct {
	Fields  map[string]json.RawMessage // as the API spelt their values; those of its database, such as _etag, may be among them
	Wrapped bool                       // the API shows them as the only field, customizations, of another object
	Raw     json.RawMessage            // the object of these fields
}

// UnmarshalJSON reads the object, also when it is wrapped: in an object with nothing but a field customizations that is one. What
// says no more than refusals do is one, whatever its status: written back it would be all that is left.
func (c *Customizations) UnmarshalJSON(data []byte) error {
	fields, err := newObject(data)
	if err != nil {
		return err
	}
	if said, ok := fields.refusal(); ok {
		return fmt.Errorf("it says %s instead of customizations", said)
	}
	if inner := fields["customizations"]; len(fields) == 1 && inner != nil {
		if wrapped, err := newObject(inner); err == nil {
			*c = Customizations{Fields: wrapped, Wrapped: true, Raw: bytes.Clone(inner)}
			return nil
		}
	}
	*c = Customizations{Fields: fields, Raw: bytes.Clone(data)}
	return nil
}

// GetCustomizations returns the customizations of an organization.
// API: GET /orgs/{org_id}/customizations
func (a *API) GetCustomizations(ctx context.Context, orgID string) (Customizations, error) {
	return get[Customizations](ctx, a, organizationPath(orgID, "customizations"))
}

// PutCustomizations replaces all customizations: send back what was read, changed, or the rest may be lost. There is no
// precondition, so that what somebody else has written since it was read is lost as well. So it is sent once, even where it is known
// not to have been executed: before another time, read. That it succeeds does not say that anything has changed: read again.
// API: PUT /orgs/{org_id}/customizations
func (a *API) PutCustomizations(ctx context.Context, orgID string, fields map[string]json.RawMessage) error {
	if fields == nil {
		fields = map[string]json.RawMessage{} // null is not an object
	}
	var body any = fields
	if a.options.WrapCustomizations {
		body = map[string]any{"customizations": fields}
	}
	_, err := a.client.Do(ctx, client.Request{
		Method: http.MethodPut, Path: organizationPath(orgID, "customizations"), Body: body, Answer: client.Ignored, Once: true,
	})
	return err
}
