package cloudapi

// PrivateEndpoint is a private endpoint registered in an organization. ID, CloudProvider and Region together are its
// identity.
type PrivateEndpoint struct {
	ID            string `json:"id"`
	Description   string `json:"description,omitempty"`
	CloudProvider string `json:"cloudProvider"` // aws, gcp or azure
	Region        string `json:"region"`
}
