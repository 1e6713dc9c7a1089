package locktera

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/orgctl/orgctl/pkg/client/sim/internal/stage"
)

// pageOrganization is an organization as the page of the documentation shows it.
type pageOrganization struct {
	ID        string         `json:"id"`
	Name      string         `json:"name"`
	CreatedAt time.Time      `json:"created_at"`
	Custom    customizations `json:"customizations"`
}

// specOrganization is an organization as the OpenAPI document has it.
type specOrganization struct {
	ID          string `json:"id"`
	RootID      string `json:"root_org_id"`
	ParentID    string `json:"parent_org_id,omitempty"`
	OrgName     string `json:"org_name"`
	Role        string `json:"role"`
	FirstName   string `json:"first_name,omitempty"`
	LastName    string `json:"last_name,omitempty"`
	Email       string `json:"email,omitempty"`
	MobilePhone string `json:"mobile_phone,omitempty"`
}

func organizationOf(n *node) specOrganization {
	return specOrganization{n.ID, n.RootID, n.ParentID, n.Name, n.Role, n.FirstName, n.LastName, n.Email, n.MobilePhone}
}

func (c *call) viewOrganization(n *node) any {
	var view any
	asPage := pageOrganization{n.ID, n.Name, n.CreatedAt.Truncate(time.Second), n.Custom}
	switch c.cfg.shape(c.cfg.Shapes.Organization) {
	case both:
		view = struct {
			specOrganization
			Name      string         `json:"name"`
			CreatedAt time.Time      `json:"created_at"`
			Custom    customizations `json:"customizations"`
		}{organizationOf(n), asPage.Name, asPage.CreatedAt, asPage.Custom}
	case spec:
		view = organizationOf(n)
	default:
		view = asPage
	}
	if !c.cfg.StoreFields {
		return view
	}
	return withStoreFields(view, n)
}

// withStoreFields adds to an object what the vendor's database keeps beside it.
func withStoreFields(view any, n *node) any {
	text, err := json.Marshal(view)
	if err != nil {
		return view
	}
	var tree map[string]any
	if err := json.Unmarshal(text, &tree); err != nil {
		return view
	}
	for name, value := range map[string]any{
		"_rid": n.ID[:8], "_self": "dbs/" + n.ID[:8] + "/", "_etag": stage.SHA256Base64(string(text)), "_ts": n.CreatedAt.Unix(),
		"attachments": "attachments/",
	} {
		tree[name] = value
	}
	return tree
}

func isStoreField(name string) bool { return strings.HasPrefix(name, "_") || name == "attachments" }

func getOrganization(c *call) (any, error) { return c.viewOrganization(c.org), nil }

// patchOrganization knows the fields of the shape in which organizations are shown, and those by which a name is taken.
func patchOrganization(c *call) (any, error) {
	before := *c.org
	b := c.readBody()
	shape := c.cfg.shape(c.cfg.Shapes.Organization)
	writable := map[string]*string{}
	if c.cfg.takesName(nameField) {
		writable[nameField] = &c.org.Name
	}
	if c.cfg.takesName(orgNameField) {
		writable[orgNameField] = &c.org.Name
	}
	if shape != page {
		writable["first_name"], writable["last_name"] = &c.org.FirstName, &c.org.LastName
		writable["email"], writable["mobile_phone"] = &c.org.Email, &c.org.MobilePhone
	}
	taken := map[string]string{}
	for field, into := range writable {
		text := b.text(field)
		if text == nil {
			continue
		}
		taken[field] = *text
		if !c.cfg.ignores(field) && (field != orgNameField || !c.cfg.ignores(nameField)) {
			*into = *text
		}
	}
	if taken[nameField] != "" && taken[orgNameField] != "" && taken[nameField] != taken[orgNameField] {
		b.fail(badField(orgNameField, "is not the same as name"))
	}
	if shape != spec {
		if raw, ok := b.take(customizationsField); ok {
			c.patchCustomizations(b, raw)
		}
	}
	if err := b.done(c.cfg); err != nil {
		return nil, err
	}
	if err := c.st.record(c.user.ID, c.ip, c.now, &before, c.org, "update"); err != nil {
		return nil, err
	}
	return outcome{message: "Organization updated successfully", object: c.viewOrganization(c.org)}, nil
}

// deleteOrganization takes along all that is below, and the keys that live there, be it the caller's own.
func deleteOrganization(c *call) (any, error) {
	if err := c.st.record(c.user.ID, c.ip, c.now, c.org, nil, "delete"); err != nil {
		return nil, err
	}
	c.st.remove(c.org.ID)
	return outcome{message: "Organization deleted successfully"}, nil
}

// addChild adds a person or a group. No document says what the body holds; this takes the fields of the OpenAPI document.
func addChild(c *call) (any, error) {
	b := c.readBody()
	n := &node{ID: stage.NewID(), ParentID: c.org.ID, Role: roleUser}
	for field, into := range n.ownFields() {
		if text := b.text(field); text != nil {
			*into = *text
		}
	}
	if err := b.done(c.cfg); err != nil {
		return nil, err
	}
	return outcome{}, c.add(n)
}

// ownFields are the fields in which a new node is described.
func (n *node) ownFields() map[string]*string {
	return map[string]*string{
		"org_name": &n.Name, "role": &n.Role, "first_name": &n.FirstName, "last_name": &n.LastName, "email": &n.Email,
		"mobile_phone": &n.MobilePhone,
	}
}

func (c *call) add(n *node) error {
	switch {
	case c.org.isPerson():
		return refuse(http.StatusBadRequest, "a person has no children")
	case n.Role == roleOrg || !slices.Contains(roles, n.Role):
		return badField("role", "must be one of %s", strings.Join(roles[1:], ", "))
	case n.isPerson() && n.Email == "":
		return badField("email", "is required")
	case !n.isPerson() && n.Name == "":
		return badField("org_name", "is required")
	}
	if n.Name == "" {
		n.Name = strings.TrimSpace(n.FirstName + " " + n.LastName)
	}
	c.st.addNode(n, c.now)
	return c.st.record(c.user.ID, c.ip, c.now, nil, n, "insert")
}

// importChildren reads a table whose first line names the fields of addChild. No document says which columns there are.
func importChildren(c *call) (any, error) {
	rows, err := csv.NewReader(strings.NewReader(string(c.body))).ReadAll()
	if err != nil || len(rows) == 0 {
		return nil, badRequest("request body must be CSV with a header")
	}
	for i, row := range rows[1:] {
		n := &node{ID: stage.NewID(), ParentID: c.org.ID, Role: roleUser}
		fields := n.ownFields()
		for column, name := range rows[0] {
			into, known := fields[name]
			if !known {
				return nil, badField(name, "is not a known column")
			}
			if row[column] != "" {
				*into = row[column]
			}
		}
		if err := c.add(n); err != nil {
			return nil, fmt.Errorf("row %d: %w", i+1, err)
		}
	}
	return outcome{}, nil
}
