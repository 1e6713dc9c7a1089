package cloudapi

import (
	"context"
	"net/http"

	"github.com/orgctl/orgctl/pkg/client"
	"github.com/orgctl/orgctl/pkg/client/secret"
)

// PasswordReset sets the password of a service's user default by its hashes. The zero PasswordReset lets the API generate
// one.
type PasswordReset struct {
	NewPasswordHash   string `json:"newPasswordHash,omitempty"`   // secret.SHA256Base64
	NewDoubleSHA1Hash string `json:"newDoubleSha1Hash,omitempty"` // secret.DoubleSHA1Hex, for mysql; ignored without the other
}

// HashPassword returns the reset that sets password, for mysql too if asked.
func HashPassword(password secret.Value, mysql bool) PasswordReset {
	r := PasswordReset{NewPasswordHash: secret.SHA256Base64(password)}
	if mysql {
		r.NewDoubleSHA1Hash = secret.DoubleSHA1Hex(password)
	}
	return r
}

// ResetPassword sets or generates the password. It returns the generated one, which the API never shows again, and the
// empty Value when a hash was sent. The services of a warehouse share the password of their primary.
// API: PATCH /v1/organizations/{organizationId}/services/{serviceId}/password
func (a *API) ResetPassword(ctx context.Context, orgID, serviceID string, r PasswordReset) (secret.Value, error) {
	reply, err := client.Call[struct {
		Password secret.Value `json:"password"`
	}](ctx, a.client, client.Request{
		Method:         http.MethodPatch,
		Path:           servicePath(orgID, serviceID, "password"),
		Body:           r,
		OptionalResult: r.NewPasswordHash != "",
	})
	return reply.Password, err
}
