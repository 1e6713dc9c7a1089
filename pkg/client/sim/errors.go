package sim

import (
	"cmp"
	"fmt"
	"net/http"
	"time"
)

// apiError is a refusal as the API words it: the HTTP status and the whole error text, code word included.
type apiError struct {
	status int
	text   string
	// resetAfter is the value of X-RateLimit-Reset; only a 429 has one.
	resetAfter time.Duration
}

func (e *apiError) Error() string { return e.text }

// codeWords open the error texts of the API.
var codeWords = map[int]string{
	http.StatusBadRequest:          "BAD_REQUEST",
	http.StatusUnauthorized:        "UNAUTHORIZED",
	http.StatusForbidden:           "FORBIDDEN",
	http.StatusNotFound:            "NOT_FOUND",
	http.StatusConflict:            "CONFLICT",
	http.StatusUnprocessableEntity: "UNPROCESSABLE_ENTITY",
	http.StatusFailedDependency:    "FAILED_DEPENDENCY",
	http.StatusTooManyRequests:     "TOO_MANY_REQUESTS",
}

// refuse makes an error with the code word that belongs to status.
func refuse(status int, format string, args ...any) error {
	word, ok := codeWords[status]
	if !ok {
		word = "INTERNAL_ERROR"
	}
	return &apiError{status: status, text: word + ": " + fmt.Sprintf(format, args...)}
}

func badRequest(format string, args ...any) error {
	return refuse(http.StatusBadRequest, format, args...)
}

func conflict(format string, args ...any) error { return refuse(http.StatusConflict, format, args...) }

func notFound(id string) error { return refuse(http.StatusNotFound, "%s", id) }

// unless gives the error for a rule whose status is a knob: nil when the knob says 200, else a refusal with the knob's status
// or, when the knob is not set, with the standard one.
func unless(knob, standard int, format string, args ...any) error {
	status := cmp.Or(knob, standard)
	if status == http.StatusOK {
		return nil
	}
	return refuse(status, format, args...)
}
