package locktera

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/orgctl/orgctl/pkg/client/sim/internal/stage"
)

// What every simulator has, whatever its API.
type (
	// Fault is a rule by which requests go wrong: of those that match Method and Path (a glob), every one, or those that Nth,
	// Every or Probability pick, at most Count times.
	Fault = stage.Fault
	// RateLimit allows Requests per key in a fixed Window that opens with the first request. The zero value limits nothing.
	RateLimit = stage.RateLimit
	// Request is one entry of the request log.
	Request = stage.Request
	// Duration is a duration that JSON shows as "1m30s".
	Duration = stage.Duration
)

// Config holds everything about the simulated API that a test or a rehearsal may want to bend, in particular whatever the
// documents leave open. The zero value follows the page of the vendor's documentation that describes organizations, and where
// that is silent, the OpenAPI document; it has no delays, no rate limit and no faults. Config is plain data: it round-trips
// through JSON.
type Config struct {
	// RateLimit is documented as 100 requests a minute, and AdminRateLimit, that of keys of an org_admin, as 500. Where the
	// latter is not set, RateLimit holds for all.
	RateLimit      RateLimit `json:"rateLimit,omitzero"`
	AdminRateLimit RateLimit `json:"adminRateLimit,omitzero"`
	// RetryAfter has a 429 say when to come again. No header is documented.
	RetryAfter bool `json:"retryAfter,omitempty"`

	Faults []Fault `json:"faults,omitempty"`
	// Seed makes the faults that fire by probability repeatable.
	Seed int64 `json:"seed,omitempty"`
	// Latency is real time that each request takes before it is handled.
	Latency Duration `json:"latency,omitzero"`
	// Denied withdraws rights that the role of a key's user has.
	Denied []Denial `json:"denied,omitempty"`
	// Meanwhile are changes by somebody else right behind a request, as between the read and the write of an update.
	Meanwhile []Meanwhile `json:"meanwhile,omitempty"`

	// Prefix stands before every path: /api/v1 (if nil), /v1 and none are documented.
	Prefix *string `json:"prefix,omitempty"`
	// TrailingSlash says what becomes of a path that ends in one: refuse (404, the default), accept, or redirect to the path
	// without it.
	TrailingSlash string `json:"trailingSlash,omitempty"`
	// RedirectTo sends every request to another host, where no key should follow.
	RedirectTo string `json:"redirectTo,omitempty"`
	// Superseded leaves of the API what newer documents still have: GET /me.
	Superseded bool `json:"superseded,omitempty"`

	// Shape is the form of replies where Shapes says nothing else: page (the default) or spec.
	Shape  string `json:"shape,omitempty"`
	Shapes Shapes `json:"shapes,omitzero"`
	Lists  Lists  `json:"lists,omitzero"`
	// WriteReplies is what PATCH, PUT and DELETE answer: page (200 and a message), spec (200 and the object, 204 after a
	// deletion), no-content (204) or empty (200 without a body). The default follows Shape. The documents of spec also have a
	// created key answer 201.
	WriteReplies string `json:"writeReplies,omitempty"`
	// NameKey is the field by which PATCH takes the name: name, org_name, or both. The default is the one that replies show.
	NameKey string `json:"nameKey,omitempty"`

	// UnknownFields of a request body: ignore (the default: 200, and nothing changed) or refuse (400).
	UnknownFields string `json:"unknownFields,omitempty"`
	// IgnoredWrites are fields that are taken with a 200 and do not change: name, customizations, customizations.KEY,
	// permissions of keys (which are then born with read alone), or a field of persons.
	IgnoredWrites []string `json:"ignoredWrites,omitempty"`
	// PatchCustomizations and PutCustomizations replace the whole object (the default) or merge into it. PATCH may also
	// ignore them.
	PatchCustomizations string `json:"patchCustomizations,omitempty"`
	PutCustomizations   string `json:"putCustomizations,omitempty"`
	// PutBody is bare (the default) or wrapped: {"customizations": {...}}. A server that wants the bare object takes the
	// wrapped one for an object with that one key.
	PutBody string `json:"putBody,omitempty"`
	// WrappedCustomizations has GET customizations wrap the object.
	WrappedCustomizations bool `json:"wrappedCustomizations,omitempty"`
	// Nulls in customizations: keep (the default), remove the key, or refuse (400).
	Nulls string `json:"nulls,omitempty"`

	// NoRight is the status of what the key may not do: 403 (the default), or 404 as if there were nothing.
	NoRight int `json:"noRight,omitempty"`
	// Errors is the form of refusals: json ({message, code, fields}, the default), text-code (the same with a code that is
	// text), text, html or empty.
	Errors string `json:"errors,omitempty"`

	// SecretField holds the secret in the reply to the creation of a key; no document names it. The default is api_key.
	SecretField string `json:"secretField,omitempty"`
	// Paging honours page and limit in lists, which are ignored otherwise.
	Paging bool `json:"paging,omitempty"`
	// AuditNewData adds new_data to the audit log.
	AuditNewData bool `json:"auditNewData,omitempty"`
	// AuditOwn lists changes of the organization itself in its children_audit, not of those below it alone.
	AuditOwn bool `json:"auditOwn,omitempty"`
	// Envelope is the name of a field in which lists are wrapped; none is documented.
	Envelope string `json:"envelope,omitempty"`
	// OmittedFields are left out of every object of a reply; no field is documented as always there.
	OmittedFields []string `json:"omittedFields,omitempty"`
	// StoreFields lets fields of the vendor's database (_etag and the like) into organizations and customizations.
	StoreFields bool `json:"storeFields,omitempty"`
	// FutureFields adds a field that no document knows to every object of a reply.
	FutureFields bool `json:"futureFields,omitempty"`
}

// Shapes are the forms of single replies, page or spec; empty means Config.Shape.
type Shapes struct {
	// Organization is {id, name, created_at, customizations}, or {id, root_org_id, parent_org_id, org_name, role, ...}, or both
	// at once.
	Organization string `json:"organization,omitempty"`
	// AccessLog has {timestamp, user (an e-mail), action, status} or {org_id, timestamp, user (an id), action (lower-case), ip}.
	AccessLog string `json:"accessLog,omitempty"`
	// APIKeys are {id, name, created_at, permissions} or {key_id, org_id, created_at, permissions}.
	APIKeys string `json:"apiKeys,omitempty"`
	// Tags are {id, name, created_at} or plain strings.
	Tags string `json:"tags,omitempty"`
}

// Lists says what the documents show now as an array and now as one object: array or object, the latest. The default is array
// for the logs, object for the logs in the shape of spec and for consumption.
type Lists struct {
	AccessLog     string `json:"accessLog,omitempty"`
	ChildrenAudit string `json:"childrenAudit,omitempty"`
	Consumption   string `json:"consumption,omitempty"`
}

// Denial refuses matching requests, as a role without the right would.
type Denial struct {
	// Key is the name of the API key; empty means every key.
	Key string `json:"key,omitempty"`
	// Method is an HTTP method; empty means every method.
	Method string `json:"method,omitempty"`
	// Path is a glob over the request path, as in a fault rule.
	Path string `json:"path"`
}

// Meanwhile is an Edit that happens once, behind the Nth request (if 0, the first) that matches Method and Path.
type Meanwhile struct {
	Method string `json:"method,omitempty"`
	Path   string `json:"path,omitempty"`
	Nth    int    `json:"nth,omitempty"`
	Edit   Edit   `json:"edit"`
}

// The values that the settings know, defaults first.
const (
	page, spec, both                   = "page", "spec", "both"
	array, object                      = "array", "object"
	noContent, empty                   = "no-content", "empty"
	nameField, orgNameField            = "name", "org_name"
	refuseIt, acceptIt, redirectIt     = "refuse", "accept", "redirect"
	ignoreIt, replaceIt, mergeIt       = "ignore", "replace", "merge"
	bare, wrapped                      = "bare", "wrapped"
	keepIt, removeIt                   = "keep", "remove"
	asJSON, asTextCode, asText, asHTML = "json", "text-code", "text", "html"
	customizationsField                = "customizations"
)

// ignorable are the fields of IgnoredWrites.
var ignorable = []string{nameField, customizationsField, "permissions", "first_name", "last_name", "email", "mobile_phone"}

// Validate reports the first setting that cannot be honoured.
func (c Config) Validate() error {
	for _, known := range []struct {
		setting, value string
		values         []string
	}{
		{"trailingSlash", c.TrailingSlash, []string{refuseIt, acceptIt, redirectIt}},
		{"shape", c.Shape, []string{page, spec}},
		{"shapes.organization", c.Shapes.Organization, []string{page, spec, both}},
		{"shapes.accessLog", c.Shapes.AccessLog, []string{page, spec}},
		{"shapes.apiKeys", c.Shapes.APIKeys, []string{page, spec}},
		{"shapes.tags", c.Shapes.Tags, []string{page, spec}},
		{"lists.accessLog", c.Lists.AccessLog, []string{array, object}},
		{"lists.childrenAudit", c.Lists.ChildrenAudit, []string{array, object}},
		{"lists.consumption", c.Lists.Consumption, []string{array, object}},
		{"writeReplies", c.WriteReplies, []string{page, spec, noContent, empty}},
		{"nameKey", c.NameKey, []string{nameField, orgNameField, both}},
		{"unknownFields", c.UnknownFields, []string{ignoreIt, refuseIt}},
		{"patchCustomizations", c.PatchCustomizations, []string{replaceIt, mergeIt, ignoreIt}},
		{"putCustomizations", c.PutCustomizations, []string{replaceIt, mergeIt}},
		{"putBody", c.PutBody, []string{bare, wrapped}},
		{"nulls", c.Nulls, []string{keepIt, removeIt, refuseIt}},
		{"errors", c.Errors, []string{asJSON, asTextCode, asText, asHTML, empty}},
	} {
		if known.value != "" && !slices.Contains(known.values, known.value) {
			return fmt.Errorf("%s: %q is not one of %s", known.setting, known.value, strings.Join(known.values, ", "))
		}
	}
	if c.NoRight != 0 && c.NoRight != http.StatusForbidden && c.NoRight != http.StatusNotFound {
		return fmt.Errorf("noRight: %d is neither 403 nor 404", c.NoRight)
	}
	if p := c.prefix(); p != "" && (!strings.HasPrefix(p, "/") || strings.HasSuffix(p, "/")) {
		return fmt.Errorf("prefix: %q does not begin with a slash, or ends with one", p)
	}
	if u, err := url.Parse(c.RedirectTo); c.RedirectTo != "" && (err != nil || u.Host == "") {
		return fmt.Errorf("redirectTo: %q is not a URL", c.RedirectTo)
	}
	for _, field := range c.IgnoredWrites {
		if !slices.Contains(ignorable, field) && !strings.HasPrefix(field, customizationsField+".") {
			return fmt.Errorf("ignoredWrites: %q is not one of %s, customizations.KEY", field, strings.Join(ignorable, ", "))
		}
	}
	for i, m := range c.Meanwhile {
		if _, ok := editors[m.Edit.Kind]; !ok {
			return fmt.Errorf("meanwhile[%d]: unknown kind %q of edit; there are %s", i, m.Edit.Kind, strings.Join(slices.Sorted(maps.Keys(editors)), ", "))
		}
	}
	return errors.Join(stage.ValidateFaults(c.Faults), c.RateLimit.Validate(), c.AdminRateLimit.Validate())
}

func (c Config) prefix() string {
	if c.Prefix == nil {
		return "/api/v1"
	}
	return *c.Prefix
}

func (c Config) shape(of string) string { return cmp.Or(of, c.Shape, page) }

func (c Config) writeReplies() string { return cmp.Or(c.WriteReplies, c.Shape, page) }

// list tells whether one of Lists, of a reply that comes in a shape, is an array.
func (c Config) list(of, shape string) bool {
	if of == "" {
		return shape == page
	}
	return of == array
}

// takesName tells whether PATCH knows a field as the name.
func (c Config) takesName(field string) bool {
	key := c.NameKey
	if key == "" {
		key = map[string]string{page: nameField, spec: orgNameField, both: both}[c.shape(c.Shapes.Organization)]
	}
	return key == both || key == field
}

func (c Config) ignores(field string) bool { return slices.Contains(c.IgnoredWrites, field) }

func (c Config) rateLimit(role string) RateLimit {
	if role == roleOrgAdmin && c.AdminRateLimit.Requests > 0 {
		return c.AdminRateLimit
	}
	return c.RateLimit
}

func (c Config) latency() time.Duration { return time.Duration(c.Latency) }
