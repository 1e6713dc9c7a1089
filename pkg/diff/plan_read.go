package diff

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/orgctl/orgctl/pkg/spec"
)

// MaxPlanBytes bounds how much ReadPlan accepts, well above what the plan of 10,000 services takes.
const MaxPlanBytes = 256 << 20

// ErrTampered is matched by the error of ReadPlan for a plan whose content does not agree with its digest.
var ErrTampered = errors.New("the plan was changed after it was made")

// ReadPlan reads a saved plan of one of some APIs, of any known one where none is given. It refuses a format of another major
// version, an API that is not among them, a digest that does not fit the content, and anything that could not have been written
// by Compute.
func ReadPlan(r io.Reader, apis ...*spec.API) (*Plan, error) {
	data, err := io.ReadAll(io.LimitReader(r, MaxPlanBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read plan: %w", err)
	}
	if len(data) > MaxPlanBytes {
		return nil, fmt.Errorf("read plan: larger than %d MiB", MaxPlanBytes>>20)
	}
	var head struct {
		FormatVersion string `json:"formatVersion"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return nil, fmt.Errorf("read plan: not a plan file: %w", err)
	}
	major, _, _ := strings.Cut(head.FormatVersion, ".")
	if ours, _, _ := strings.Cut(FormatVersion, "."); major != ours {
		return nil, fmt.Errorf("read plan: format version %q, this orgctl reads %s.x: plan again with this version, or apply with the one that planned",
			head.FormatVersion, ours)
	}
	if head.FormatVersion == "1.0" || head.FormatVersion == "1.1" {
		return nil, fmt.Errorf("read plan: format version %s, whose digest binds no policy: plan again", head.FormatVersion)
	}
	var p Plan
	if err := json.Unmarshal(data, &p); err != nil {
		return nil, fmt.Errorf("read plan: %w", err)
	}
	if sum, err := checksum(data, p.Checksum); err != nil || sum != p.Checksum {
		return nil, fmt.Errorf("read plan: %w: its checksum is %q, its content gives %q", ErrTampered, p.Checksum, sum)
	}
	if err := p.define(apis); err != nil {
		return nil, fmt.Errorf("read plan: %w", err)
	}
	p.normalize()
	if err := p.validate(); err != nil {
		return nil, fmt.Errorf("read plan: %w", err)
	}
	return &p, nil
}

// define finds the API that a plan is of. Until version 1.4 of the format there was but one, which plans did not name.
func (p *Plan) define(apis []*spec.API) error {
	if len(apis) == 0 {
		apis = spec.APIs()
	}
	p.API = cmp.Or(p.API, spec.ClickHouse.Name)
	known := make([]string, len(apis))
	for i, api := range apis {
		if known[i] = api.Name; api.Name == p.API {
			p.api = api
		}
	}
	if p.api == nil {
		return fmt.Errorf("it is of the API %q, and this orgctl knows %s: apply with the version that planned", p.API, strings.Join(known, ", "))
	}
	return nil
}

// normalize gives decoded values the types that trees hold.
func (p *Plan) normalize() {
	for i := range p.Changes {
		c := &p.Changes[i]
		for _, t := range []*spec.Tree{&c.Before, &c.After} {
			if *t != nil {
				*t, _ = spec.Normalize(*t).(spec.Tree)
			}
		}
		for j := range c.Fields {
			f := &c.Fields[j]
			f.Before, f.After = spec.Normalize(f.Before), spec.Normalize(f.After)
			for _, list := range [][]any{f.Add, f.Remove} {
				for k := range list {
					list[k] = spec.Normalize(list[k])
				}
			}
		}
	}
}

// validate holds a plan to the invariants of Change, so that nothing downstream meets a shape that Compute never makes.
func (p *Plan) validate() error {
	if digest := p.digest(); p.Digest != digest {
		return fmt.Errorf("%w: its digest is %s, its content gives %s", ErrTampered, p.Digest, digest)
	}
	seen := map[spec.Address]bool{}
	for _, c := range p.Changes {
		kind := p.Definition().Kind(c.Address.Kind)
		if kind == nil {
			return fmt.Errorf("%s: no such kind", c.Address)
		}
		if seen[c.Address] {
			return fmt.Errorf("%s: changed twice", c.Address)
		}
		for _, a := range c.DependsOn {
			if !seen[a] {
				return fmt.Errorf("%s: depends on %s, which does not come before it", c.Address, a)
			}
		}
		seen[c.Address] = true
		if !c.wellFormed(kind) {
			return fmt.Errorf("%s: not a well-formed %s", c.Address, c.Action)
		}
		if err := p.checkReferences(&c, kind); err != nil {
			return fmt.Errorf("%s: %w", c.Address, err)
		}
	}
	return nil
}

// checkReferences holds a change to saying which objects it means: as many as it names, of the kind that the field refers to,
// and live or made by a change before it. A plan that says of the change why it cannot be applied may leave them out.
func (p *Plan) checkReferences(c *Change, kind *spec.Kind) error {
	excused := slices.ContainsFunc(p.Findings, func(f Finding) bool { return f.Severity == SeverityError && f.Address == c.Address })
	count := map[string]int{}
	for _, ref := range c.References {
		f := kind.Field(ref.Path)
		if f == nil || f.Ref == "" || f.Ref != ref.Address.Kind || c.Action == Delete {
			return fmt.Errorf("%s refers to no %s", ref.Path, ref.Address.Kind)
		}
		if ref.ID == "" && c.gains(ref) && !slices.Contains(c.DependsOn, ref.Address) && !excused {
			return fmt.Errorf("%s refers to %s, which the plan does not create before it", ref.Path, ref.Address)
		}
		count[ref.Path]++
	}
	for i := range kind.Fields {
		f := &kind.Fields[i]
		value, _ := spec.Get(c.After, f.Path)
		sent := f.List == nil || c.Action == Create || c.field(f.Path) != nil
		if f.Ref != "" && sent && count[f.Path] != len(names(value)) && !excused {
			return fmt.Errorf("the plan does not say which objects its %s are: plan again", f.Path)
		}
	}
	return nil
}

func (c *Change) wellFormed(kind *spec.Kind) bool {
	for _, f := range c.Fields {
		field := kind.Field(f.Path)
		if field == nil || (field.List != nil) != f.List || !f.List && len(f.Add)+len(f.Remove) > 0 {
			return false
		}
	}
	if _, unfinished := c.Unfinished(); c.SetsPassword && (!unfinished || kind.Secret == nil || c.Action != Update) {
		return false
	}
	switch c.Action {
	case Create:
		return c.ID == "" && c.Before == nil && c.After != nil && len(c.Fields) == 0
	case Update:
		return c.ID != "" && c.Before != nil && c.After != nil && len(c.Fields) > 0
	case Delete:
		return c.ID != "" && c.Before != nil && c.After == nil && len(c.Fields) == 0
	default:
		return false
	}
}
