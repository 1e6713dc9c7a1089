package sim

import (
	"maps"
	"slices"
)

// Some of what a service has is set by the console here, which is an Edit, and the API only tells it: its own writes of that are
// not simulated. What is not set answers 404 (FACTS 5.10 to 5.13).

// queryEndpoint lets keys send queries over HTTP. OpenAPIKeys are ids of keys.
type queryEndpoint struct {
	ID             string   `json:"id"`
	OpenAPIKeys    []string `json:"openApiKeys"`
	Roles          []string `json:"roles"`
	AllowedOrigins string   `json:"allowedOrigins"`
}

func getQueryEndpoint(c *call) (any, error) {
	svc, err := c.service()
	if err != nil {
		return nil, err
	}
	if svc.QueryEndpoint == nil {
		return nil, notFound(svc.ID)
	}
	return *svc.QueryEndpoint, nil
}

// upgradeWindow is when a service is upgraded.
type upgradeWindow struct {
	Weekday      int `json:"weekday"` // 0 is Sunday
	StartHourUTC int `json:"startHourUtc"`
}

// upgradeHours is how long every window lasts.
const upgradeHours = 6

type upgradeWindowView struct {
	upgradeWindow
	Duration int `json:"duration"`
}

// getUpgradeWindow handles GET upgradeWindow. A secondary has that of its primary.
func getUpgradeWindow(c *call) (any, error) {
	svc, err := c.service()
	if err != nil {
		return nil, err
	}
	of := svc
	if !svc.IsPrimary {
		of = find(c.st.Services, func(s *service) bool { return s.IsPrimary && s.DataWarehouseID == svc.DataWarehouseID })
	}
	if of == nil || of.UpgradeWindow == nil {
		return nil, notFound(svc.ID)
	}
	return upgradeWindowView{*of.UpgradeWindow, upgradeHours}, nil
}

// backupBucket is the customer's own storage for backups, without the secrets that it is written with.
type backupBucket struct {
	ID                 string `json:"id"`
	BucketProvider     string `json:"bucketProvider"`
	BucketPath         string `json:"bucketPath,omitempty"`
	IAMRoleARN         string `json:"iamRoleArn,omitempty"`
	IAMRoleSessionName string `json:"iamRoleSessionName,omitempty"`
	AccessKeyID        string `json:"accessKeyId,omitempty"`
	ContainerName      string `json:"containerName,omitempty"`
}

func getBackupBucket(c *call) (any, error) {
	svc, err := c.service()
	if err != nil {
		return nil, err
	}
	if svc.BackupBucket == nil {
		return nil, notFound(svc.ID)
	}
	return *svc.BackupBucket, nil
}

type settingView struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type settingsView struct {
	Settings []settingView `json:"settings"`
}

// settings are those of a service that are set. There always is one (FACTS 5.14).
func (s *service) settings() []settingView {
	set := map[string]string{"compatibility": s.ClickHouseVersion}
	maps.Copy(set, s.ClickHouseSettings)
	all := make([]settingView, 0, len(set))
	for _, name := range slices.Sorted(maps.Keys(set)) {
		all = append(all, settingView{name, set[name]})
	}
	return all
}

func listSettings(c *call) (any, error) {
	svc, err := c.service()
	if err != nil {
		return nil, err
	}
	return settingsView{svc.settings()}, nil
}

func getSetting(c *call) (any, error) {
	svc, err := c.service()
	if err != nil {
		return nil, err
	}
	name := c.params["settingName"]
	i := slices.IndexFunc(svc.settings(), func(s settingView) bool { return s.Name == name })
	if i < 0 {
		return nil, notFound(name)
	}
	return svc.settings()[i], nil
}
