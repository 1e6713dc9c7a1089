package locktera

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/orgctl/orgctl/pkg/client/sim/internal/stage"
)

// outcome is what a write has to say: a message, as the pages of the documentation have it, or an object, as the OpenAPI
// document has it; without either, that document knows a 204 alone.
type outcome struct {
	message string
	object  any
	created bool // the object holds what cannot be had again, and is answered whatever the configuration says
}

func (c *call) written(o outcome) stage.Reply {
	style := c.cfg.writeReplies()
	switch {
	case o.created && style == spec:
		return c.reply(http.StatusCreated, o.object)
	case o.created:
		return c.reply(http.StatusOK, o.object)
	case style == empty:
		return stage.NewReply(http.StatusOK, "application/json; charset=utf-8", nil)
	case style == page && o.message != "":
		return stage.JSON(http.StatusOK, map[string]string{"message": o.message})
	case style == spec && o.object != nil:
		return c.reply(http.StatusOK, o.object)
	default:
		return stage.Reply{Status: http.StatusNoContent, Header: http.Header{}}
	}
}

// reply gives a result the form that the configuration asks for.
func (c *call) reply(status int, result any) stage.Reply {
	text, err := json.Marshal(result)
	if err != nil {
		return c.cfg.failure(err)
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var tree any
	if err := dec.Decode(&tree); err != nil {
		return c.cfg.failure(err)
	}
	switch v := tree.(type) {
	case map[string]any:
		c.cfg.bend(v)
	case []any:
		if v, err = c.page(v); err != nil {
			return c.cfg.failure(err)
		}
		for _, element := range v {
			if o, ok := element.(map[string]any); ok {
				c.cfg.bend(o)
			}
		}
		tree = v
		if c.cfg.Envelope != "" {
			tree = map[string]any{c.cfg.Envelope: v}
		}
	}
	return stage.JSON(status, tree)
}

// bend takes from an object and adds to it.
func (c Config) bend(o map[string]any) {
	for _, field := range c.OmittedFields {
		delete(o, field)
	}
	if c.FutureFields {
		o["field_of_the_future"] = map[string]any{"enabled": true}
	}
}

// page cuts a list, if the configuration honours that.
func (c *call) page(list []any) ([]any, error) {
	if !c.cfg.Paging {
		return list, nil
	}
	number, limit := 1, max(len(list), 1)
	for name, into := range map[string]*int{"page": &number, "limit": &limit} {
		if !c.query.Has(name) {
			continue
		}
		n, err := strconv.Atoi(c.query.Get(name))
		if err != nil || n < 1 {
			return nil, badField(name, "must be a whole number from 1")
		}
		*into = n
	}
	from := len(list)
	if number <= len(list)/limit+1 { // beyond that, the product might not fit
		from = min((number-1)*limit, len(list))
	}
	return list[from:min(from+min(limit, len(list)), len(list))], nil
}

// latest is a list as the documents may show it: whole, or only its last element, which is null where there is none.
func latest[T any](list []T, whole bool) any {
	switch {
	case whole:
		return append([]T{}, list...)
	case len(list) == 0:
		return nil
	default:
		return list[len(list)-1]
	}
}

// hollow empties the objects of a list. An answer without a list stays as it is.
func hollow(rep stage.Reply) stage.Reply {
	var list []map[string]any
	if rep.Status != http.StatusOK || json.Unmarshal(rep.Body, &list) != nil {
		return rep
	}
	for _, o := range list {
		clear(o)
	}
	return stage.JSON(rep.Status, list)
}
