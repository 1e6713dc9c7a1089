package diff

import (
	"slices"
	"strings"

	"github.com/orgctl/orgctl/pkg/spec"
)

// field is the change of one field, nil where the field stays as it is.
func (c *Change) field(path string) *FieldChange {
	for i := range c.Fields {
		if c.Fields[i].Path == path {
			return &c.Fields[i]
		}
	}
	return nil
}

// changes reports whether a change is of a live object.
func (c *Change) changes(r *spec.Resource) bool {
	return c.Action != Create && c.Address.Kind == r.Address.Kind && c.ID == r.ID
}

// MakesSecret reports whether applying the change, which is of a plan of that API, makes a secret, which is seen only once.
func (c *Change) MakesSecret(api *spec.API) bool {
	made := api.Kind(c.Address.Kind).Secret
	return c.SetsPassword || c.Action == Create && made != nil && made(c.After)
}

// gains reports that a change begins to refer to something, rather than merely resting on it.
func (c *Change) gains(ref Reference) bool { return c.Action == Create || c.field(ref.Path) != nil }

// renames reports that a change gives a live object another name.
func (c *Change) renames() bool { return c.Action == Update && c.field("name") != nil }

// withdraws reports that a change takes the object out of use, if only for a moment: what is registered anew to change it is
// away meanwhile.
func (c *Change) withdraws(api *spec.API) bool {
	kind := api.Kind(c.Address.Kind)
	return c.Action == Delete || c.Action == Update && (kind.Registered || slices.ContainsFunc(kind.Fields, func(f spec.Field) bool {
		return f.OutOfUse != nil && c.sets(f.Path, f.OutOfUse)
	}))
}

func (c *Change) sets(path string, value any) bool {
	if c.Action == Create {
		got, ok := spec.Get(c.After, path)
		return ok && got == value
	}
	return slices.ContainsFunc(c.Fields, func(f FieldChange) bool { return f.Path == path && f.After == value })
}

func (c *Change) grants(api *spec.API, role string) bool {
	given, _ := c.roles(api)
	return hasRole(given, role)
}

func (c *Change) revokes(api *spec.API, role string) bool {
	_, taken := c.roles(api)
	return hasRole(taken, role)
}

// roles are those that a change gives to an object that is there, and those that it takes from it.
func (c *Change) roles(api *spec.API) (given, taken []any) {
	f := api.Kind(c.Address.Kind).Roles()
	if f == nil {
		return nil, nil
	}
	if c.Action == Delete {
		taken, _ = c.Before[f.Path].([]any)
		return nil, taken
	}
	if change := c.field(f.Path); change != nil {
		return change.Add, change.Remove
	}
	return nil, nil
}

func hasRole(roles []any, role string) bool {
	return slices.ContainsFunc(roles, func(r any) bool {
		s, ok := r.(string)
		return ok && strings.EqualFold(s, role)
	})
}

func (c *Change) follows(other *Change) { c.DependsOn = append(c.DependsOn, other.Address) }

// after reports that a change is not begun before another one is done.
func (c *Change) after(other *Change) bool { return slices.Contains(c.DependsOn, other.Address) }
