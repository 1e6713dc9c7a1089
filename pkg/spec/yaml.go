package spec

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"

	"gopkg.in/yaml.v3"
)

// Only this file and yaml_write.go know yaml.v3. This one never decodes into Go values: yaml.v3 would turn dates into
// time.Time, take the last of two equal keys and follow an alias into itself. It walks the nodes instead, checks what yaml.v3
// does not, and keeps the nodes for positions.

const (
	// maxDepth is far above what a manifest needs (8) and far below what makes recursion dear.
	maxDepth = 64
	// maxExpanded bounds how many values aliases may stand for in one file: 10,000 services that share a list of 100
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

// parseYAML reads the documents of a file; empty ones have the value nil. ok is false when part of the file could not be
// read, so that what it declares is not known.
func parseYAML(f File) (docs []document, ok bool, diags Diagnostics) {
	text, diags := checkText(f)
	if len(diags) > 0 {
		return nil, false, diags
	}
	nodes, err := parseNodes(text)
	c := &converter{file: f.Name, anchors: map[*yaml.Node]*converted{}}
	ok = err == nil
	for _, n := range nodes {
		c.broken = false
		root := n
		if n.Kind == yaml.DocumentNode && len(n.Content) == 1 {
			root = n.Content[0]
		}
		if v := c.convert(root, 1); !c.broken {
			docs = append(docs, document{place{f.Name, root}, v.value})
		} else {
			ok = false
		}
	}
	if err != nil {
		c.diags = append(c.diags, syntaxDiagnostic(f.Name, text, err))
	}
	return docs, ok, c.diags
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
	anchors  map[*yaml.Node]*converted // every anchored node is converted once
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
	if anchor == nil { // of an earlier document that was given up
		c.fail(n, CodeAlias, fmt.Sprintf("alias *%s names an anchor of a document that cannot be read", n.Value), "")
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
	merges := false
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if isMerge(key) {
			if merges {
				c.duplicateKey(n, key, "<<")
			}
			merges = true
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
	if !merges {
		return out
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if !isMerge(n.Content[i]) {
			continue
		}
		v := c.convert(n.Content[i+1], depth+1)
		out.grow(v)
		sources, isList := v.value.([]any)
		if !isList {
			sources = []any{v.value}
		}
		for _, source := range sources {
			merged, isTree := source.(Tree)
			if !isTree && !c.broken {
				c.report(n.Content[i+1], CodeYAML, "<< merges "+describe(source), "give it an alias of an object or a list of such")
				break
			}
			for k, e := range merged { // a key that is there wins over a merged one, an earlier source over a later
				if _, own := tree[k]; !own {
					tree[k] = e
				}
			}
		}
	}
	return out
}

func (c *converter) keyName(key *yaml.Node, depth int) (name string, ok bool) {
	v := c.convert(key, depth+1)
	if c.broken {
		return "", false
	}
	if name, ok = v.value.(string); !ok || target(key).Tag != "!!str" {
		c.report(key, CodeYAML, "a key must be text, not "+describe(v.value), "put it in quotes if it is meant as text")
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
	if decimalInteger.MatchString(n.Value) {
		i, err := strconv.ParseInt(n.Value, 10, 64)
		if err != nil {
			c.report(n, CodeNumber, fmt.Sprintf("number %s is too large", clip(n.Value)), "put it in quotes if it is meant as text")
		}
		return i
	}
	if decimalFloat.MatchString(n.Value) {
		if f, err := strconv.ParseFloat(n.Value, 64); err == nil {
			return Normalize(f)
		}
	}
	hint := "put it in quotes if it is meant as text"
	if i, err := strconv.ParseInt(n.Value, 0, 64); err == nil {
		hint = fmt.Sprintf("write %d, or put it in quotes if it is meant as text", i)
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
