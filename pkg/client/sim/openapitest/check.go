package openapitest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/santhosh-tekuri/jsonschema/v5"
)

// Violation is one way in which an exchange departs from the document.
type Violation struct {
	Method, Template string // of the operation; Template is the request path when there is none
	Status           int    // of the reply; 0 in a request
	Where            string // JSON pointer into the body, or the name of a parameter
	Problem          string
}

func (v Violation) Error() string {
	side := "request"
	if v.Status != 0 {
		side = "reply " + strconv.Itoa(v.Status)
	}
	return fmt.Sprintf("%s %s: %s: %s: %s", v.Method, v.Template, side, v.Where, v.Problem)
}

// exchange is one request and its reply.
type exchange struct {
	method      string
	url         *url.URL
	requestType string
	request     []byte
	status      int
	replyType   string
	reply       []byte
}

// check gives the violations of an exchange that no contradiction explains.
func (c *Checker) check(x exchange) []error {
	op, params, pathKnown := c.find(x.method, x.url.EscapedPath())
	if op.method == "" {
		problem := "the document has no such path"
		if pathKnown {
			problem = "the document has no such method on this path"
		}
		return []error{Violation{Method: x.method, Template: x.url.EscapedPath(), Where: "route", Problem: problem}}
	}
	found := c.checkParameters(op, params, x)
	found = append(found, c.checkRequest(op, x)...)
	found = append(found, c.checkReply(op, x)...)
	var left []error
	for _, v := range found {
		v.Method, v.Template = op.method, op.template
		if !slices.ContainsFunc(Contradictions, func(k Contradiction) bool { return k.explains(v) }) {
			left = append(left, v)
		}
	}
	return left
}

// refused tells that the server found the request itself wrong: then it may well be wrong, and on purpose.
func (x exchange) refused() bool { return x.status == http.StatusBadRequest }

func (c *Checker) checkParameters(op operation, params map[string]string, x exchange) []Violation {
	if x.refused() {
		return nil
	}
	var found []Violation
	query := x.url.Query()
	for _, p := range op.parameters {
		switch p.in {
		case "path":
			found = append(found, c.validate(p.schema, params[p.name], 0, "path "+p.name)...)
		case "query":
			found = append(found, c.checkQuery(p, query)...)
		}
	}
	for name := range query {
		if !slices.ContainsFunc(op.parameters, func(p parameter) bool { return p.in == "query" && p.name == name }) {
			found = append(found, Violation{Where: "query " + name, Problem: "the document has no such parameter"})
		}
	}
	return found
}

func (c *Checker) checkQuery(p parameter, query url.Values) []Violation {
	values, given := query[p.name]
	if !given {
		if p.required {
			return []Violation{{Where: "query " + p.name, Problem: "it is required"}}
		}
		return nil
	}
	// A parameter of type array repeats, any other stands once.
	list := make([]any, len(values))
	for i, v := range values {
		list[i] = v
	}
	asList := c.validate(p.schema, list, 0, "query "+p.name)
	if len(asList) == 0 {
		return nil
	}
	if len(values) > 1 {
		return asList
	}
	return c.validate(p.schema, values[0], 0, "query "+p.name)
}

func (c *Checker) checkRequest(op operation, x exchange) []Violation {
	if len(x.request) == 0 {
		return nil
	}
	if len(op.request) == 0 {
		return []Violation{{Where: "body", Problem: "the document has no request body here"}}
	}
	schema, ok := op.request[mediaType(x.requestType)]
	if !ok {
		return []Violation{{Where: "body", Problem: "undeclared media type " + x.requestType}}
	}
	if x.refused() {
		return nil
	}
	return c.validateJSON(schema, x.request, 0)
}

func (c *Checker) checkReply(op operation, x exchange) []Violation {
	content, declared := op.responses[strconv.Itoa(x.status)]
	var found []Violation
	if !declared {
		found = append(found, Violation{Status: x.status, Where: "status", Problem: "the document does not declare it"})
		content = op.responses[strconv.Itoa(http.StatusBadRequest)]
	}
	if len(x.reply) == 0 {
		if len(content) > 0 {
			if _, text := content["text/plain"]; !text {
				found = append(found, Violation{Status: x.status, Where: "body", Problem: "it is empty"})
			}
		}
		return found
	}
	kind := mediaType(x.replyType)
	schema, ok := content[kind]
	switch {
	case !ok:
		found = append(found, Violation{Status: x.status, Where: "body", Problem: "undeclared media type " + x.replyType})
	case kind == "application/json":
		found = append(found, c.validateJSON(schema, x.reply, x.status)...)
	default:
		found = append(found, c.validate(schema, string(x.reply), x.status, "body")...)
	}
	return found
}

func mediaType(header string) string {
	kind, _, err := mime.ParseMediaType(header)
	if err != nil {
		return header
	}
	return kind
}

func (c *Checker) validateJSON(schema string, body []byte, status int) []Violation {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	var value any
	if err := dec.Decode(&value); err != nil {
		return []Violation{{Status: status, Where: "body", Problem: err.Error()}}
	}
	return c.validate(schema, value, status, "")
}

// validate gives the leaf errors of a value; the others only say that something inside them is wrong.
func (c *Checker) validate(at string, value any, status int, where string) []Violation {
	schema, err := c.schema(at)
	if err != nil {
		return []Violation{{Status: status, Where: where, Problem: err.Error()}}
	}
	err = schema.Validate(value)
	if err == nil {
		return nil
	}
	var invalid *jsonschema.ValidationError
	if !errors.As(err, &invalid) {
		return []Violation{{Status: status, Where: where, Problem: err.Error()}}
	}
	var found []Violation
	var walk func(*jsonschema.ValidationError)
	walk = func(e *jsonschema.ValidationError) {
		for _, cause := range e.Causes {
			walk(cause)
		}
		if len(e.Causes) == 0 {
			found = append(found, Violation{Status: status, Where: where + e.InstanceLocation, Problem: e.Message})
		}
	}
	walk(invalid)
	return found
}
