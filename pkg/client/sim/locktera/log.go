package locktera

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"
)

// pageTag is a tag as the page of the documentation shows it; the OpenAPI document has its name alone.
type pageTag struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	CreatedAt time.Time `json:"created_at"`
}

func listTags(c *call) (any, error) {
	views := []any{}
	for _, t := range c.org.Tags {
		if c.cfg.shape(c.cfg.Shapes.Tags) == spec {
			views = append(views, t.Name)
		} else {
			views = append(views, pageTag(t))
		}
	}
	return views, nil
}

// pageAccess and specAccess are an entry of the access log in the two documented shapes.
type pageAccess struct {
	Timestamp time.Time `json:"timestamp"`
	User      string    `json:"user"` // e-mail
	Action    string    `json:"action"`
	Status    string    `json:"status"`
}

type specAccess struct {
	OrgID     string    `json:"org_id"`
	Timestamp time.Time `json:"timestamp"`
	User      string    `json:"user"` // id
	Action    string    `json:"action"`
	IP        string    `json:"ip"`
}

func listAccesses(c *call) (any, error) {
	shape := c.cfg.shape(c.cfg.Shapes.AccessLog)
	views := []any{}
	for _, a := range c.org.AccessLog {
		at := a.Timestamp.Truncate(time.Second)
		if shape == spec {
			views = append(views, specAccess{c.org.ID, at, a.UserID, strings.ToLower(a.Action), a.IP})
			continue
		}
		user := a.UserID
		if n := c.st.node(user); n != nil {
			user = cmp.Or(n.Email, user)
		}
		views = append(views, pageAccess{at, user, strings.ToUpper(a.Action), strings.ToUpper(a.Status)})
	}
	return latest(views, c.cfg.list(c.cfg.Lists.AccessLog, shape)), nil
}

type auditView struct {
	Action    string          `json:"action"`
	OrgID     string          `json:"org_id"`
	AdminID   string          `json:"admin_id"`
	Timestamp time.Time       `json:"timestamp"`
	OldData   json.RawMessage `json:"old_data,omitempty"`
	NewData   json.RawMessage `json:"new_data,omitempty"`
	IP        string          `json:"ip"`
}

// listAudit shows what became of the organizations below this one, the deleted ones included.
func listAudit(c *call) (any, error) {
	views := []any{}
	for _, a := range c.st.Audit {
		if !slices.Contains(a.Above, c.org.ID) && (!c.cfg.AuditOwn || a.OrgID != c.org.ID) {
			continue
		}
		view := auditView{a.Action, a.OrgID, a.AdminID, a.Timestamp.Truncate(time.Second), a.OldData, nil, a.IP}
		if c.cfg.AuditNewData {
			view.NewData = a.NewData
		}
		views = append(views, view)
	}
	return latest(views, c.cfg.list(c.cfg.Lists.ChildrenAudit, c.cfg.shape(""))), nil
}

type consumptionView struct {
	OrgID       string  `json:"org_id"`
	Month       string  `json:"month"`
	APICalls    int     `json:"api_calls"`
	StorageUsed float64 `json:"storage_used"` // in GB, or GiB: nobody says
}

// getConsumption counts the requests for this organization, this one included.
func getConsumption(c *call) (any, error) {
	views := []any{}
	for _, month := range slices.Sorted(maps.Keys(c.st.Calls[c.org.ID])) {
		views = append(views, consumptionView{c.org.ID, month, c.st.Calls[c.org.ID][month], c.org.StorageUsed})
	}
	return latest(views, c.cfg.Lists.Consumption == array), nil
}
