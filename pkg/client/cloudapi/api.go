// Package cloudapi has the calls of the ClickHouse Cloud API and the types they send and receive, one file per resource.
//
// It adds nothing to them: no defaults, no waiting, no decisions. Errors are those of package client; among others, a
// delete of something gone matches client.ErrNotFound.
//
// Replies are decoded tolerantly, because the API has several shapes in use and new fields, states and regions appear
// unannounced. Any field may be missing and null means missing; unknown fields are ignored and unknown enum values kept.
// A missing number, boolean or object is a nil pointer, a missing list a nil slice (an empty one is not nil), and a missing
// string "", which the API does not use with a meaning of its own. All numbers are float64: the API writes counts as 3 or
// as 3.0, and a float64 takes both and is sent as 3. Timestamps are ISO 8601 in UTC, kept as the API spells them.
//
// Requests send only what is set: nil pointers, nil slices and "" are left out, an empty slice is sent as [].
package cloudapi

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/orgctl/orgctl/pkg/client"
)

// API calls one ClickHouse Cloud API.
type API struct{ client *client.Client }

// New returns the API behind c.
func New(c *client.Client) *API { return &API{client: c} }

// ServerTime is when the API gave its last answer by its own clock; see client.Client.
func (a *API) ServerTime() time.Time { return a.client.ServerTime() }

// path joins segments below /v1. Each is escaped: the user ids of SAML members contain | and @.
func path(segments ...string) string {
	var b strings.Builder
	b.WriteString("/v1")
	for _, s := range segments {
		b.WriteString("/" + url.PathEscape(s))
	}
	return b.String()
}

func organizationPath(orgID string, below ...string) string {
	return path(append([]string{"organizations", orgID}, below...)...)
}

func servicePath(orgID, serviceID string, below ...string) string {
	return organizationPath(orgID, append([]string{"services", serviceID}, below...)...)
}

func get[T any](ctx context.Context, a *API, path string, query url.Values) (T, error) {
	return client.Call[T](ctx, a.client, client.Request{Method: http.MethodGet, Path: path, Query: query})
}

// list gets a list whose entries a caller tells apart. One that lacks what identifies it makes the whole answer an error: taken
// for an object that nobody knows, it would stand for one that is missing.
func list[T interface{ missing() string }](ctx context.Context, a *API, path string, query url.Values) ([]T, error) {
	all, err := get[[]T](ctx, a, path, query)
	if err != nil {
		return nil, err
	}
	for i, entry := range all {
		if what := entry.missing(); what != "" {
			return nil, fmt.Errorf("GET %s: entry %d of %d has no %s", path, i+1, len(all), what)
		}
	}
	return all, nil
}

// missing gives the first name of pairs of a name and a value whose value is empty.
func missing(pairs ...string) string {
	for pair := range slices.Chunk(pairs, 2) {
		if name, value := pair[0], pair[len(pair)-1]; value == "" {
			return name
		}
	}
	return ""
}

func post[T any](ctx context.Context, a *API, path string, body any) (T, error) {
	return client.Call[T](ctx, a.client, client.Request{Method: http.MethodPost, Path: path, Body: body})
}

// create sends a creation. An answer that has no id of what was made leaves open whether anything was; see client.Ambiguous.
func create[T any](ctx context.Context, a *API, path string, body any, id func(T) string) (T, error) {
	made, err := post[T](ctx, a, path, body)
	if err == nil && id(made) == "" {
		err = withoutID(http.MethodPost, path)
	}
	return made, err
}

func withoutID(method, path string) error {
	return &client.ReplyError{Method: method, Path: path, URL: path, Status: http.StatusOK, Reason: "the answer has no id"}
}

func patch[T any](ctx context.Context, a *API, path string, body any) (T, error) {
	return client.Call[T](ctx, a.client, client.Request{Method: http.MethodPatch, Path: path, Body: body, OptionalResult: true})
}

// remove sends a DELETE, whose answer has no result and sometimes no body either.
func (a *API) remove(ctx context.Context, path string) error {
	_, err := a.client.Do(ctx, client.Request{Method: http.MethodDelete, Path: path})
	return err
}
