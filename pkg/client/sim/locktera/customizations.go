package locktera

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

func getCustomizations(c *call) (any, error) { return c.viewCustomizations(), nil }

func (c *call) viewCustomizations() any {
	var view any = c.org.Custom
	if c.cfg.StoreFields {
		view = withStoreFields(view, c.org)
	}
	if c.cfg.WrappedCustomizations {
		view = map[string]any{customizationsField: view}
	}
	return view
}

// putCustomizations replaces the whole object, so that a client which sends only what it knows loses the rest, and one which
// sends what it read a moment ago undoes what somebody else has written since. There is no precondition to prevent that.
func putCustomizations(c *call) (any, error) {
	before := *c.org
	b := c.readBody()
	next := customizations(b.fields)
	if cmp.Or(c.cfg.PutBody, bare) == wrapped {
		raw, ok := b.take(customizationsField)
		if !ok {
			b.fail(badField(customizationsField, "is required"))
		}
		next = readCustomizations(b, raw)
		if err := b.done(c.cfg); err != nil {
			return nil, err
		}
	}
	if b.err != nil {
		return nil, b.err
	}
	if err := c.setCustomizations(next, cmp.Or(c.cfg.PutCustomizations, replaceIt) == mergeIt); err != nil {
		return nil, err
	}
	if err := c.st.record(c.user.ID, c.ip, c.now, &before, c.org, "update"); err != nil {
		return nil, err
	}
	return outcome{message: "Organization customizations updated successfully", object: c.viewCustomizations()}, nil
}

func (c *call) patchCustomizations(b *body, raw json.RawMessage) {
	next := readCustomizations(b, raw)
	mode := cmp.Or(c.cfg.PatchCustomizations, replaceIt)
	if b.err != nil || mode == ignoreIt {
		return
	}
	if err := c.setCustomizations(next, mode == mergeIt); err != nil {
		b.fail(err)
	}
}

func readCustomizations(b *body, raw json.RawMessage) customizations {
	var next customizations
	if err := json.Unmarshal(raw, &next); err != nil || next == nil {
		b.fail(badField(customizationsField, "must be an object"))
	}
	return next
}

// setCustomizations makes what was sent the customizations of the organization, as far as the server is willing.
func (c *call) setCustomizations(sent customizations, merge bool) error {
	current := c.org.Custom
	if c.cfg.ignores(customizationsField) {
		return nil
	}
	next := customizations{}
	if merge {
		next = maps.Clone(current)
	}
	for _, name := range slices.Sorted(maps.Keys(sent)) {
		value := sent[name]
		switch {
		case c.cfg.StoreFields && isStoreField(name):
			// The database has its own.
		case string(value) != "null" || cmp.Or(c.cfg.Nulls, keepIt) == keepIt:
			next[name] = value
		case c.cfg.Nulls == refuseIt:
			return badField(name, "must not be null")
		default:
			delete(next, name)
		}
	}
	for _, field := range c.cfg.IgnoredWrites {
		name, ok := strings.CutPrefix(field, customizationsField+".")
		if !ok {
			continue
		}
		if value, had := current[name]; had {
			next[name] = value
		} else {
			delete(next, name)
		}
	}
	c.org.Custom = next
	return nil
}
