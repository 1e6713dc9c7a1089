package cloudapi

import "context"

// BackupConfiguration is the schedule of a service's backups. Only the primary of a warehouse has one.
type BackupConfiguration struct {
	BackupPeriodInHours          *float64 `json:"backupPeriodInHours"`
	BackupRetentionPeriodInHours *float64 `json:"backupRetentionPeriodInHours"`
	BackupStartTime              string   `json:"backupStartTime"` // HH:00 in UTC, or ""
}

// BackupConfigurationPatch changes a schedule; Null resets a field to the default of the organization's plan. A start time
// needs a period of 24 or 48 hours, given or stored.
type BackupConfigurationPatch struct {
	BackupPeriodInHours          Nullable[float64] `json:"backupPeriodInHours,omitzero"`
	BackupRetentionPeriodInHours Nullable[float64] `json:"backupRetentionPeriodInHours,omitzero"`
	BackupStartTime              Nullable[string]  `json:"backupStartTime,omitzero"`
}

// GetBackupConfiguration returns the schedule of a service.
// API: GET /v1/organizations/{organizationId}/services/{serviceId}/backupConfiguration
func (a *API) GetBackupConfiguration(ctx context.Context, orgID, serviceID string) (BackupConfiguration, error) {
	return get[BackupConfiguration](ctx, a, servicePath(orgID, serviceID, "backupConfiguration"), nil)
}

// PatchBackupConfiguration changes the schedule of a service; it needs an admin key.
// API: PATCH /v1/organizations/{organizationId}/services/{serviceId}/backupConfiguration
func (a *API) PatchBackupConfiguration(ctx context.Context, orgID, serviceID string, p BackupConfigurationPatch) (BackupConfiguration, error) {
	return patch[BackupConfiguration](ctx, a, servicePath(orgID, serviceID, "backupConfiguration"), p)
}
