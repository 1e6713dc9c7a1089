package openapitest_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orgctl/orgctl/pkg/client/sim/openapitest"
)

// document is a small API of every shape that closing has to handle.
const document = `{
  "openapi": "3.1.2",
  "paths": {
    "/v1/things": {
      "get": {
        "parameters": [
          {"in": "query", "name": "since", "schema": {"type": "string", "format": "date-time"}},
          {"in": "query", "name": "tag", "schema": {"type": "array", "items": {"type": "string"}}},
          {"in": "query", "name": "kind", "required": true, "schema": {"type": "string", "enum": ["a", "b"]}}
        ],
        "responses": {"200": {"content": {"text/plain": {"schema": {"type": "string"}}}}}
      },
      "post": {
        "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}}},
        "responses": {
          "200": {"content": {"application/json": {"schema": {"type": "object", "properties": {"result": {"$ref": "#/components/schemas/Thing"}}}}}},
          "400": {"content": {"application/json": {"schema": {"type": "object", "properties": {"error": {"type": "string"}}}}}}
        }
      }
    },
    "/v1/things/{thingId}": {
      "parameters": [{"in": "path", "name": "thingId", "required": true, "schema": {"type": "string", "format": "uuid"}}],
      "delete": {"responses": {"200": {"content": {"application/json": {"schema": {"type": "object", "properties": {"status": {"type": "number"}}}}}}}}
    }
  },
  "components": {"schemas": {
    "Thing": {"properties": {
      "name": {"type": "string"},
      "inner": {"properties": {"size": {"type": "integer"}}},
      "labels": {"type": "object", "additionalProperties": {"type": "string"}},
      "list": {"items": {"type": "string"}},
      "parts": {"items": {"$ref": "#/components/schemas/Thing"}},
      "whole": {"allOf": [{"$ref": "#/components/schemas/Half"}, {"properties": {"right": {"type": "string"}}}]},
      "either": {"oneOf": [{"$ref": "#/components/schemas/Half"}, {"type": "string"}]}
    }},
    "Half": {"type": "object", "properties": {"left": {"type": "string"}}}
  }}
}`

// exchange is a request and the reply a server gives to it.
type exchange struct {
	method, target, request string
	status                  int
	contentType, reply      string
}

const jsonType = "application/json; charset=utf-8"

func load(t *testing.T) *openapitest.Checker {
	t.Helper()
	path := filepath.Join(t.TempDir(), "openapi.json")
	if err := os.WriteFile(path, []byte(document), 0o600); err != nil {
		t.Fatal(err)
	}
	check, err := openapitest.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	return check
}

func TestChecker(t *testing.T) {
	const post, ok = "POST", `{}`
	tests := map[string]struct {
		exchange exchange
		want     []string // places of the violations
	}{
		"good":                        {exchange{post, "/v1/things", `{"name":"x","inner":{"size":3}}`, 200, jsonType, `{"result":{"name":"x"}}`}, nil},
		"unknown path":                {exchange{"GET", "/v1/others", "", 200, jsonType, ok}, []string{"route"}},
		"unknown method":              {exchange{"PUT", "/v1/things", "", 200, jsonType, ok}, []string{"route"}},
		"unknown property in request": {exchange{post, "/v1/things", `{"nom":"x"}`, 200, jsonType, ok}, []string{""}},
		"unknown property deep":       {exchange{post, "/v1/things", `{"inner":{"sise":3}}`, 200, jsonType, ok}, []string{"/inner"}},
		"unknown property in reply":   {exchange{post, "/v1/things", ok, 200, jsonType, `{"result":{"nom":"x"}}`}, []string{"/result"}},
		"unknown envelope property":   {exchange{post, "/v1/things", ok, 200, jsonType, `{"extra":1}`}, []string{""}},
		"wrong type":                  {exchange{post, "/v1/things", `{"name":3}`, 200, jsonType, ok}, []string{"/name"}},
		"map stays open":              {exchange{post, "/v1/things", `{"labels":{"any":"x"}}`, 200, jsonType, ok}, nil},
		"allOf is one object":         {exchange{post, "/v1/things", `{"whole":{"left":"l","right":"r"}}`, 200, jsonType, ok}, nil},
		"allOf is closed":             {exchange{post, "/v1/things", `{"whole":{"left":"l","up":"u"}}`, 200, jsonType, ok}, []string{"/whole/up"}},
		"oneOf member is closed":      {exchange{post, "/v1/things", `{"either":{"up":"u"}}`, 200, jsonType, ok}, []string{"/either", "/either"}},
		"refused request":             {exchange{post, "/v1/things", `{"nom":"x"}`, 400, jsonType, `{"error":"no"}`}, nil},
		"unknown property in error":   {exchange{post, "/v1/things", ok, 400, jsonType, `{"issue":"no"}`}, []string{""}},
		"undeclared status":           {exchange{post, "/v1/things", ok, 418, jsonType, `{"error":"no"}`}, []string{"status"}},
		"known undeclared status":     {exchange{post, "/v1/things", ok, 409, jsonType, `{"error":"no"}`}, nil},
		"undeclared media type":       {exchange{post, "/v1/things", ok, 200, "text/html", `<p>`}, []string{"body"}},
		"empty reply":                 {exchange{post, "/v1/things", ok, 200, jsonType, ""}, []string{"body"}},
		"empty delete":                {exchange{"DELETE", "/v1/things/0d2f5e9a-6b2c-4c57-9d0e-0a4c1c9a4d11", "", 200, jsonType, ""}, nil},
		"path parameter":              {exchange{"DELETE", "/v1/things/7", "", 200, jsonType, ok}, []string{"path thingId"}},
		"body on a delete":            {exchange{"DELETE", "/v1/things/0d2f5e9a-6b2c-4c57-9d0e-0a4c1c9a4d11", `{}`, 200, jsonType, ok}, []string{"body"}},
		"plain text":                  {exchange{"GET", "/v1/things?kind=a", "", 200, "text/plain; charset=utf-8", "up 1"}, nil},
		"empty plain text":            {exchange{"GET", "/v1/things?kind=a", "", 200, "text/plain; charset=utf-8", ""}, nil},
		"missing query parameter":     {exchange{"GET", "/v1/things", "", 200, "text/plain", "up 1"}, []string{"query kind"}},
		"unknown query parameter":     {exchange{"GET", "/v1/things?kind=a&kid=b", "", 200, "text/plain", "up 1"}, []string{"query kid"}},
		"query enum":                  {exchange{"GET", "/v1/things?kind=c", "", 200, "text/plain", "up 1"}, []string{"query kind"}},
		"query format":                {exchange{"GET", "/v1/things?kind=a&since=now", "", 200, "text/plain", "up 1"}, []string{"query since"}},
		"repeated query parameter":    {exchange{"GET", "/v1/things?kind=a&tag=x&tag=y", "", 200, "text/plain", "up 1"}, nil},
		"outside the API":             {exchange{"GET", "/_sandbox/state", "", 200, jsonType, ok}, nil},
	}
	check := load(t)
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var got []string
			report := func(err error) {
				var v openapitest.Violation
				if !errors.As(err, &v) {
					t.Fatalf("reported %v", err)
				}
				got = append(got, v.Where)
			}
			x := test.exchange
			server := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", x.contentType)
				w.WriteHeader(x.status)
				_, _ = io.WriteString(w, x.reply)
			})

			req := newRequest(t, x)
			check.Middleware(server, report).ServeHTTP(httptest.NewRecorder(), req)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("Middleware reports (-want +got):\n%s", diff)
			}

			got = nil
			inner := transport(func(r *http.Request) (*http.Response, error) {
				rec := httptest.NewRecorder()
				server.ServeHTTP(rec, r)
				return rec.Result(), nil
			})
			resp, err := check.RoundTripper(inner, report).RoundTrip(newRequest(t, x))
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = resp.Body.Close() }()
			reply, err := io.ReadAll(resp.Body)
			if err != nil || string(reply) != x.reply {
				t.Errorf("RoundTripper passes on %q, %v; want %q", reply, err, x.reply)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("RoundTripper reports (-want +got):\n%s", diff)
			}
		})
	}
}

// TestOperations lists what the document has, with the fields of bodies through references, lists and what is composed.
func TestOperations(t *testing.T) {
	want := []openapitest.Operation{
		{Method: "GET", Template: "/v1/things"},
		{Method: "POST", Template: "/v1/things", Fields: []string{"either", "either.left", "inner.size", "labels", "list", "name", "parts", "whole.left", "whole.right"}},
		{Method: "DELETE", Template: "/v1/things/{thingId}"},
	}
	if diff := cmp.Diff(want, load(t).Operations()); diff != "" {
		t.Error(diff)
	}
}

func newRequest(t *testing.T, x exchange) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), x.method, "http://localhost"+x.target, strings.NewReader(x.request))
	if err != nil {
		t.Fatal(err)
	}
	if x.request != "" {
		req.Header.Set("Content-Type", jsonType)
	}
	return req
}

type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestRoundTripperPassesBrokenRepliesOn has a reply end early: the client has to see that, and the checker nothing.
func TestRoundTripperPassesBrokenRepliesOn(t *testing.T) {
	inner := transport(func(*http.Request) (*http.Response, error) {
		body := io.NopCloser(io.MultiReader(strings.NewReader(`{"res`), errReader{}))
		return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {jsonType}}, Body: body}, nil
	})
	rt := load(t).RoundTripper(inner, func(err error) { t.Errorf("reported %v", err) })
	resp, err := rt.RoundTrip(newRequest(t, exchange{method: "POST", target: "/v1/things", request: `{}`}))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	reply, err := io.ReadAll(resp.Body)
	if string(reply) != `{"res` || err == nil {
		t.Errorf("read %q, %v; want the first bytes and an error", reply, err)
	}
}

type errReader struct{}

func (errReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestLoadRefuses(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{"text.json": "no JSON", "empty.json": "{}"} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := openapitest.Load(path); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("Load(%s) = %v, want an error that names the file", name, err)
		}
	}
	if _, err := openapitest.Load(filepath.Join(dir, "absent.json")); err == nil {
		t.Error("Load of an absent file succeeds")
	}
}

// TestContradictionsAreNamed keeps the list readable: each entry has a name of its own and says why.
func TestContradictionsAreNamed(t *testing.T) {
	names := make([]string, 0, len(openapitest.Contradictions))
	for _, k := range openapitest.Contradictions {
		names = append(names, k.Name)
		if k.Reason == "" {
			t.Errorf("contradiction %q gives no reason", k.Name)
		}
	}
	slices.Sort(names)
	if diff := cmp.Diff(slices.Compact(slices.Clone(names)), names); diff != "" {
		t.Errorf("names repeat:\n%s", diff)
	}
}
