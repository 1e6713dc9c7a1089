package spec

import (
	"bytes"
	"encoding/json"
	"errors"
	"path"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// JSON is read by the JSON reader of the standard library: yaml.v3 refuses what is legal there, "\ud83d\ude00" and "\/". It
// becomes the nodes that yaml.v3 would have made, so that everything behind is the same for both.

func isJSON(f File) bool { return strings.EqualFold(path.Ext(f.Name), ".json") }

// parseJSON reads a file that is one JSON document, or none.
func parseJSON(f File, text []byte) ([]*yaml.Node, Diagnostics) {
	if len(bytes.TrimSpace(text)) == 0 {
		return nil, nil
	}
	var raw json.RawMessage
	err := json.Unmarshal(text, &raw)
	if err == nil || isTooDeep(err) {
		r := newJSONReader(f.Name, text, Pos{Line: 1, Column: 1})
		return []*yaml.Node{r.node(1)}, r.diags
	}
	offset := len(text)
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok && !strings.HasPrefix(err.Error(), "unexpected end") {
		offset = int(syntax.Offset) - 1
	}
	return nil, Diagnostics{{
		Severity: SeverityError, Code: CodeSyntax, Message: "not valid JSON: " + err.Error(),
		Pos: posOfOffset(File{Name: f.Name, Data: text}, offset),
	}}
}

// isTooDeep: the reader gives up at 10,000 levels, the nodes are made to where a manifest must end.
func isTooDeep(err error) bool { return strings.Contains(err.Error(), "max depth") }

// divider is where a document of a YAML text ends and the next begins.
var divider = regexp.MustCompile(`\n---(?:[ \t\r\n]|$)`)

// jsonDocuments finds the documents of a YAML text that are JSON. It gives the text with {} in the place of each, and what
// stands there by its line. A document that begins like JSON and is none is left to the YAML reader.
func jsonDocuments(f File, text []byte) (rest []byte, roots map[int]*yaml.Node, diags Diagnostics) {
	rest, roots = text, map[int]*yaml.Node{}
	line := 1
	for start := 0; start < len(text); {
		end := len(text)
		if next := divider.FindIndex(text[start:]); next != nil {
			end = start + next[0] + 1 // behind the line feed
		}
		if from, to := jsonIn(text[start:end]); from < to {
			if len(roots) == 0 {
				rest = bytes.Clone(text)
			}
			begin := posOfOffset(File{Data: text[start:end]}, from)
			begin.Line += line - 1
			r := newJSONReader(f.Name, text[start+from:start+to], begin)
			roots[begin.Line] = r.node(1)
			diags = append(diags, r.diags...)
			blank(rest[start+from : start+to])
		}
		line += bytes.Count(text[start:end], []byte("\n"))
		start = end
	}
	return rest, roots, diags
}

// jsonIn is the part of a document that is JSON, or nothing.
func jsonIn(document []byte) (from, to int) {
	body := document
	if isDivider(body) {
		body = body[len("---"):]
	}
	body = bytes.TrimLeft(body, " \t\r\n")
	from = len(document) - len(body)
	if len(body) == 0 || body[0] != '{' {
		return 0, 0
	}
	body = bytes.TrimRight(body, " \t\r\n")
	body = bytes.TrimRight(bytes.TrimSuffix(body, []byte("\n...")), " \t\r\n")
	if !json.Valid(body) {
		return 0, 0
	}
	return from, from + len(body)
}

// blank leaves {} of a text, and its lines.
func blank(text []byte) {
	for i, b := range text {
		if b != '\n' && b != '\r' {
			text[i] = ' '
		}
	}
	copy(text, "{}")
}

// jsonReader makes nodes of a text that is JSON.
type jsonReader struct {
	*json.Decoder
	text  []byte
	at    int // offset up to which the place is known
	pos   Pos
	deep  bool // deeper than a manifest may be: the rest stays unread
	diags Diagnostics
}

// newJSONReader takes the place where the text begins.
func newJSONReader(file string, text []byte, begin Pos) *jsonReader {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	begin.File = file
	return &jsonReader{Decoder: d, text: text, pos: begin}
}

// node reads one value, or one key of an object.
func (r *jsonReader) node(depth int) *yaml.Node {
	r.next()
	start := r.at
	n := &yaml.Node{Kind: yaml.ScalarNode, Line: r.pos.Line, Column: r.pos.Column}
	token, err := r.Token()
	if err != nil {
		panic("JSON that was found valid: " + err.Error())
	}
	switch v := token.(type) {
	case json.Delim:
		n.Kind, n.Tag, n.Style = yaml.SequenceNode, "!!seq", yaml.FlowStyle
		if v == '{' {
			n.Kind, n.Tag = yaml.MappingNode, "!!map"
		}
		r.deep = r.deep || depth > maxDepth // the converter says so
		for !r.deep && r.More() {
			n.Content = append(n.Content, r.node(depth+1))
		}
		if !r.deep {
			_, _ = r.Token() // the bracket that closes it
		}
	case string:
		n.Tag, n.Style, n.Value = "!!str", yaml.DoubleQuotedStyle, v
		r.checkEscapes(v, r.text[start:r.InputOffset()])
	case json.Number:
		n.Tag, n.Value = "!!int", v.String()
		if strings.ContainsAny(n.Value, ".eE") {
			n.Tag = "!!float"
		}
	case bool:
		n.Tag, n.Value = "!!bool", strconv.FormatBool(v)
	default:
		n.Tag, n.Value = "!!null", "null"
	}
	return n
}

// next moves to the token that is read next.
func (r *jsonReader) next() {
	start := int(r.InputOffset())
	for start < len(r.text) && strings.IndexByte(" \t\r\n,:", r.text[start]) >= 0 {
		start++
	}
	passed := r.text[r.at:start]
	if i := bytes.LastIndexByte(passed, '\n'); i >= 0 {
		r.pos.Line += bytes.Count(passed, []byte("\n"))
		r.pos.Column, passed = 1, passed[i+1:]
	}
	r.pos.Column += utf8.RuneCount(passed)
	r.at = start
}

// checkEscapes: the standard library replaces one half of a pair of escapes by U+FFFD.
func (r *jsonReader) checkEscapes(value string, source []byte) {
	if !strings.ContainsRune(value, utf8.RuneError) || bytes.ContainsRune(source, utf8.RuneError) ||
		bytes.Contains(bytes.ToLower(source), []byte(`\ufffd`)) {
		return
	}
	r.diags = append(r.diags, Diagnostic{
		Severity: SeverityError, Code: CodeEncoding, Pos: r.pos,
		Message: "an escape that is half a character", Hint: "write the character itself",
	})
}
