package locktera

import (
	"cmp"
	"errors"
	"fmt"
	"html"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/orgctl/orgctl/pkg/client/sim/internal/stage"
)

// apiError is a refusal: fields say what is wrong with single fields of a request body.
type apiError struct {
	status  int
	message string
	fields  map[string]string
	wait    time.Duration // until a rate-limit window ends; only a 429 has one
}

func (e *apiError) Error() string { return e.message }

func refuse(status int, format string, args ...any) error {
	return &apiError{status: status, message: fmt.Sprintf(format, args...)}
}

func badRequest(format string, args ...any) error {
	return refuse(http.StatusBadRequest, format, args...)
}

// badField is a request body with something wrong in one field.
func badField(name, format string, args ...any) error {
	return &apiError{
		status: http.StatusBadRequest, message: "Validation failed", fields: map[string]string{name: fmt.Sprintf(format, args...)},
	}
}

var errNotFound = &apiError{status: http.StatusNotFound, message: "Resource not found"}

// failure words an error as the configuration has it.
func (c Config) failure(err error) stage.Reply {
	refused := &apiError{status: http.StatusInternalServerError, message: err.Error()}
	if known := (*apiError)(nil); errors.As(err, &known) {
		refused = known
	}
	rep := c.refusal(refused)
	if c.RetryAfter && refused.wait > 0 {
		rep.Header.Set("Retry-After", strconv.Itoa(int((refused.wait+time.Second-1)/time.Second)))
	}
	return rep
}

func (c Config) refusal(refused *apiError) stage.Reply {
	var code any = refused.status
	switch cmp.Or(c.Errors, asJSON) {
	case asText:
		return stage.NewReply(refused.status, "text/plain; charset=utf-8", []byte(refused.message))
	case asHTML:
		body := "<!DOCTYPE html><title>Error</title><h1>" + html.EscapeString(refused.message) + "</h1>\n"
		return stage.NewReply(refused.status, "text/html; charset=utf-8", []byte(body))
	case empty:
		return stage.NewReply(refused.status, "application/json; charset=utf-8", nil)
	case asTextCode:
		code = strings.ToUpper(strings.ReplaceAll(http.StatusText(refused.status), " ", "_"))
	}
	return stage.JSON(refused.status, struct {
		Message string            `json:"message"`
		Code    any               `json:"code"`
		Fields  map[string]string `json:"fields,omitempty"`
	}{refused.message, code, refused.fields})
}
