package spec

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"

	"gopkg.in/yaml.v3"
)

// Only this file, json.go and yaml_write.go know yaml.v3. This one never decodes into Go values: yaml.v3 would turn dates into
// time.Time, take the last of two equal keys and follow an alias into itself. It walks the nodes instead, checks what yaml.v3
// does not, and keeps the nodes for positions.

const (
	// maxDepth is far above what a manifest needs (8) and far below what makes recursion dear.
	maxDepth = 64
	// maxExpanded bounds how many values aliases may stand for in one file, and IP sets in one organization: 10,000 services that share a list of 100
	// entries stay below it, an alias bomb does not.
	maxExpanded = 5_000_000
)

// document is one YAML document: its values and where they stand.
type document struct {
	place
	value any // canonical as in Tree; parts reached by aliases are shared
}

// place is a part of a manifest, kept to tell the user where a value stands.
type place struct {
	file string
	node *yaml.Node
}

// pos is where the part begins.
func (p place) pos() Pos {
	if p.node == nil {
		return Pos{File: p.file}
	}
	return Pos{File: p.file, Line: p.node.Line, Column: p.node.Column}
}

// at descends by keys (string) and indexes (int), as far as the path exists.
func (p place) at(path ...any) place {
	for _, step := range path {
		_, value := child(p.node, step)
		if value == nil {
			return p
		}
		p.node = value
	}
	return p
}

// key is where the key that a path ends in stands, or the nearest part that exists.
func (p place) key(path ...any) Pos {
	parent := p.at(path[:len(path)-1]...)
	if key, _ := child(parent.node, path[len(path)-1]); key != nil {
		parent.node = key
		return parent.pos()
	}
	return p.at(path...).pos()
}

// describe is describe of the value that stands here, with numbers as they are written.
func (p place) describe(value any) string {
	switch value.(type) {
	case int64, float64:
		return "number " + clip(target(p.node).Value)
	default:
		return describe(value)
	}
}

// inQuotes ends a hint with the scalar that stands here, in quotes and as it is spelled: its value may print otherwise and then
// names something else, as 1.1 does for 1.10. It is "" for what has no such spelling.
func (p place) inQuotes() string {
	n := target(p.node)
	if n.Kind != yaml.ScalarNode || n.Value == "" || clip(n.Value) != n.Value {
		return ""
	}
	return ": " + strconv.Quote(n.Value)
}

// child finds one step below a node, through aliases and merge keys. Only nodes that convert accepted come here, so there
// is no cycle to fall into.
func child(n *yaml.Node, step any) (key, value *yaml.Node) {
	n = target(n)
	if n == nil {
		return nil, nil
	}
	switch step := step.(type) {
	case int:
		if n.Kind == yaml.SequenceNode && step < len(n.Content) {
			return nil, n.Content[step]
		}
	case string:
		if n.Kind != yaml.MappingNode {
			return nil, nil
		}
		for i := 0; i+1 < len(n.Content); i += 2 {
			if k := target(n.Content[i]); k.Value == step && k.Tag == "!!str" {
				return n.Content[i], n.Content[i+1]
			}
		}
		for i := 0; i+1 < len(n.Content); i += 2 {
			if !isMerge(n.Content[i]) {
				continue
			}
			for _, merged := range mergeSources(n.Content[i+1]) {
				if key, value := child(merged, step); value != nil {
					return key, value
				}
			}
		}
	}
	return nil, nil
}

func target(n *yaml.Node) *yaml.Node {
	if n != nil && n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

func isMerge(key *yaml.Node) bool { return key.Kind == yaml.ScalarNode && key.Tag == "!!merge" }

// mergeSources are the nodes that a merge key names, in order of precedence.
func mergeSources(n *yaml.Node) []*yaml.Node {
	if t := target(n); t.Kind == yaml.SequenceNode {
		return t.Content
	}
	return []*yaml.Node{n}
}

// parse reads the documents of a file; empty ones have the value nil. ok is false when part of the file could not be read, so
// that what it declares is not known.
func parse(f File) (docs []document, ok bool, diags Diagnostics) {
	text, diags := checkText(f)
	if len(diags) == 0 {
		diags = unmerged(f, text)
	}
	if len(diags) > 0 {
		return nil, false, diags
	}
	roots, diags := parseDocuments(f, text)
	c := &converter{file: f.Name, diags: diags}
	ok = len(diags) == 0
	for _, root := range roots {
		c.broken, c.anchors = false, map[*yaml.Node]*converted{}
		if v := c.convert(root, 1); !c.broken {
			docs = append(docs, document{place{f.Name, root}, v.value})
		} else {
			ok = false
		}
	}
	return docs, ok, c.diags
}

// parseDocuments gives the root of every document before the first syntax error, and that error.
func parseDocuments(f File, text []byte) (roots []*yaml.Node, diags Diagnostics) {
	if isJSON(f) {
		return parseJSON(f, text)
	}
	yamlText, inJSON, diags := jsonDocuments(f, text)
	nodes, err := parseNodes(yamlText)
	for _, root := range nodes {
		if root.Kind == yaml.DocumentNode && len(root.Content) == 1 {
			root = root.Content[0]
		}
		if read, ok := inJSON[root.Line]; ok {
			root = read
		}
		roots = append(roots, root)
	}
	if err != nil {
		diags = append(diags, syntaxDiagnostic(f.Name, yamlText, err))
	}
	return roots, diags
}

// parseNodes gives the documents before the first syntax error and that error. A panic of the parser is an error too: it
// has internal checks that hostile input can trip.
func parseNodes(text []byte) (nodes []*yaml.Node, err error) {
	return decodeNodes(yaml.NewDecoder(&lineReader{rest: text, whole: true}))
}

// parsedLines says how many lines of a text the parser had to see to find its error.
func parsedLines(text []byte) (lines int, err error) {
	r := &lineReader{rest: text}
	_, err = decodeNodes(yaml.NewDecoder(r))
	return r.lines, err
}

func decodeNodes(d *yaml.Decoder) (nodes []*yaml.Node, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("yaml: %v", r)
		}
	}()
	for {
		n := new(yaml.Node)
		if err := d.Decode(n); errors.Is(err, io.EOF) {
			return nodes, nil
		} else if err != nil {
			return nodes, err
		}
		nodes = append(nodes, n)
	}
}

// converter turns the nodes of a file into values.
type converter struct {
	file     string
	anchors  map[*yaml.Node]*converted // of the document; every anchored node is converted once
	expanded int                       // values reached by aliases so far
	broken   bool                      // this document cannot be used at all; said once
	diags    Diagnostics
}

// converted is the value of a node and how large it is with every alias in it expanded.
type converted struct {
	value  any
	size   int // values
	height int // levels
	open   bool
}

func (c *converter) convert(n *yaml.Node, depth int) (out converted) {
	if n.Anchor != "" {
		anchor := &converted{open: true}
		c.anchors[n] = anchor
		defer func() { *anchor = out }()
	}
	if depth > maxDepth {
		c.fail(n, CodeNesting, fmt.Sprintf("more than %d levels of nesting", maxDepth), "")
	}
	if c.broken {
		return converted{}
	}
	switch n.Kind {
	case yaml.AliasNode:
		return c.alias(n, depth)
	case yaml.MappingNode:
		return c.mapping(n, depth)
	case yaml.SequenceNode:
		return c.sequence(n, depth)
	case yaml.ScalarNode:
		return converted{value: c.scalar(n), size: 1, height: 1}
	default: // a document without content
		return converted{size: 1, height: 1}
	}
}

func (c *converter) alias(n *yaml.Node, depth int) converted {
	anchor := c.anchors[n.Alias]
	if anchor == nil { // yaml.v3 keeps the anchors of a whole file
		c.fail(n, CodeAlias, fmt.Sprintf("alias *%s names an anchor of another document of the file", n.Value),
			fmt.Sprintf("anchors work within a document: put &%s before the value that is meant, or use spec.ipSets", n.Value))
		c.diags[len(c.diags)-1].Related = []Related{{"the anchor in the other document", place{c.file, n.Alias}.pos()}}
		return converted{}
	}
	if anchor.open {
		c.fail(n, CodeAlias, fmt.Sprintf("alias *%s stands inside the value that it names", n.Value), "")
		return converted{}
	}
	c.expanded += anchor.size
	switch {
	case c.expanded > maxExpanded:
		c.fail(n, CodeAlias, fmt.Sprintf("aliases up to *%s stand for more than %d values", n.Value, maxExpanded),
			"name shared IP lists in spec.ipSets instead")
	case depth+anchor.height > maxDepth+1:
		c.fail(n, CodeNesting, fmt.Sprintf("alias *%s leads to more than %d levels of nesting", n.Value, maxDepth), "")
	}
	return *anchor
}

func (c *converter) sequence(n *yaml.Node, depth int) converted {
	if n.Tag != "!!seq" {
		c.unsupportedTag(n)
	}
	list := make([]any, len(n.Content))
	out := converted{value: list, size: 1, height: 1}
	for i, e := range n.Content {
		v := c.convert(e, depth+1)
		list[i] = v.value
		out.grow(v)
	}
	return out
}

func (out *converted) grow(part converted) {
	out.size += part.size
	out.height = max(out.height, part.height+1)
}

func (c *converter) mapping(n *yaml.Node, depth int) converted {
	if n.Tag != "!!map" {
		c.unsupportedTag(n)
	}
	tree := make(Tree, len(n.Content)/2)
	out := converted{value: tree, size: 1, height: 1}
	var merge *yaml.Node
	var merged converted
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if isMerge(key) {
			if merge != nil {
				c.duplicateKey(n, key, "<<")
			}
			merge, merged = n.Content[i+1], c.convert(n.Content[i+1], depth+1)
			out.grow(merged)
			continue
		}
		name, ok := c.keyName(key, depth)
		v := c.convert(n.Content[i+1], depth+1)
		out.grow(v)
		if !ok {
			continue
		}
		if _, twice := tree[name]; twice {
			c.duplicateKey(n, key, name)
			continue
		}
		tree[name] = v.value
	}
	if merge != nil && !c.broken {
		c.mergeInto(tree, merge, merged.value)
	}
	return out
}

// mergeInto adds what a merge key names to an object, once all of its own keys are known: they win over merged ones, and an
// earlier source over a later.
func (c *converter) mergeInto(tree Tree, merge *yaml.Node, value any) {
	sources, isList := value.([]any)
	if !isList {
		sources = []any{value}
	}
	for _, source := range sources {
		merged, isTree := source.(Tree)
		if !isTree {
			c.report(merge, CodeYAML, "<< merges "+describe(source), "give it an alias of an object or a list of such")
			return
		}
		for k, e := range merged {
			if _, own := tree[k]; !own {
				tree[k] = e
			}
		}
	}
}

func (c *converter) keyName(key *yaml.Node, depth int) (name string, ok bool) {
	if key.Kind == yaml.ScalarNode && key.Tag == "!!str" && key.Style == 0 && key.Anchor == "" && depth < maxDepth && !c.broken {
		return key.Value, true // as most are: what follows makes a value of it first
	}
	v := c.convert(key, depth+1)
	if c.broken {
		return "", false
	}
	if name, ok = v.value.(string); !ok || target(key).Tag != "!!str" {
		c.report(key, CodeYAML, "a key must be text, not "+place{c.file, key}.describe(v.value), "put it in quotes if it is meant as text"+place{c.file, key}.inQuotes())
		return "", false
	}
	return name, true
}

func (c *converter) duplicateKey(mapping, key *yaml.Node, name string) {
	d := Diagnostic{
		Severity: SeverityError, Code: CodeDuplicateKey, Pos: place{c.file, key}.pos(),
		Message: fmt.Sprintf("key %s is given twice", quoted(name)),
	}
	for i := 0; i+1 < len(mapping.Content) && len(c.diags) < maxDiagnostics; i += 2 { // more are only counted
		if first := mapping.Content[i]; target(first).Value == target(key).Value && first != key {
			d.Related = []Related{{Message: "first given here", Pos: place{c.file, first}.pos()}}
			break
		}
	}
	c.diags = append(c.diags, d)
}

var (
	decimalInteger = regexp.MustCompile(`^[-+]?(0|[1-9][0-9]*)$`)
	decimalFloat   = regexp.MustCompile(`^[-+]?(0|[1-9][0-9]*)?(\.[0-9]*)?([eE][-+]?[0-9]+)?$`)
)

// scalar gives the value of a scalar. Timestamps keep their source text: a field that wants one checks it, any other has
// text in it. YAML 1.1's yes, no, on and off are text as well.
func (c *converter) scalar(n *yaml.Node) any {
	switch n.Tag {
	case "!!str", "!!timestamp", "!!merge":
		if n.Style&yaml.DoubleQuotedStyle != 0 {
			if what, r := hiddenIn(n.Value); what != "" {
				c.report(n, CodeEncoding, fmt.Sprintf("%s %U, written as an escape", what, r), hiddenHint)
			}
		}
		return n.Value
	case "!!null":
		return nil
	case "!!bool":
		switch n.Value {
		case "true", "True", "TRUE":
			return true
		case "false", "False", "FALSE":
			return false
		}
		c.report(n, CodeYAML, fmt.Sprintf("%s is no boolean", quoted(n.Value)), "write true or false")
		return false
	case "!!int", "!!float":
		return c.number(n)
	default:
		c.unsupportedTag(n)
		return n.Value
	}
}

func (c *converter) number(n *yaml.Node) any {
	hint := "put it in quotes if it is meant as text" + place{c.file, n}.inQuotes()
	if decimalInteger.MatchString(n.Value) {
		i, err := strconv.ParseInt(n.Value, 10, 64)
		if err != nil {
			c.report(n, CodeNumber, fmt.Sprintf("number %s is too large", clip(n.Value)), hint)
		}
		return i
	}
	if decimalFloat.MatchString(n.Value) {
		if f, err := strconv.ParseFloat(n.Value, 64); err == nil {
			return Normalize(f)
		}
	}
	if i, err := strconv.ParseInt(n.Value, 0, 64); err == nil {
		hint = fmt.Sprintf("write %d, or %s", i, hint)
	}
	c.report(n, CodeNumber, fmt.Sprintf("%s is not a plain decimal number", clip(n.Value)), hint)
	return int64(0)
}

func (c *converter) unsupportedTag(n *yaml.Node) {
	c.report(n, CodeYAML, fmt.Sprintf("tag %s has no meaning in a manifest", clip(n.Tag)), "leave it out")
}

func (c *converter) report(n *yaml.Node, code, message, hint string) {
	c.diags = append(c.diags, Diagnostic{
		Severity: SeverityError, Code: code, Message: message, Hint: hint, Pos: place{c.file, n}.pos(),
	})
}

func (c *converter) fail(n *yaml.Node, code, message, hint string) {
	if !c.broken {
		c.report(n, code, message, hint)
	}
	c.broken = true
}
