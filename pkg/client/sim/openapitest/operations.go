package openapitest

import (
	"maps"
	"slices"
	"strings"
)

// Operation is what the document says of an operation, as far as a list of everything goes.
type Operation struct {
	Method, Template string
	Fields           []string // of its JSON request body: paths such as tags.add[].key, sorted
}

// Operations are all that the document has, sorted by path, and those of one path as get, post, put, patch, delete.
func (c *Checker) Operations() []Operation {
	all := make([]Operation, len(c.operations))
	for i, op := range c.operations {
		all[i] = Operation{Method: op.method, Template: op.template, Fields: op.fields}
	}
	return all
}

// fieldsOf are the fields of the JSON body that an operation takes.
func fieldsOf(document map[string]any, operation any) []string {
	body := object(object(object(object(operation)["requestBody"])["content"])["application/json"])
	found := map[string]bool{}
	var walk func(schema map[string]any, path string, within []string)
	walk = func(schema map[string]any, path string, within []string) {
		if ref, ok := schema["$ref"].(string); ok {
			name := strings.TrimPrefix(ref, components)
			if slices.Contains(within, name) { // a schema may hold itself
				found[strings.TrimSuffix(path, "[]")] = true
				return
			}
			walk(object(object(object(document["components"])["schemas"])[name]), path, append(slices.Clone(within), name))
			return
		}
		leaf := true
		for _, keyword := range []string{"allOf", "oneOf", "anyOf"} {
			list, _ := schema[keyword].([]any)
			for _, part := range list {
				leaf = false
				walk(object(part), path, within)
			}
		}
		for name, property := range object(schema["properties"]) {
			leaf = false
			walk(object(property), strings.TrimPrefix(path+"."+name, "."), within)
		}
		switch items, list := schema["items"]; {
		case list:
			walk(object(items), path+"[]", within)
		case leaf && path != "":
			found[strings.TrimSuffix(path, "[]")] = true // of a list of texts, the list
		}
	}
	walk(object(body["schema"]), "", nil)
	return slices.Sorted(maps.Keys(found))
}
