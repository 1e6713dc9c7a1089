package sim

import (
	"cmp"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
)

// backupConfig is the backup schedule of a service; nil is the default of the plan.
type backupConfig struct {
	PeriodHours    *int    `json:"backupPeriodInHours,omitempty"`
	RetentionHours *int    `json:"backupRetentionPeriodInHours,omitempty"`
	StartTime      *string `json:"backupStartTime,omitempty"`
}

const (
	defaultPeriod    = 24
	defaultRetention = 24
	maxRetention     = 1080
)

func (b backupConfig) period() int {
	if b.PeriodHours == nil {
		return defaultPeriod
	}
	return *b.PeriodHours
}

func (b backupConfig) retention() int {
	if b.RetentionHours == nil {
		return defaultRetention
	}
	return *b.RetentionHours
}

var fullHour = regexp.MustCompile(`^([01][0-9]|2[0-3]):00$`)

type backupConfigView struct {
	PeriodHours    int     `json:"backupPeriodInHours"`
	RetentionHours int     `json:"backupRetentionPeriodInHours"`
	StartTime      *string `json:"backupStartTime,omitempty"`
}

func viewBackupConfig(b backupConfig) backupConfigView {
	return backupConfigView{b.period(), b.retention(), b.StartTime}
}

// scheduled finds the service of the path, which has to be a primary: backups belong to the warehouse.
func (c *call) scheduled() (*service, error) {
	svc, err := c.service()
	if err != nil {
		return nil, err
	}
	if !svc.IsPrimary {
		return nil, refuse(cmp.Or(c.cfg.Statuses.SecondaryBackup, http.StatusBadRequest), "a secondary service has no backup configuration")
	}
	return svc, nil
}

func getBackupConfiguration(c *call) (any, error) {
	svc, err := c.scheduled()
	if err != nil {
		return nil, err
	}
	return viewBackupConfig(svc.BackupConfig), nil
}

// patchBackupConfiguration handles PATCH backupConfiguration: absent keeps a property, null resets it, and a start time needs
// a period of 24 or 48 hours.
func patchBackupConfiguration(c *call) (any, error) {
	svc, err := c.scheduled()
	if err != nil {
		return nil, err
	}
	f, err := parseBody(c.body)
	if err != nil {
		return nil, err
	}
	next := svc.BackupConfig
	readNullable(f, "backupPeriodInHours", &next.PeriodHours, func() *int {
		hours := f.integer("backupPeriodInHours")
		if hours != nil && *hours < 1 {
			f.fail(badRequest("request body.backupPeriodInHours: must be greater than 0 <number:%d>", *hours))
		}
		return hours
	})
	readNullable(f, "backupRetentionPeriodInHours", &next.RetentionHours, func() *int {
		if c.cfg.OldAPI {
			return f.integer("backupRetentionPeriodInHours")
		}
		return f.stepped("backupRetentionPeriodInHours", defaultRetention, maxRetention, 24)
	})
	readNullable(f, "backupStartTime", &next.StartTime, func() *string {
		start := f.str("backupStartTime")
		if start != nil && !fullHour.MatchString(*start) {
			f.fail(badRequest("customBackupStartTime must be a valid time (HH:00)"))
		}
		return start
	})
	if next.StartTime != nil && next.period() != 24 && next.period() != 48 {
		f.fail(badRequest("customBackupPeriod must be 24 or 48 hours when customBackupStartTime is set"))
	}
	if f.has("backupStartTime") && next.StartTime != nil && (!f.has("backupPeriodInHours") || c.cfg.StartTimeResetsPeriod) {
		next.PeriodHours = nil // a start time on its own resets the period
	}
	if err := f.done(c.cfg.Lenient); err != nil {
		return nil, err
	}
	if err := c.provisioned(svc); err != nil {
		return nil, err
	}
	changed := *svc
	changed.BackupConfig = next
	replace(c.st.Services, svc, &changed)
	c.did(doneTo(svc, "service_update_backup_configuration")...)
	return viewBackupConfig(next), nil
}

// readNullable sets a field that may be absent, null or a value.
func readNullable[T any](f *fields, name string, into **T, read func() *T) {
	switch {
	case f.null(name):
		*into = nil
	case f.has(name):
		*into = read()
	}
}

type backupView struct {
	ID                string          `json:"id"`
	Status            string          `json:"status"`
	ServiceID         string          `json:"serviceId"`
	StartedAt         time.Time       `json:"startedAt"`
	FinishedAt        *time.Time      `json:"finishedAt,omitempty"`
	SizeInBytes       int64           `json:"sizeInBytes"`
	DurationInSeconds int             `json:"durationInSeconds"`
	Type              string          `json:"type"`
	BackupName        string          `json:"backupName"`
	Bucket            backupBucketRef `json:"bucket"`
}

type backupBucketRef struct {
	Provider string `json:"bucketProvider"`
	Path     string `json:"bucketPath"`
	RoleARN  string `json:"iamRoleArn"`
}

// backupDuration is how long every simulated backup takes.
const backupDuration = 90 * time.Second

// backups are those that a primary has at a time, newest first. They follow from its age and its schedule, nothing is stored.
func (s *service) backups(at time.Time) []backupView {
	views := []backupView{}
	if !s.IsPrimary || s.stateAt(at) == stateProvisioning {
		return views
	}
	period := time.Duration(s.BackupConfig.period()) * time.Hour
	first := s.CreatedAt
	if start := s.BackupConfig.StartTime; start != nil {
		if hour, err := time.Parse("15:04", *start); err == nil {
			first = time.Date(first.Year(), first.Month(), first.Day(), hour.Hour(), 0, 0, 0, time.UTC)
			if first.Before(s.CreatedAt) {
				first = first.Add(24 * time.Hour)
			}
		}
	}
	kept := max(1, s.BackupConfig.retention()/s.BackupConfig.period())
	for n := int(at.Sub(first) / period); n >= 0 && len(views) < kept && !at.Before(first); n-- {
		views = append(views, s.backup(first.Add(time.Duration(n)*period), n, at))
	}
	return views
}

func (s *service) backup(started time.Time, n int, at time.Time) backupView {
	id := derivedID("backup", s.ID, started.Format(time.RFC3339))
	v := backupView{
		ID: id, Status: "in_progress", ServiceID: s.ID, StartedAt: started, Type: "incremental",
		BackupName: strings.ReplaceAll(s.Name, " ", "-") + "-" + started.Format("20060102-1504"),
		Bucket:     backupBucketRef{"AWS", "s3://backups-" + s.HostPrefix, "arn:aws:iam::000000000000:role/backup-" + s.HostPrefix},
	}
	if n%7 == 0 {
		v.Type = "full"
	}
	if finished := started.Add(backupDuration); !at.Before(finished) {
		v.Status, v.FinishedAt = "done", &finished
		v.SizeInBytes, v.DurationInSeconds = int64(n+1)<<20, int(backupDuration.Seconds())
	}
	return v
}

func listBackups(c *call) (any, error) {
	svc, err := c.service()
	if err != nil {
		return nil, err
	}
	return svc.backups(c.at), nil
}

func getBackup(c *call) (any, error) {
	svc, err := c.service()
	if err != nil {
		return nil, err
	}
	id, err := c.id("backupId")
	if err != nil {
		return nil, err
	}
	backups := svc.backups(c.at)
	if i := slices.IndexFunc(backups, func(b backupView) bool { return b.ID == id }); i >= 0 {
		return backups[i], nil
	}
	return nil, notFound(id)
}

// checkRestore holds that a service is created from a finished backup of the same provider and region.
func (c *call) checkRestore(svc *service, backupID string) error {
	for _, source := range c.st.Services {
		for _, b := range source.backups(c.now) {
			if !strings.EqualFold(b.ID, backupID) {
				continue
			}
			if source.Provider != svc.Provider || source.Region != svc.Region {
				return badRequest("a backup can only be restored in its own region: %s %s", source.Provider, source.Region)
			}
			if b.FinishedAt == nil {
				return badRequest("backup %s is not finished", backupID)
			}
			return nil
		}
	}
	return badRequest("backupId %s does not exist", backupID)
}
