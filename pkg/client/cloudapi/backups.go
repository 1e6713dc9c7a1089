package cloudapi

import "context"

// Backup is a backup of a service.
type Backup struct {
	ID                string        `json:"id"`
	Status            string        `json:"status"` // done, error or in_progress
	ServiceID         string        `json:"serviceId"`
	StartedAt         string        `json:"startedAt"`
	FinishedAt        string        `json:"finishedAt"` // "" until it is finished
	SizeInBytes       *float64      `json:"sizeInBytes"`
	DurationInSeconds *float64      `json:"durationInSeconds"`
	Type              string        `json:"type"` // full or incremental
	BackupName        string        `json:"backupName"`
	Bucket            *BackupBucket `json:"bucket"`
}

// BackupBucket is the customer's own storage that holds a backup. Which fields are set depends on the provider.
type BackupBucket struct {
	BucketProvider     string `json:"bucketProvider"` // AWS, GCP or AZURE
	BucketPath         string `json:"bucketPath"`
	ContainerName      string `json:"containerName"`
	IAMRoleARN         string `json:"iamRoleArn"`
	IAMRoleSessionName string `json:"iamRoleSessionName"`
	AccessKeyID        string `json:"accessKeyId"`
}

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

// ListBackups returns the backups of a service, newest first.
// API: GET /v1/organizations/{organizationId}/services/{serviceId}/backups
func (a *API) ListBackups(ctx context.Context, orgID, serviceID string) ([]Backup, error) {
	return get[[]Backup](ctx, a, servicePath(orgID, serviceID, "backups"), nil)
}

// GetBackup returns one backup.
// API: GET /v1/organizations/{organizationId}/services/{serviceId}/backups/{backupId}
func (a *API) GetBackup(ctx context.Context, orgID, serviceID, backupID string) (Backup, error) {
	return get[Backup](ctx, a, servicePath(orgID, serviceID, "backups", backupID), nil)
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
