// Package locktera has the calls of Locktera's organization API and the types they send and receive, one file per resource.
//
// It is written from documents alone, which contradict each other about nearly every answer: docs/api-facts-locktera.md says
// which, and how well what is known. Answers are therefore read in all documented shapes. A field that is missing, or of another
// type than documented, is "" or nil; what the API itself spelt is in the field Raw of every type, with what nobody documents. A
// list may come as the one object that would be in it. What is none of this is a *client.ReplyError that says what came
// instead: nothing is guessed.
//
// It adds nothing to the calls: no waiting, no decisions, and no look at what became of a write. That is for its callers, and
// needed, since a server that does not know a field may answer 200 and change nothing.
package locktera

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/orgctl/orgctl/pkg/client"
)

// API calls one API of Locktera.
type API struct {
	client  *client.Client
	options Options
}

// Options are how requests are worded where documents disagree. The zero value follows the page on organizations.
type Options struct {
	NameKey            string // the field that takes a new name, whatever an update says
	WrapCustomizations bool   // PUT {"customizations": {...}} instead of the bare object
}

// New returns the API behind c, which must speak Dialect.
func New(c *client.Client, o Options) *API { return &API{client: c, options: o} }

// ServerTime is when the API gave its last answer by its own clock; see client.Client.
func (a *API) ServerTime() time.Time { return a.client.ServerTime() }

// organizationPath escapes each segment: ids are opaque.
func organizationPath(orgID string, below ...string) string {
	var b strings.Builder
	b.WriteString("/orgs/" + url.PathEscape(orgID))
	for _, s := range below {
		b.WriteString("/" + url.PathEscape(s))
	}
	return b.String()
}

func get[T any](ctx context.Context, a *API, path string) (T, error) {
	return client.Call[T](ctx, a.client, client.Request{Method: http.MethodGet, Path: path})
}

// remove sends a DELETE, which has no body and succeeds with any status of success.
func (a *API) remove(ctx context.Context, path string) error {
	_, err := a.client.Do(ctx, client.Request{Method: http.MethodDelete, Path: path, Answer: client.Ignored})
	return err
}
