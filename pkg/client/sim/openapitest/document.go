// Package openapitest checks HTTP exchanges against an OpenAPI 3.1 document, stricter than the document itself: every object is
// closed, so that a property the document does not name is an error, and operations, statuses and media types must be declared.
//
// The document is never part of the project; callers name a copy of it. Where the API is known to contradict its document, the
// deviation is listed by name in Contradictions and nowhere else.
package openapitest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v5"
)

// Checker checks exchanges against one document. It is safe for concurrent use.
type Checker struct {
	operations []operation

	mu       sync.Mutex
	compiler *jsonschema.Compiler
	schemas  map[string]*jsonschema.Schema
}

type operation struct {
	method, template string
	segments         []string
	parameters       []parameter
	fields           []string                     // of its JSON request body
	request          map[string]string            // media type to schema location
	responses        map[string]map[string]string // status to media type to schema location
}

type parameter struct {
	name, in string
	required bool
	schema   string
}

const resource = "mem:///openapi.json"

// Load reads the document at path.
func Load(path string) (*Checker, error) {
	data, err := os.ReadFile(path) //nolint:gosec // the caller names the file
	if err != nil {
		return nil, fmt.Errorf("load OpenAPI document: %w", err)
	}
	var document map[string]any
	if err := json.Unmarshal(data, &document); err != nil {
		return nil, fmt.Errorf("load OpenAPI document %s: %w", path, err)
	}
	c, err := newChecker(document)
	if err != nil {
		return nil, fmt.Errorf("load OpenAPI document %s: %w", path, err)
	}
	return c, nil
}

func newChecker(document map[string]any) (*Checker, error) {
	closed := closeDocument(document)
	text, err := json.Marshal(closed)
	if err != nil {
		return nil, err
	}
	compiler := jsonschema.NewCompiler()
	compiler.Draft = jsonschema.Draft2020
	compiler.AssertFormat = true
	if err := compiler.AddResource(resource, bytes.NewReader(text)); err != nil {
		return nil, err
	}
	c := &Checker{compiler: compiler, schemas: map[string]*jsonschema.Schema{}}
	paths, _ := closed["paths"].(map[string]any)
	for _, template := range slices.Sorted(maps.Keys(paths)) {
		c.readPath(template, paths[template])
	}
	for i, op := range c.operations {
		path := object(object(document["paths"])[op.template])
		c.operations[i].fields = fieldsOf(document, path[strings.ToLower(op.method)])
	}
	if len(c.operations) == 0 {
		return nil, fmt.Errorf("it has no operations")
	}
	return c, nil
}

func (c *Checker) readPath(template string, item any) {
	at := location{"paths", template}
	members := object(item)
	for _, method := range []string{"get", "post", "put", "patch", "delete"} {
		described, ok := members[method]
		if !ok {
			continue
		}
		operationAt := append(slices.Clone(at), method)
		op := operation{
			method: strings.ToUpper(method), template: template, segments: strings.Split(template, "/"),
			responses: map[string]map[string]string{},
		}
		op.parameters = append(readParameters(members, at), readParameters(object(described), operationAt)...)
		op.request = readContent(object(described)["requestBody"], append(slices.Clone(operationAt), "requestBody"))
		for status, response := range object(object(described)["responses"]) {
			op.responses[status] = readContent(response, append(slices.Clone(operationAt), "responses", status))
		}
		c.operations = append(c.operations, op)
	}
}

func readParameters(owner map[string]any, at location) []parameter {
	list, _ := owner["parameters"].([]any)
	parameters := make([]parameter, 0, len(list))
	for i, entry := range list {
		p := object(entry)
		name, _ := p["name"].(string)
		in, _ := p["in"].(string)
		required, _ := p["required"].(bool)
		schema := append(slices.Clone(at), "parameters", strconv.Itoa(i), "schema")
		parameters = append(parameters, parameter{name, in, required, schema.String()})
	}
	return parameters
}

// readContent gives the schema of each media type of a request body or a response.
func readContent(owner any, at location) map[string]string {
	content := map[string]string{}
	for mediaType, described := range object(object(owner)["content"]) {
		if _, ok := object(described)["schema"]; ok {
			content[mediaType] = append(slices.Clone(at), "content", mediaType, "schema").String()
		}
	}
	return content
}

func object(value any) map[string]any {
	m, _ := value.(map[string]any)
	return m
}

// location is a path of keys into the document.
type location []string

// String is the URL of the place within the document's resource.
func (l location) String() string {
	var pointer strings.Builder
	for _, key := range l {
		key = strings.ReplaceAll(strings.ReplaceAll(key, "~", "~0"), "/", "~1")
		pointer.WriteString("/" + url.PathEscape(key))
	}
	return resource + "#" + pointer.String()
}

// find gives the operation of a request, and whether its path exists under any method.
func (c *Checker) find(method, escapedPath string) (op operation, params map[string]string, pathKnown bool) {
	segments := strings.Split(escapedPath, "/")
	for _, candidate := range c.operations {
		values, ok := candidate.match(segments)
		if !ok {
			continue
		}
		pathKnown = true
		if candidate.method == method {
			return candidate, values, true
		}
	}
	return operation{}, nil, pathKnown
}

func (op operation) match(segments []string) (map[string]string, bool) {
	if len(segments) != len(op.segments) {
		return nil, false
	}
	params := map[string]string{}
	for i, segment := range op.segments {
		if name, isParam := strings.CutPrefix(segment, "{"); isParam {
			value, err := url.PathUnescape(segments[i])
			if err != nil {
				return nil, false
			}
			params[strings.TrimSuffix(name, "}")] = value
		} else if segment != segments[i] {
			return nil, false
		}
	}
	return params, true
}

// schema compiles the schema at a location once.
func (c *Checker) schema(at string) (*jsonschema.Schema, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s, ok := c.schemas[at]; ok {
		return s, nil
	}
	s, err := c.compiler.Compile(at)
	if err != nil {
		return nil, fmt.Errorf("compile schema: %w", err)
	}
	c.schemas[at] = s
	return s, nil
}
