package diff

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"

	"github.com/orgctl/orgctl/pkg/spec"
)

// Precondition is a hash of an object's id and its comparable fields as observed. Two observations of an unchanged object
// give the same one whatever the server added, reordered or counted in between.
func Precondition(id string, fields spec.Tree) string {
	return hash(struct {
		ID     string    `json:"id"`
		Fields spec.Tree `json:"fields"`
	}{id, fields})
}

// digest hashes what is approved with a plan, and nothing that depends on who looks or where a line stands: what will be done,
// how far the manifests let a plan go, and what stands in the way of objects that the plan leaves alone. All else that stands in
// the way is found anew by whoever computes or judges the plan.
func (p *Plan) digest() string {
	type known struct {
		Collection        string
		Declared, Matched bool
	}
	prune := make([]known, len(p.Policy.Prune))
	for i, c := range p.Policy.Prune {
		prune[i] = known{c.Collection, c.Declared > 0, c.Matched > 0}
	}
	policy := p.Policy
	policy.Prune = nil
	changed := map[spec.Address]bool{}
	for _, c := range p.Changes {
		changed[c.Address] = true
	}
	var left []string
	for _, f := range p.Findings {
		if f.stops() && !p.derived(&f) && !changed[f.Address] {
			left = append(left, f.Code+" "+f.Address.String())
		}
	}
	slices.Sort(left)
	api := p.API
	if api == spec.ClickHouse.Name { // the one that plans were of before they named any
		api = ""
	}
	return hash(struct {
		API     string    `json:"api,omitempty"`
		Changes []essence `json:"changes"`
		Policy  Policy    `json:"policy"`
		Prune   []known   `json:"prune"`
		Left    []string  `json:"left"`
	}{api, essences(p.Changes), policy, prune, slices.Compact(left)})
}

// essence is what will be done to an object.
type essence struct {
	Address      spec.Address   `json:"address"`
	Action       Action         `json:"action"`
	ID           string         `json:"id"`
	Fields       []FieldChange  `json:"fields"`
	After        spec.Tree      `json:"after"`
	References   []Reference    `json:"references,omitempty"`
	DependsOn    []spec.Address `json:"dependsOn"`
	Precondition string         `json:"precondition"`
	Pruned       bool           `json:"pruned"`
	SetsPassword bool           `json:"setsPassword,omitempty"`
	Pinned       bool           `json:"pinned,omitempty"`
}

func essences(changes []Change) []essence {
	all := make([]essence, len(changes))
	for i, c := range changes {
		fields := make([]FieldChange, len(c.Fields))
		for j, f := range c.Fields {
			f.Pos = spec.Pos{}
			fields[j] = f
		}
		all[i] = essence{c.Address, c.Action, c.ID, fields, c.After, c.References, c.DependsOn, c.Precondition, c.Pruned, c.SetsPassword, c.Pinned}
	}
	return all
}

// MarshalJSON gives the form in which plans are saved, with the checksum that fits it.
func (p Plan) MarshalJSON() ([]byte, error) {
	type members Plan // without this method
	plain := members(p)
	plain.Checksum = ""
	var b, escaped bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // whether to escape is for whoever encodes; the checksum is of the escaped form
	if err := e.Encode(plain); err != nil {
		return nil, err
	}
	encoded := bytes.TrimSuffix(b.Bytes(), []byte("\n"))
	json.HTMLEscape(&escaped, encoded)
	return bytes.Replace(encoded, checksumMember(""), checksumMember(hashBytes(escaped.Bytes())), 1), nil
}

func checksumMember(value string) []byte { return []byte(`"checksum":"` + value + `"`) }

// checksum gives what the checksum of an encoded plan must be, whose checksum is said to be given: the hash of the same plan
// without one. It works on JSON rather than on Plan, so that fields which a newer minor version has added count too; white
// space does not.
func checksum(encoded []byte, given string) (string, error) {
	compact, err := json.Marshal(json.RawMessage(encoded))
	if err != nil {
		return "", err
	}
	compact = literal.ReplaceAllFunc(compact, func(quoted []byte) []byte {
		var text string
		if json.Unmarshal(quoted, &text) != nil {
			return quoted
		}
		again, err := json.Marshal(text)
		if err != nil {
			return quoted
		}
		return again
	})
	return hashBytes(bytes.Replace(compact, checksumMember(given), checksumMember(""), 1)), nil
}

// literal is a JSON string. A file may escape characters that another encoder writes as they are.
var literal = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)

// hash encodes plan values, which are made of JSON types only. It relies on encoding/json writing map keys in sorted order.
func hash(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("plan values always encode: %v", err))
	}
	return hashBytes(data)
}

func hashBytes(data []byte) string {
	sum := sha256.Sum256(data)
	return "sha256:" + hex.EncodeToString(sum[:])
}
