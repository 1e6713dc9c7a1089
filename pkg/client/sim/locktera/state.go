package locktera

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// The roles of nodes. A group and a person are organizations to the API, too.
const (
	roleOrg       = "org"
	roleGroup     = "group"
	roleOrgAdmin  = "org_admin"
	roleUserAdmin = "user_admin"
	roleUser      = "user"
)

var roles = []string{roleOrg, roleGroup, roleOrgAdmin, roleUserAdmin, roleUser}

// The permissions of keys.
const (
	permitRead  = "read"
	permitWrite = "write"
)

// state is the whole tree and its keys. A write works on a copy, which becomes the current state only when it has succeeded.
type state struct {
	Nodes []*node     `json:"nodes"`
	Keys  []*apiKey   `json:"keys"`
	Audit []*auditLog `json:"audit"`
	// Calls counts the requests for an organization, by its id and the month. It is no version of its own: reads must not
	// write the state file, which learns of the count with the next write.
	Calls map[string]map[string]int `json:"calls"`
}

// node is an organization, a group or a person. Its JSON names are those of an Edit's set.
type node struct {
	ID          string         `json:"id"`
	RootID      string         `json:"root_org_id"`
	ParentID    string         `json:"parent_org_id,omitempty"`
	Name        string         `json:"name"`
	Role        string         `json:"role"`
	FirstName   string         `json:"first_name,omitempty"`
	LastName    string         `json:"last_name,omitempty"`
	Email       string         `json:"email,omitempty"`
	MobilePhone string         `json:"mobile_phone,omitempty"`
	CreatedAt   time.Time      `json:"created_at"`
	Custom      customizations `json:"customizations"`
	Tags        []tag          `json:"tags,omitempty"`
	AccessLog   []access       `json:"access_log,omitempty"`
	StorageUsed float64        `json:"storage_used,omitempty"`
}

func (n *node) isPerson() bool { return n.Role != roleOrg && n.Role != roleGroup }

// customizations keep each value as it was sent.
type customizations map[string]json.RawMessage

type tag struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	CreatedAt time.Time `json:"created_at"`
}

type access struct {
	Timestamp time.Time `json:"timestamp"`
	UserID    string    `json:"user"`
	Action    string    `json:"action"`
	Status    string    `json:"status"`
	IP        string    `json:"ip"`
}

type apiKey struct {
	ID          string    `json:"id"`
	OrgID       string    `json:"org_id"`
	UserID      string    `json:"user_id"` // whose rights it has
	Name        string    `json:"name"`
	CreatedAt   time.Time `json:"created_at"`
	Permissions []string  `json:"permissions"`
	SecretHash  string    `json:"secret_hash"`
}

// auditLog is what somebody did to a node. Above are the nodes above that one, as they were then.
type auditLog struct {
	Action    string          `json:"action"`
	OrgID     string          `json:"org_id"`
	AdminID   string          `json:"admin_id"`
	Timestamp time.Time       `json:"timestamp"`
	OldData   json.RawMessage `json:"old_data,omitempty"`
	NewData   json.RawMessage `json:"new_data,omitempty"`
	IP        string          `json:"ip"`
	Above     []string        `json:"above"`
}

// clone is a copy that shares nothing. Sandboxes are small, and writes are rare.
func (st *state) clone() (*state, error) {
	text, err := json.Marshal(st)
	if err != nil {
		return nil, fmt.Errorf("copy state: %w", err)
	}
	next := new(state)
	return next, json.Unmarshal(text, next)
}

func (st *state) node(id string) *node {
	i := slices.IndexFunc(st.Nodes, func(n *node) bool { return n.ID == id })
	if i < 0 {
		return nil
	}
	return st.Nodes[i]
}

// above are the ids over a node, the nearest first. An edit may have made a circle.
func (st *state) above(n *node) []string {
	var ids []string
	for next := st.node(n.ParentID); next != nil && !slices.Contains(ids, next.ID); next = st.node(next.ParentID) {
		ids = append(ids, next.ID)
	}
	return ids
}

// within tells whether a node is another one or below it.
func (st *state) within(n *node, id string) bool {
	return n.ID == id || slices.Contains(st.above(n), id)
}

// remove takes a node out with all that is below it, and with the keys that belong to any of that or inherit from it.
func (st *state) remove(id string) {
	var kept []*node
	for _, n := range st.Nodes {
		if !st.within(n, id) {
			kept = append(kept, n)
		}
	}
	st.Nodes = kept
	st.Keys = slices.DeleteFunc(st.Keys, func(k *apiKey) bool { return st.node(k.OrgID) == nil || st.node(k.UserID) == nil })
}

func (st *state) addNode(n *node, now time.Time) *node {
	n.CreatedAt = now
	n.RootID = n.ID
	if parent := st.node(n.ParentID); parent != nil {
		n.RootID = parent.RootID
	}
	if n.Custom == nil {
		n.Custom = customizations{}
	}
	st.Nodes = append(st.Nodes, n)
	return n
}

// record notes in the audit log what became of a node; before or after may be nil.
func (st *state) record(by, ip string, now time.Time, before, after *node, action string) error {
	of := after
	if of == nil {
		of = before
	}
	entry := &auditLog{Action: action, OrgID: of.ID, AdminID: by, Timestamp: now, IP: ip, Above: st.above(of)}
	for _, data := range []struct {
		n    *node
		into *json.RawMessage
	}{{before, &entry.OldData}, {after, &entry.NewData}} {
		if data.n == nil {
			continue
		}
		text, err := json.Marshal(organizationOf(data.n))
		if err != nil {
			return fmt.Errorf("record change: %w", err)
		}
		*data.into = text
	}
	st.Audit = append(st.Audit, entry)
	return nil
}
