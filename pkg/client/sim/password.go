package sim

import "github.com/orgctl/orgctl/pkg/client/sim/internal/stage"

// patchPassword handles PATCH password. Given hashes are kept as they are; otherwise a password is generated and shown once.
// The services of a warehouse share their users, so the password is kept at the primary.
func patchPassword(c *call) (any, error) {
	svc, err := c.service()
	if err != nil {
		return nil, err
	}
	f, err := parseBody(c.body)
	if err != nil {
		return nil, err
	}
	hash, double := f.str("newPasswordHash"), f.str("newDoubleSha1Hash")
	if hash != nil && !isSHA256Base64(*hash) {
		f.fail(badRequest("request body.newPasswordHash is not the base64 of a SHA-256 hash"))
	}
	if double != nil && !doubleSHA1Re.MatchString(*double) {
		f.fail(badRequest("request body.newDoubleSha1Hash is not the hex of a SHA-1 hash"))
	}
	if err := f.done(c.cfg.Lenient); err != nil {
		return nil, err
	}
	if err := c.provisioned(svc); err != nil {
		return nil, err
	}
	var result struct {
		Password string `json:"password,omitempty"`
	}
	owner := c.st.primaryOf(svc.DataWarehouseID)
	if owner == nil {
		owner = svc
	}
	changed := *owner
	if hash != nil {
		changed.PasswordHash, changed.DoubleSHA1Hash = *hash, deref(double)
	} else {
		result.Password = newPassword()
		changed.PasswordHash, changed.DoubleSHA1Hash = stage.SHA256Base64(result.Password), doubleSHA1Hex(result.Password)
	}
	replace(c.st.Services, owner, &changed)
	c.did(doneTo(svc, "service_update_password")...)
	return result, nil
}
