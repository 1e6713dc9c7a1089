package spec

import (
	"bytes"
	"fmt"
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
		node.Content = append(node.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: key}, value)
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
	default:
		node := &yaml.Node{}
		if err := node.Encode(v); err != nil { // quotes what would read back as something else
			return nil, fmt.Errorf("write manifest: %w", err)
		}
		if text, ok := v.(string); ok && strings.ContainsAny(text, "\n\t") {
			node.Style = yaml.DoubleQuotedStyle // yaml.v3 writes some texts of several lines as blocks that it cannot read
		}
		return node, nil
	}
}
