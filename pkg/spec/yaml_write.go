package spec

import (
	"bytes"
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// encodeYAML writes an exported manifest. It goes through nodes because only they keep order and comments.
func encodeYAML(root *block) ([]byte, error) {
	node, err := blockNode(root)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	if err := encoder.Encode(node); err != nil {
		return nil, fmt.Errorf("write manifest: %w", err)
	}
	if err := encoder.Close(); err != nil {
		return nil, fmt.Errorf("write manifest: %w", err)
	}
	return out.Bytes(), nil
}

func blockNode(b *block) (*yaml.Node, error) {
	node := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", HeadComment: b.comment}
	for i, key := range b.keys {
		value, err := valueNode(b.values[i])
		if err != nil {
			return nil, err
		}
		name := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: key, HeadComment: b.above[key]}
		node.Content = append(node.Content, name, value)
	}
	return node, nil
}

func valueNode(v any) (*yaml.Node, error) {
	switch v := v.(type) {
	case *block:
		return blockNode(v)
	case []any:
		node := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
		if len(v) == 0 {
			node.Style = yaml.FlowStyle
		}
		for _, e := range v {
			child, err := valueNode(e)
			if err != nil {
				return nil, err
			}
			node.Content = append(node.Content, child)
		}
		return node, nil
	case string:
		node := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: v}
		if needsQuotes(v) {
			node.Style = yaml.DoubleQuotedStyle
		}
		return node, nil
	default:
		node := &yaml.Node{}
		if err := node.Encode(v); err != nil {
			return nil, fmt.Errorf("write manifest: %w", err)
		}
		return node, nil
	}
}

// misread is text that yaml.v3 writes plain, since it would read it as text, and that other readers take for something else:
// truth values and numbers in the forms of YAML 1.1 and 1.2, merge keys.
var misread = regexp.MustCompile(`^(?:(?i:y|yes|n|no|on|off)|=|<<|` +
	`[-+]?(?:0[bxo][0-9a-fA-F_]+|[0-9][0-9_]*(?:\.[0-9_]*)?(?:[eE][-+]?[0-9]+)?|\.[0-9_]+(?:[eE][-+]?[0-9]+)?)|` +
	`[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?)$`)

// needsQuotes: as a block, yaml.v3 would write some texts of several lines so that it cannot read them.
func needsQuotes(text string) bool {
	if strings.ContainsAny(text, "\n\t") || misread.MatchString(text) {
		return true
	}
	what, _ := hiddenIn(text)
	return what != ""
}

// parts are those of a manifest that encodeYAML wrote, in the order of the text, down to the fields of nested objects.
type parts []part

type part struct {
	line, column int
	path         []any // keys (string) and indexes (int)
}

// maxPart is the length of the path of a field in a nested object: spec, services, 0, backupConfiguration, backupStartTime.
const maxPart = 5

func partsOf(manifest []byte) parts {
	var out parts
	var visit func(n *yaml.Node, path []any)
	visit = func(n *yaml.Node, path []any) {
		out = append(out, part{n.Line, n.Column, path})
		if len(path) == maxPart {
			return
		}
		for i, child := range n.Content {
			inner := path
			switch n.Kind {
			case yaml.SequenceNode:
				inner = append(slices.Clip(path), i)
			case yaml.MappingNode:
				inner = append(slices.Clip(path), n.Content[i-i%2].Value)
			default: // a document, which adds nothing to the path; scalars and aliases hold nothing
			}
			visit(child, inner)
		}
	}
	nodes, _ := parseNodes(manifest)
	for _, n := range nodes {
		visit(n, nil)
	}
	return out
}

// at is the path of the part that a place lies in: the last that begins before it.
func (p parts) at(pos Pos) []any {
	i, found := slices.BinarySearchFunc(p, pos, func(q part, pos Pos) int {
		return cmp.Or(cmp.Compare(q.line, pos.Line), cmp.Compare(q.column, pos.Column))
	})
	for found && i+1 < len(p) && p[i+1].line == pos.Line && p[i+1].column == pos.Column {
		i++ // an object begins where its first key does
	}
	if !found {
		i--
	}
	if i < 0 {
		return nil
	}
	return p[i].path
}
