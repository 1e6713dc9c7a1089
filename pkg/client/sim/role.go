package sim

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/orgctl/orgctl/pkg/client/sim/internal/stage"
)

// Permissions that routes ask for. Those the public documents do not name follow their pattern.
const (
	permAny           = "" // any role at all
	permOrgView       = "control-plane:organization:view"
	permOrgManage     = "control-plane:organization:manage"
	permKeyCreate     = "control-plane:organization:create-api-keys"
	permKeyDelete     = "control-plane:organization:delete-api-keys"
	permBillingView   = "control-plane:organization:view-billing"
	permBillingManage = "control-plane:organization:manage-billing"
	permServiceView   = "control-plane:service:view"
	permServiceManage = "control-plane:service:manage"
	permServiceDelete = "control-plane:service:delete"
	permBackupsView   = "control-plane:service:view-backups"
	permBackupsManage = "control-plane:service:manage-backups"
	permEndpointsView = "control-plane:service:view-private-endpoints"
	permQueryView     = "control-plane:service:view-query-api-endpoints"
)

// The roles that legacy names stand for, and those names.
const (
	roleAdmin            = "Admin"
	roleDeveloper        = "Developer"
	legacyAdmin          = "admin"
	legacyDeveloper      = "developer"
	legacyQueryEndpoints = "query_endpoints"
)

type systemRole struct {
	name        string
	permissions []string
}

var (
	serviceViews   = []string{permServiceView, permBackupsView, permEndpointsView, permQueryView}
	serviceWrites  = append([]string{permServiceManage, permServiceDelete}, serviceViews...)
	readEverything = append([]string{permOrgView}, serviceViews...)

	// systemRoles are those of the organization before and after the vendor's migration, so that manifests written for either
	// work.
	systemRoles = []systemRole{
		{roleAdmin, append([]string{
			permOrgView, permOrgManage, permKeyCreate, permKeyDelete, permBillingView, permBillingManage, permBackupsManage,
		}, serviceWrites...)},
		{roleDeveloper, append([]string{permOrgView}, serviceWrites...)},
		{"Billing", []string{permOrgView, permBillingView, permBillingManage}},
		{"Member", readEverything},
		{"Org API reader", readEverything},
		{"Service admin", serviceWrites},
		{"Service read only", serviceViews},
		{"Basic service API reader", []string{permServiceView}},
		{"Full service API reader", serviceViews},
	}
)

func newRoles(at time.Time) []*role {
	roles := make([]*role, 0, len(systemRoles))
	for _, r := range systemRoles {
		roles = append(roles, &role{ID: stage.NewID(), Name: r.name, CreatedAt: at})
	}
	return roles
}

func permissionsOf(r *role) []string {
	for _, known := range systemRoles {
		if known.name == r.Name {
			return known.permissions
		}
	}
	return nil
}

func (st *state) allows(g grants, permission string) bool {
	for _, id := range g.RoleIDs {
		if r := st.role(id); r != nil && (permission == permAny || slices.Contains(permissionsOf(r), permission)) {
			return true
		}
	}
	return false
}

func (st *state) isAdmin(g grants) bool {
	return slices.Contains(g.RoleIDs, st.roleNamed(roleAdmin).ID)
}

func (st *state) adminMembers() int {
	n := 0
	for _, m := range st.Members {
		if st.isAdmin(m.grants) {
			n++
		}
	}
	return n
}

// legacyGrants gives the grants of legacy role names; query_endpoints grants nothing in the organization.
func (st *state) legacyGrants(names []string) grants {
	g := grants{RoleIDs: []string{}, Legacy: names}
	for _, name := range names {
		switch name {
		case legacyAdmin:
			g.RoleIDs = append(g.RoleIDs, st.roleNamed(roleAdmin).ID)
		case legacyDeveloper:
			g.RoleIDs = append(g.RoleIDs, st.roleNamed(roleDeveloper).ID)
		}
	}
	return g
}

// readGrants reads the roles of a request: assignedRoleIds in an organization that has migrated, legacyField (role or roles)
// in one that has not. Nil means that the request names neither.
func (c *call) readGrants(f *fields, legacyField string, current grants) *grants {
	if !c.cfg.legacyRoles() {
		if f.has(legacyField) {
			f.fail(&apiError{
				status: cmp.Or(c.cfg.Statuses.MigratedRole, http.StatusBadRequest),
				text:   "Organization has migrated to Custom Roles. Use 'assignedRoleIds' instead of '" + legacyField + "'.",
			})
		}
		ids, ok := f.strs("assignedRoleIds")
		if !ok {
			return nil
		}
		granted := grants{RoleIDs: []string{}, Legacy: current.Legacy}
		for _, id := range ids {
			r := c.st.role(id)
			if r == nil {
				f.fail(badRequest("request body.assignedRoleIds: unknown role <%s>", id))
				return nil
			}
			if !slices.Contains(granted.RoleIDs, r.ID) {
				granted.RoleIDs = append(granted.RoleIDs, r.ID)
			}
		}
		return &granted
	}
	if !c.cfg.OldAPI && f.has("assignedRoleIds") {
		f.fail(badRequest("Organization has not migrated to Custom Roles. Use '%s' instead of 'assignedRoleIds'.", legacyField))
	}
	var names []string
	if legacyField == "role" {
		name := f.enum("role", legacyAdmin, legacyDeveloper)
		if name == nil {
			return nil
		}
		names = []string{*name}
	} else {
		list, ok := f.strs("roles")
		if !ok {
			return nil
		}
		names = list
	}
	for _, name := range names {
		known := name == legacyAdmin || name == legacyDeveloper || (name == legacyQueryEndpoints && !c.cfg.OldAPI)
		if !known {
			f.fail(badRequest("request body.roles value is not a role: %s", shown(name)))
		}
	}
	granted := c.st.legacyGrants(names)
	return &granted
}

type assignedRoleView struct {
	RoleID   string `json:"roleId"`
	RoleName string `json:"roleName"`
	RoleType string `json:"roleType"`
}

// assignedRoles is nil, which leaves the field out, in an organization that has not migrated.
func (c *call) assignedRoles(g grants) *[]assignedRoleView {
	if c.cfg.legacyRoles() {
		return nil
	}
	views := make([]assignedRoleView, 0, len(g.RoleIDs))
	for _, id := range g.RoleIDs {
		if r := c.st.role(id); r != nil {
			views = append(views, assignedRoleView{r.ID, r.Name, "system"})
		}
	}
	return &views
}

// legacyRole is the one legacy role a member or invitation shows; empty for those that came after the migration.
func (g grants) legacyRole() string {
	if len(g.Legacy) == 0 {
		return ""
	}
	return g.Legacy[0]
}

type roleView struct {
	ID        string       `json:"id"`
	TenantID  string       `json:"tenantId"`
	OwnerID   string       `json:"ownerId"`
	Name      string       `json:"name"`
	Type      string       `json:"type"`
	Actors    []string     `json:"actors"`
	Policies  []policyView `json:"policies"`
	CreatedAt time.Time    `json:"createdAt"`
	UpdatedAt time.Time    `json:"updatedAt"`
}

type policyView struct {
	ID          string   `json:"id"`
	RoleID      string   `json:"roleId"`
	TenantID    string   `json:"tenantId"`
	AllowDeny   string   `json:"allowDeny"`
	Permissions []string `json:"permissions"`
	Resources   []string `json:"resources"`
}

func (c *call) viewRole(r *role) roleView {
	tenant := "organization/" + c.st.Organization.ID
	v := roleView{
		ID: r.ID, TenantID: tenant, OwnerID: tenant, Name: r.Name, Type: "system",
		Actors: []string{}, Policies: []policyView{}, CreatedAt: r.CreatedAt, UpdatedAt: r.CreatedAt,
	}
	for _, m := range c.st.Members {
		if slices.Contains(m.RoleIDs, r.ID) {
			v.Actors = append(v.Actors, "user/"+m.UserID)
		}
	}
	for _, k := range c.st.Keys {
		if slices.Contains(k.RoleIDs, r.ID) {
			v.Actors = append(v.Actors, "apiKey/"+k.ID)
		}
	}
	// All permissions of one policy target one scope, so a role of both scopes has two policies.
	for _, scope := range []struct{ part, resource string }{{":organization:", tenant}, {":service:", "instance/*"}} {
		var granted []string
		for _, p := range permissionsOf(r) {
			if strings.Contains(p, scope.part) {
				granted = append(granted, p)
			}
		}
		if len(granted) > 0 {
			v.Policies = append(v.Policies, policyView{
				ID: derivedID("policy", r.ID, scope.part), RoleID: r.ID, TenantID: tenant, AllowDeny: "ALLOW",
				Permissions: granted, Resources: []string{scope.resource},
			})
		}
	}
	return v
}

// rolesShown tells whether the organization answers GET roles.
func (c *call) rolesShown() bool { return !c.cfg.legacyRoles() || c.cfg.LegacyRolesListed }

func listRoles(c *call) (any, error) {
	if !c.rolesShown() {
		return nil, notFound("Unknown Error")
	}
	views := make([]roleView, 0, len(c.st.Roles))
	for _, r := range c.st.Roles {
		views = append(views, c.viewRole(r))
	}
	return views, nil
}

func getRole(c *call) (any, error) {
	id, err := c.id("roleId")
	if err != nil {
		return nil, err
	}
	r := c.st.role(id)
	if r == nil || !c.rolesShown() {
		return nil, notFound(id)
	}
	return c.viewRole(r), nil
}
