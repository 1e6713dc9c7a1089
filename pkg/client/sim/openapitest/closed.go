package openapitest

import "strings"

const components = "#/components/schemas/"

// openComponents holds a second, open copy of every component schema. Parts of an allOf, and parts of a oneOf or anyOf that
// stands beside properties, describe one object together: each part has to stay open, and the whole is closed around them.
const openComponents = "openSchemas"

// closeDocument gives a copy of the document in which every object schema refuses properties it does not name.
func closeDocument(document map[string]any) map[string]any {
	closed := map[string]any{}
	for name, value := range document {
		if name == "paths" {
			value = closePaths(value)
		}
		closed[name] = value
	}
	schemas := object(object(document["components"])["schemas"])
	closedSchemas, openSchemas := map[string]any{}, map[string]any{}
	for name, schema := range schemas {
		closedSchemas[name] = closeSchema(schema, true)
		openSchemas[name] = closeSchema(schema, false)
	}
	closed["components"] = map[string]any{"schemas": closedSchemas, openComponents: openSchemas}
	return closed
}

// closePaths closes every schema that stands in an operation.
func closePaths(node any) any {
	switch v := node.(type) {
	case map[string]any:
		next := map[string]any{}
		for name, value := range v {
			if name == "schema" {
				next[name] = closeSchema(value, true)
			} else {
				next[name] = closePaths(value)
			}
		}
		return next
	case []any:
		next := make([]any, len(v))
		for i := range v {
			next[i] = closePaths(v[i])
		}
		return next
	default:
		return node
	}
}

// closeSchema copies a schema. Closed, the object it describes refuses unknown properties; open, only the objects inside it do.
func closeSchema(schema any, closed bool) any {
	v, ok := schema.(map[string]any)
	if !ok {
		return schema
	}
	_, hasProperties := v["properties"]
	_, hasAllOf := v["allOf"]
	composed := hasAllOf
	for _, keyword := range []string{"oneOf", "anyOf"} {
		if _, has := v[keyword]; has && hasProperties {
			composed = true
		}
	}
	next := map[string]any{}
	for keyword, value := range v {
		switch keyword {
		case "properties", "patternProperties", "$defs":
			next[keyword] = closeEach(value)
		case "items", "additionalProperties", "not", "contains", "propertyNames":
			next[keyword] = closeSchema(value, true)
		case "allOf", "oneOf", "anyOf":
			next[keyword] = closeAll(value, closed && !composed)
		case "$ref":
			ref, _ := value.(string)
			if !closed {
				ref = strings.Replace(ref, components, "#/components/"+openComponents+"/", 1)
			}
			next[keyword] = ref
		case "example", "examples", "default", "description", "title":
			// They validate nothing.
		default:
			next[keyword] = value
		}
	}
	if closed {
		closeAround(next, hasProperties, composed)
	}
	return next
}

func closeAround(schema map[string]any, hasProperties, composed bool) {
	for _, keyword := range []string{"additionalProperties", "unevaluatedProperties", "patternProperties"} {
		if _, has := schema[keyword]; has {
			return
		}
	}
	switch {
	case composed:
		schema["unevaluatedProperties"] = false
	case hasProperties:
		schema["additionalProperties"] = false
	}
}

func closeEach(value any) any {
	next := map[string]any{}
	for name, schema := range object(value) {
		next[name] = closeSchema(schema, true)
	}
	return next
}

func closeAll(value any, closed bool) any {
	list, _ := value.([]any)
	next := make([]any, len(list))
	for i := range list {
		next[i] = closeSchema(list[i], closed)
	}
	return next
}
