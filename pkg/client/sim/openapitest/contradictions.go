package openapitest

import (
	"net/http"
	"slices"
	"strings"
)

// Contradiction is a place where the API is known to behave otherwise than its document says.
type Contradiction struct {
	Name   string
	Reason string
	// explains tells whether a violation is this contradiction.
	explains func(Violation) bool
}

// Contradictions are all of them. An entry excuses exactly what it describes.
var Contradictions = []Contradiction{
	{
		Name:   "undeclared-statuses",
		Reason: "the document declares 200, 400 and 500 only; credentials, permissions, unknown ids, conflicts, rate limits and gateways answer with their own",
		explains: func(v Violation) bool {
			return v.Where == "status" && slices.Contains([]int{
				http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusConflict,
				http.StatusFailedDependency, http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable,
			}, v.Status)
		},
	},
	{
		Name:   "gateway-errors-are-text",
		Reason: "a gateway in front of the API answers 502 and 503 in plain text",
		explains: func(v Violation) bool {
			return v.Where == "body" && (v.Status == http.StatusBadGateway || v.Status == http.StatusServiceUnavailable)
		},
	},
	{
		Name:   "empty-delete-body",
		Reason: "some deletes answer with no body at all",
		explains: func(v Violation) bool {
			return v.Method == http.MethodDelete && v.Status == http.StatusOK && v.Where == "body" && v.Problem == "it is empty"
		},
	},
	{
		Name:   "backup-configuration-null",
		Reason: "null resets a property of the backup configuration, though the document types them as number and string",
		explains: func(v Violation) bool {
			return v.Method == http.MethodPatch && strings.HasSuffix(v.Template, "/backupConfiguration") && v.Status == 0 &&
				strings.HasSuffix(v.Problem, "but got null")
		},
	},
	{
		Name:   "key-expiry-empty",
		Reason: "an empty expireAt means never, though the document asks for a date-time",
		explains: func(v Violation) bool {
			return strings.Contains(v.Template, "/keys") && v.Status == 0 && v.Where == "/expireAt" && strings.HasPrefix(v.Problem, "'' is not valid")
		},
	},
	{
		Name:   "empty-tag-value",
		Reason: "a tag value may be 0 characters long, yet its pattern asks for one at least",
		explains: func(v Violation) bool {
			return v.Status == 0 && strings.HasPrefix(v.Where, "/tags/") && strings.HasSuffix(v.Where, "/value") && strings.HasPrefix(v.Problem, "does not match pattern")
		},
	},
	{
		Name:   "user-ids-of-saml",
		Reason: "users of single sign-on have ids that are no UUID",
		explains: func(v Violation) bool {
			return v.Where == "path userId"
		},
	},
	{
		Name:   "activity-dates",
		Reason: "the activity log takes plain dates besides date-times",
		explains: func(v Violation) bool {
			return strings.HasSuffix(v.Template, "/activities") && (v.Where == "query from_date" || v.Where == "query to_date")
		},
	},
}
