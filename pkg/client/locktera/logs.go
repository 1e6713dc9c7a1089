package locktera

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/orgctl/orgctl/pkg/client"
)

// Access is an entry of the access log. Action and Status are open: LOGIN and login are both documented.
type Access struct {
	Timestamp string
	User      string // an e-mail address, or an id
	Action    string
	Status    string
	OrgID     string
	IP        string
	Raw       json.RawMessage
}

func (Access) fields() []string {
	return []string{"timestamp", "user", "action", "status", "org_id", "ip"}
}

// UnmarshalJSON reads both documented shapes.
func (e *Access) UnmarshalJSON(data []byte) error {
	f, err := newObject(data)
	if err != nil {
		return err
	}
	*e = Access{
		Timestamp: f.text("timestamp"), User: f.text("user"), Action: f.text("action"), Status: f.text("status"),
		OrgID: f.text("org_id"), IP: f.text("ip"), Raw: bytes.Clone(data),
	}
	return nil
}

// Audit is a change of something below an organization.
type Audit struct {
	Action    string // insert, update or delete
	OrgID     string // of what was changed
	AddressID string // documented for changes of address books
	AdminID   string
	Timestamp string
	IP        string
	OldData   json.RawMessage // nil where it is not shown
	NewData   json.RawMessage
	Raw       json.RawMessage
}

func (Audit) fields() []string {
	return []string{"action", "org_id", "address_id", "admin_id", "timestamp", "ip", "old_data", "new_data"}
}

// UnmarshalJSON reads the documented shape.
func (e *Audit) UnmarshalJSON(data []byte) error {
	f, err := newObject(data)
	if err != nil {
		return err
	}
	*e = Audit{
		Action: f.text("action"), OrgID: f.text("org_id"), AddressID: f.text("address_id"), AdminID: f.text("admin_id"),
		Timestamp: f.text("timestamp"), IP: f.text("ip"), OldData: f["old_data"], NewData: f["new_data"], Raw: bytes.Clone(data),
	}
	return nil
}

// Paging asks for a log in pages, of which no document says that logs honour them. The zero value asks for all at once.
type Paging struct {
	Limit int // entries of a page
	Pages int // at most so many pages are read, and at least one; there may be more when all of them are full
}

// AccessLog returns the access log of an organization, in the order of the API.
// API: GET /orgs/{org_id}/access_log
func (a *API) AccessLog(ctx context.Context, orgID string, p Paging) ([]Access, error) {
	return pages[Access](ctx, a, organizationPath(orgID, "access_log"), p)
}

// ChildrenAudit returns the changes of what is below an organization, in the order of the API.
// API: GET /orgs/{org_id}/children_audit
func (a *API) ChildrenAudit(ctx context.Context, orgID string, p Paging) ([]Audit, error) {
	return pages[Audit](ctx, a, organizationPath(orgID, "children_audit"), p)
}

// entry is what a log has, as it was spelt.
type entry interface {
	fields() []string
	raw() json.RawMessage
}

func (e Access) raw() json.RawMessage { return e.Raw }
func (e Audit) raw() json.RawMessage  { return e.Raw }

// pages reads a log page by page. It ends with a page that is not full; with one that is larger than asked for, which a server
// sends that ignores the limit; and before one that equals the page before it, which a server sends that ignores the number.
func pages[T entry](ctx context.Context, a *API, path string, p Paging) ([]T, error) {
	if p.Limit == 0 {
		return getLog[T](ctx, a, path, nil)
	}
	var all, last []T
	for number := 1; number <= max(p.Pages, 1); number++ {
		query := url.Values{"page": {strconv.Itoa(number)}, "limit": {strconv.Itoa(p.Limit)}}
		page, err := getLog[T](ctx, a, path, query)
		if err != nil {
			return nil, err
		}
		if number > 1 && slices.EqualFunc(page, last, func(x, y T) bool { return bytes.Equal(x.raw(), y.raw()) }) {
			break
		}
		all, last = append(all, page...), page
		if len(page) != p.Limit {
			break
		}
	}
	return all, nil
}

// getLog gets a list for which null is documented as well as anything: it is empty then.
func getLog[T interface{ fields() []string }](ctx context.Context, a *API, path string, query url.Values) ([]T, error) {
	return client.Call[list[T]](ctx, a.client, client.Request{Method: http.MethodGet, Path: path, Query: query, OptionalResult: true})
}
