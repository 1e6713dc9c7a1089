package spec

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v5"
)

// schema is the schema of a document, compiled for validation and as plain JSON for messages about it.
func (a *API) schema() *compiledSchema {
	a.compiling.Do(func() {
		var s compiledSchema
		if err := json.Unmarshal(a.Schema, &s.source); err != nil {
			panic(err) // embedded: a broken build, not a run-time condition
		}
		id, _ := s.source["$id"].(string)
		compiler := jsonschema.NewCompiler()
		if err := compiler.AddResource(id, bytes.NewReader(a.Schema)); err != nil {
			panic(err)
		}
		s.Schema = compiler.MustCompile(id)
		a.compiled = &s
	})
	return a.compiled
}

type compiledSchema struct {
	*jsonschema.Schema
	source map[string]any
}

// examples are what a definition gives as examples of a property.
func (s *compiledSchema) examples(definition, property string) []string {
	part, _ := s.at("#/$defs/" + definition + "/properties/" + property + "/examples")
	list, _ := part["examples"].([]any)
	out := make([]string, len(list))
	for i, e := range list {
		out[i], _ = e.(string)
	}
	return out
}

// at finds the part of the schema that an absolute keyword location names, and the keyword.
func (s *compiledSchema) at(location string) (part map[string]any, keyword string) {
	_, pointer, _ := strings.Cut(location, "#")
	steps := pointerSteps(pointer)
	if len(steps) == 0 {
		return s.source, ""
	}
	part = s.source
	for _, step := range steps[:len(steps)-1] {
		part, _ = part[step].(map[string]any)
	}
	return part, steps[len(steps)-1]
}

func pointerSteps(pointer string) []string {
	if pointer == "" {
		return nil
	}
	steps := strings.Split(strings.TrimPrefix(pointer, "/"), "/")
	for i, step := range steps {
		if plain, err := url.PathUnescape(step); err == nil {
			step = plain
		}
		steps[i] = strings.ReplaceAll(strings.ReplaceAll(step, "~1", "/"), "~0", "~")
	}
	return steps
}

// validate checks one document against the schema. The messages are ours: the library's speak of keywords, and only its
// innermost causes say anything to the author of a manifest.
func validate(api *API, doc document) Diagnostics {
	schema := api.schema()
	if accepts(schema.Schema, doc.value) {
		return nil
	}
	err := schema.Validate(doc.value)
	if err == nil {
		return nil
	}
	var failure *jsonschema.ValidationError
	if !errors.As(err, &failure) {
		return Diagnostics{{Severity: SeverityError, Code: CodeType, Message: err.Error(), Pos: doc.pos()}}
	}
	var diags Diagnostics
	for _, cause := range causes(failure, nil) {
		diags = append(diags, schema.diagnose(doc, cause)...)
	}
	isForeign := func(d Diagnostic) bool { return d.Code == CodeNotManifest }
	if slices.ContainsFunc(diags, isForeign) { // what else a Kubernetes object lacks to be a manifest is of no interest
		diags = slices.DeleteFunc(diags, func(d Diagnostic) bool { return !isForeign(d) })
	}
	return diags
}

func causes(e *jsonschema.ValidationError, found []*jsonschema.ValidationError) []*jsonschema.ValidationError {
	if len(e.Causes) == 0 {
		return append(found, e)
	}
	for _, cause := range e.Causes {
		found = causes(cause, found)
	}
	return found
}

// violation is one value that breaks one keyword of the schema.
type violation struct {
	of     *compiledSchema
	doc    document
	path   []any // of the value
	value  any
	schema map[string]any
}

func (s *compiledSchema) diagnose(doc document, cause *jsonschema.ValidationError) Diagnostics {
	v := violation{of: s, doc: doc, value: doc.value}
	for _, step := range pointerSteps(cause.InstanceLocation) {
		switch parent := v.value.(type) {
		case []any:
			i, _ := strconv.Atoi(step)
			v.path, v.value = append(v.path, i), parent[i]
		case Tree:
			v.path, v.value = append(v.path, step), parent[step]
		}
	}
	var keyword string
	v.schema, keyword = s.at(cause.AbsoluteKeywordLocation)
	switch keyword {
	case "additionalProperties":
		return v.unknownKeys()
	case "required":
		return v.missingKeys()
	case "type":
		return v.wrongType()
	case "const":
		return v.report(CodeNotManifest, fmt.Sprintf("%s %s is not what orgctl reads", v.subject(), shown(v.value)),
			fmt.Sprintf("write %s: %v", v.subject(), v.schema["const"]))
	case "enum":
		return v.notAllowed()
	case "minimum", "maximum":
		return v.outOfRange()
	case "multipleOf":
		return v.notMultiple()
	case "pattern":
		return v.report(CodeFormat, fmt.Sprintf("%s %v, not %s", v.subject(), v.schema["patternErrorMessage"], shown(v.value)),
			v.example())
	case "minLength", "maxLength":
		return v.wrongLength("character", len([]rune(v.value.(string))))
	case "minItems", "maxItems":
		return v.wrongLength("element", len(v.value.([]any)))
	default:
		return v.report(CodeType, fmt.Sprintf("%s is not valid (%s)", v.subject(), keyword), "")
	}
}

func (v violation) report(code, message, hint string) Diagnostics {
	return Diagnostics{{
		Severity: SeverityError, Code: code, Message: message, Hint: hint, Pos: v.doc.at(v.path...).pos(),
	}}
}

// subject names the value as its author would: by its key, or by the list that it is an element of.
func (v violation) subject() string {
	for i := len(v.path) - 1; i >= 0; i-- {
		if key, ok := v.path[i].(string); ok {
			if i < len(v.path)-1 {
				return "an element of " + clip(key)
			}
			return clip(key)
		}
	}
	return "the document"
}

func (v violation) example() string {
	if examples, _ := v.schema["examples"].([]any); len(examples) > 0 {
		return "for example " + FormatValue(Normalize(examples[0]))
	}
	return ""
}

// maxListed is how many known keys a message lists.
const maxListed = 12

func (v violation) unknownKeys() Diagnostics {
	object, _ := v.value.(Tree)
	properties, _ := v.schema["properties"].(map[string]any)
	known := slices.Sorted(maps.Keys(properties))
	unknown := slices.DeleteFunc(slices.Sorted(maps.Keys(object)), v.knows)
	free := slices.DeleteFunc(slices.Clone(known), func(key string) bool { _, taken := object[key]; return taken })
	var diags Diagnostics
	for _, key := range unknown[:min(len(unknown), maxDiagnostics+1)] { // finding the place of a key takes a look at all
		value := object[key]
		hint := cmp.Or(replacedKey(key, value), didYouMean(key, free), v.elsewhere(key))
		rule, _ := v.schema["propertyErrorMessage"].(string)
		switch {
		case hint == "" && rule != "":
			hint = rule
		case hint == "" && len(known) > maxListed:
			hint = "orgctl schema prints the known keys"
		case hint == "":
			hint = "known are " + strings.Join(known, ", ")
		}
		diags = append(diags, Diagnostic{
			Severity: SeverityError, Code: CodeUnknownKey, Hint: hint,
			Message: fmt.Sprintf("unknown key %s in %s", quoted(key), v.subject()),
			Pos:     v.doc.key(append(slices.Clone(v.path), key)...),
		})
	}
	return diags
}

// knows reports whether an object may have a key.
func (v violation) knows(key string) bool {
	properties, _ := v.schema["properties"].(map[string]any)
	patterns, _ := v.schema["patternProperties"].(map[string]any)
	_, ok := properties[key]
	for pattern := range patterns {
		ok = ok || regexp.MustCompile(pattern).MatchString(key)
	}
	return ok
}

// elsewhere says which other API has, in its objects of the same sort, a key that an object must not have.
func (v violation) elsewhere(key string) string {
	for _, api := range APIs() {
		definitions, _ := api.schema().source["$defs"].(map[string]any)
		same, _ := definitions[v.definition()].(map[string]any)
		properties, _ := same["properties"].(map[string]any)
		if _, has := properties[key]; has {
			return fmt.Sprintf("it is a key of %s: if that is meant, write api: %s in spec", api.Title, api.Name)
		}
	}
	return ""
}

// definition is what the schema calls the sort of object that the value is, or "".
func (v violation) definition() string {
	definitions, _ := v.of.source["$defs"].(map[string]any)
	for name, part := range definitions {
		if reflect.ValueOf(part).Pointer() == reflect.ValueOf(v.schema).Pointer() {
			return name
		}
	}
	return ""
}

// replacedKey says what to write for a field that the API has and a manifest has not.
func replacedKey(key string, value any) string {
	switch key {
	case "minTotalMemoryGb", "maxTotalMemoryGb":
		instead := strings.Replace(key, "Total", "Replica", 1)
		if total, ok := Number(value); ok {
			return fmt.Sprintf("write %s: %s (a third of the total)", instead, FormatValue(Normalize(total/3)))
		}
		return fmt.Sprintf("write %s, a third of the total", instead)
	case "dataWarehouseId":
		return "write warehouse: NAME, the name of the primary service"
	case "assignedRoleIds", "assignedRoles":
		return "write roles: [NAME], roles go by name"
	case "hashData":
		return "leave it out: orgctl makes the secret of a key itself"
	case "password", "newPasswordHash":
		return "leave it out: orgctl makes the password of a service itself, and manifests hold no secrets"
	case "org_name":
		return "write name, whatever the server calls it"
	case "command":
		return "write state: running or state: stopped"
	default:
		return ""
	}
}

func (v violation) missingKeys() Diagnostics {
	object, _ := v.value.(Tree)
	properties, _ := v.schema["properties"].(map[string]any)
	required, _ := v.schema["required"].([]any)
	var diags Diagnostics
	for _, r := range required {
		key, _ := r.(string)
		if _, ok := object[key]; ok {
			continue
		}
		property, _ := properties[key].(map[string]any)
		hint := "add " + key
		if c, ok := property["const"]; ok {
			hint = fmt.Sprintf("add %s: %v", key, c)
		} else if examples, _ := property["examples"].([]any); len(examples) > 0 {
			hint = fmt.Sprintf("add it, for example %s: %v", key, examples[0])
		}
		diags = append(diags, v.report(CodeMissing, fmt.Sprintf("%s has no %s", v.subject(), key), hint)...)
	}
	return diags
}

func (v violation) wrongType() Diagnostics {
	types, _ := v.schema["type"].([]any)
	if t, ok := v.schema["type"].(string); ok {
		types = []any{t}
	}
	wants := func(t string) bool { return slices.Contains(types, any(t)) }
	if v.value == nil {
		hint := "leave the key out if it is not managed"
		switch {
		case wants("array") && !wants("string"):
			hint += ", or write [] for none"
		case wants("string") && v.schema["enum"] == nil:
			if quotes := v.doc.at(v.path...).inQuotes(); quotes != "" {
				hint += ", or put it in quotes" + quotes
			}
		}
		return v.report(CodeNull, v.subject()+" is null, which means nothing here", hint)
	}
	words := make([]string, len(types))
	for i, t := range types {
		words[i] = typeWord(t)
	}
	var hint string
	word, isText := v.value.(string)
	switch {
	case wants("boolean") && isText && slices.Contains([]string{"yes", "no", "on", "off", "y", "n"}, strings.ToLower(word)):
		hint = "write true or false"
	case wants("integer") || wants("number"):
		if _, err := strconv.ParseFloat(word, 64); err == nil {
			hint = "write it without quotes"
		}
	case wants("string"):
		switch v.value.(type) {
		case bool, int64, float64:
			hint = "put it in quotes" + v.doc.at(v.path...).inQuotes()
		}
	case len(v.path) == 0:
		hint = "begin with apiVersion: orgctl/v1"
	case wants("array") || wants("object"):
		hint = v.example()
	}
	return v.report(CodeType, fmt.Sprintf("%s must be %s, not %s", v.subject(), oneOf(words), v.doc.at(v.path...).describe(v.value)), hint)
}

func typeWord(t any) string {
	switch t {
	case "boolean":
		return "a boolean"
	case "integer":
		return "a whole number"
	case "number":
		return "a number"
	case "string":
		return "text"
	case "array":
		return "a list"
	case "object":
		return "an object"
	default:
		return fmt.Sprint(t)
	}
}

func (v violation) notAllowed() Diagnostics {
	allowed, _ := v.schema["enum"].([]any)
	words := make([]string, len(allowed))
	for i, a := range allowed {
		words[i] = fmt.Sprint(a)
	}
	word, _ := v.value.(string)
	return v.report(CodeEnum, fmt.Sprintf("%s must be %s, not %s", v.subject(), oneOf(words), shown(v.value)), didYouMean(word, words))
}

func (v violation) outOfRange() Diagnostics {
	least, hasLeast := v.schema["minimum"]
	most, hasMost := v.schema["maximum"]
	var bounds string
	switch {
	case hasLeast && hasMost:
		bounds = fmt.Sprintf("from %v to %v", least, most)
	case hasLeast:
		bounds = fmt.Sprintf("%v or more", least)
	default:
		bounds = fmt.Sprintf("%v or less", most)
	}
	return v.report(CodeRange, fmt.Sprintf("%s must be %s, not %s", v.subject(), bounds, FormatValue(v.value)), "")
}

func (v violation) notMultiple() Diagnostics {
	step, _ := v.schema["multipleOf"].(float64)
	given, _ := Number(v.value)
	below := float64(int64(given/step)) * step
	hint := fmt.Sprintf("write %v or %v", below, below+step)
	if least, ok := v.schema["minimum"].(float64); ok && below < least {
		hint = fmt.Sprintf("write %v", least)
	} else if most, ok := v.schema["maximum"].(float64); ok && below+step > most {
		hint = fmt.Sprintf("write %v", below)
	}
	return v.report(CodeMultiple, fmt.Sprintf("%s must be a multiple of %v, not %s", v.subject(), step, FormatValue(v.value)), hint)
}

// wrongLength speaks of the length of a text in characters or of a list in elements.
func (v violation) wrongLength(unit string, length int) Diagnostics {
	bound := func(keyword string) (int, bool) {
		n, ok := v.schema[keyword+map[string]string{"character": "Length", "element": "Items"}[unit]].(float64)
		return int(n), ok
	}
	message := fmt.Sprintf("%s has %d %ss", v.subject(), length, unit)
	if most, ok := bound("max"); ok && length > most {
		return v.report(CodeLength, fmt.Sprintf("%s, at most %d are allowed", message, most), "")
	}
	least, _ := bound("min")
	return v.report(CodeLength, fmt.Sprintf("%s, at least %d needed", message, least), "")
}
