package client_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/orgctl/orgctl/pkg/client"
)

// errorFrom returns what the client makes of one error answer to a DELETE.
func errorFrom(t *testing.T, status int, body string) error {
	t.Helper()
	c := newClient(t, "https://api.example.com", client.WithTransport(&script{replies: []reply{answer(status, body)}}), client.WithTick(0))
	_, err := c.Do(t.Context(), client.Request{Method: "DELETE", Path: "/v1/things/1"})
	return err
}

func TestErrorFromAnswer(t *testing.T) {
	for _, c := range []struct {
		name   string
		status int
		body   string
		want   client.Error // without method and path
		text   string
	}{
		{
			"code and colon", 400, `{"status":400,"error":"BAD_REQUEST: request body.tags is an array.","requestId":"r-9"}`,
			client.Error{Status: 400, Code: "BAD_REQUEST", Message: "request body.tags is an array.", RequestID: "r-9"},
			"400 BAD_REQUEST: request body.tags is an array. (DELETE /v1/things/1, request r-9)",
		},
		{
			"code without colon", 400, `{"status":400,"error":"BAD_REQUEST length is too small: 8 < 20"}`,
			client.Error{Status: 400, Code: "BAD_REQUEST", Message: "length is too small: 8 < 20"},
			"400 BAD_REQUEST: length is too small: 8 < 20 (DELETE /v1/things/1)",
		},
		{
			"code alone", 403, `{"requestId":"r-9","error":"FORBIDDEN","status":403}`,
			client.Error{Status: 403, Code: "FORBIDDEN", RequestID: "r-9"},
			"403 FORBIDDEN (DELETE /v1/things/1, request r-9)",
		},
		{
			"sentence", 400, `{"status":400,"error":"Organization has migrated to Custom Roles. Use 'assignedRoleIds' instead of 'role'."}`,
			client.Error{Status: 400, Message: "Organization has migrated to Custom Roles. Use 'assignedRoleIds' instead of 'role'."},
			"400 Bad Request: Organization has migrated to Custom Roles. Use 'assignedRoleIds' instead of 'role'. (DELETE /v1/things/1)",
		},
		{
			"short capitals", 409, `{"error":"IP list is busy"}`,
			client.Error{Status: 409, Message: "IP list is busy"},
			"409 Conflict: IP list is busy (DELETE /v1/things/1)",
		},
		{
			"gateway text", 502, "Bad Gateway\n",
			client.Error{Status: 502, Message: "Bad Gateway"},
			"502: Bad Gateway (DELETE /v1/things/1)",
		},
		{
			"gateway page", 503, "<html><body>down</body></html>",
			client.Error{Status: 503},
			"503 Service Unavailable (DELETE /v1/things/1)",
		},
		{
			"nothing", 500, "",
			client.Error{Status: 500},
			"500 Internal Server Error (DELETE /v1/things/1)",
		},
		{
			"JSON of another shape", 422, `{"detail":"no"}`,
			client.Error{Status: 422, Message: `{"detail":"no"}`},
			`422 Unprocessable Entity: {"detail":"no"} (DELETE /v1/things/1)`,
		},
		{
			"members of another type", 400, `{"status":"400","requestId":7,"error":"CONFLICT: busy"}`,
			client.Error{Status: 400, Code: "CONFLICT", Message: "busy"},
			"400 CONFLICT: busy (DELETE /v1/things/1)",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := errorFrom(t, c.status, c.body)
			var got *client.Error
			if !errors.As(err, &got) {
				t.Fatalf("error %v (%T), want an *Error", err, err)
			}
			c.want.Method, c.want.Path = "DELETE", "/v1/things/1"
			if diff := cmp.Diff(&c.want, got); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(c.text, err.Error()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestErrorSentinels(t *testing.T) {
	sentinels := map[int]error{
		400: client.ErrBadRequest, 401: client.ErrUnauthorized, 403: client.ErrForbidden,
		404: client.ErrNotFound, 409: client.ErrConflict, 429: client.ErrRateLimited,
	}
	for _, status := range []int{400, 401, 403, 404, 409, 429, 500} {
		err := fmt.Errorf("delete thing: %w", errorFrom(t, status, `{"error":"text"}`))
		for of, sentinel := range sentinels {
			if got, want := errors.Is(err, sentinel), of == status; got != want {
				t.Errorf("status %d: errors.Is(%q) = %t, want %t", status, sentinel, got, want)
			}
		}
	}
}

func TestErrorTextIsHarmless(t *testing.T) {
	for name, text := range map[string]string{
		"terminal escape":    "\\u001b[2J\\u001b]0;owned\\u0007gone",
		"C1 control":         "\\u009b31m",
		"line breaks":        "one\\r\\ntwo\\nerror: three",
		"bidirectional":      "abc\\u202efdp.exe",
		"zero width":         "a\\u200bb\\ufeff",
		"very long":          strings.Repeat("ä", 100_000),
		"raw escape":         "\x1b[31mred",
		"not UTF-8":          "\xff\xfe\xfd",
		"separators":         "a\\u2028b\\u2029c",
		"escape in the code": "CONFLICT\\u001b[0m: x",
	} {
		for _, body := range []string{`{"error":"` + text + `","requestId":"` + text + `"}`, text} {
			got := errorFrom(t, 400, body).Error()
			if len([]rune(got)) > 800 {
				t.Errorf("%s: %d characters", name, len([]rune(got)))
			}
			if !utf8.ValidString(got) || strings.ContainsAny(got, "\x1b\x07\u009b\r\n\u202e\u200b\ufeff\u2028\u2029") {
				t.Errorf("%s: %q", name, got)
			}
		}
	}
}

func TestAmbiguousOfOtherErrors(t *testing.T) {
	for _, err := range []error{nil, errors.New("x"), client.ErrNotFound, fmt.Errorf("wrap: %w", client.ErrReadOnly)} {
		if client.Ambiguous(err) {
			t.Errorf("Ambiguous(%v) = true", err)
		}
	}
}
