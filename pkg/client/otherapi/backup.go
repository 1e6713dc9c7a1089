package otherapi

import (
	"maps"
	"net/http"
	"regexp"
)

// backup is the backup configuration, with defaults where nothing is set.
func (c *call) backup(service *Service) (any, error) {
	switch {
	case !service.Primary:
		return nil, refuse(http.StatusBadRequest, "Backups are the primary's.")
	case service.State() == "provisioning":
		return nil, unknown("backup configuration")
	}
	shown := Object{"backupPeriodInHours": 24.0, "backupRetentionPeriodInHours": 24.0, "backupStartTime": nil}
	if c.choices.LongRetention {
		shown["backupRetentionPeriodInHours"] = 720.0
	}
	for name, value := range service.Backup {
		if value != nil {
			shown[name] = value
		}
	}
	return shown, nil
}

var fullHour = regexp.MustCompile(`^([01][0-9]|2[0-3]):00$`)

func (c *call) patchBackup(service *Service) (any, error) {
	if err := c.needAdmin(); err != nil {
		return nil, err
	}
	if err := c.only("backupPeriodInHours", "backupRetentionPeriodInHours", "backupStartTime"); err != nil {
		return nil, err
	}
	before, err := c.backup(service)
	if err != nil {
		return nil, err
	}
	if err := c.notBusy(service); err != nil {
		return nil, err
	}
	backup := maps.Clone(service.Backup)
	maps.Copy(backup, c.body)
	if hours, given := backup["backupRetentionPeriodInHours"].(float64); given && (hours < 24 || hours > 1080 || int(hours)%24 != 0) {
		return nil, refuse(http.StatusBadRequest, "Backups are kept for whole days, at most 45.")
	}
	if hours, given := backup["backupPeriodInHours"].(float64); given && (hours < 1 || hours != float64(int(hours))) {
		return nil, refuse(http.StatusBadRequest, "A period is of whole hours.")
	}
	if start := text(backup["backupStartTime"]); start != "" {
		if !fullHour.MatchString(start) {
			return nil, refuse(http.StatusBadRequest, "BAD_REQUEST: customBackupStartTime must be a valid time (HH:00)")
		}
		if c.choices.StartResets && text(c.body["backupStartTime"]) != "" && start != text(service.Backup["backupStartTime"]) {
			backup["backupPeriodInHours"] = 24.0
		}
		if hours, given := backup["backupPeriodInHours"].(float64); given && hours != 24 && hours != 48 {
			return nil, refuse(http.StatusBadRequest, "BAD_REQUEST: customBackupPeriod must be 24 or 48 hours when customBackupStartTime is set")
		}
	}
	service.Backup = backup
	c.log("service_update_backup_configuration", Object{"serviceId": service.ID})
	if c.choices.StaleReplies {
		return before, nil
	}
	return c.backup(service)
}
