package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/orgctl/orgctl/pkg/apply"
	backend "github.com/orgctl/orgctl/pkg/apply/locktera"
	"github.com/orgctl/orgctl/pkg/client/locktera"
)

// inspect implements deletions.
func (l *lockteraCalls) inspect(ctx context.Context, id string) (node, error) {
	o, err := l.GetOrganization(ctx, id)
	if err == nil && o.ID != "" && o.ID != id {
		err = fmt.Errorf("%w: asked for %s, it answers with %s", apply.ErrOtherOrganization, id, o.ID)
	}
	return lockteraNode(id, o), err
}

func lockteraNode(id string, o locktera.Organization) node {
	return node{
		id: id, name: cmp.Or(o.Name, strings.TrimSpace(o.FirstName+" "+o.LastName), o.Email),
		role: o.Role, person: backend.IsPerson(o), above: []string{o.RootID, o.ParentID},
	}
}

// below implements deletions: the API lists no children, and records what becomes of them. Of entries nobody says in which order
// they are, but an id that was deleted does not come back.
func (l *lockteraCalls) below(ctx context.Context, id string) ([]node, error) {
	entries, err := l.ChildrenAudit(ctx, id, locktera.Paging{})
	if err != nil {
		return nil, err
	}
	nodes, deleted := map[string]node{}, map[string]bool{}
	for _, e := range entries {
		if e.OrgID == "" || e.OrgID == id {
			continue
		}
		if e.AddressID == "" && strings.EqualFold(e.Action, "delete") {
			deleted[e.OrgID] = true
		}
		n := nodes[e.OrgID]
		n.id = e.OrgID
		for _, data := range []json.RawMessage{e.OldData, e.NewData} { // of addresses, too, which have another id
			var o locktera.Organization
			if json.Unmarshal(data, &o) == nil && o.ID == e.OrgID {
				told := lockteraNode(e.OrgID, o)
				n.name, n.role = cmp.Or(told.name, n.name), cmp.Or(told.role, n.role)
			}
		}
		nodes[e.OrgID] = n
	}
	var below []node
	for _, n := range nodes {
		if !deleted[n.id] {
			below = append(below, n)
		}
	}
	slices.SortFunc(below, func(x, y node) int { return cmp.Or(cmp.Compare(x.name, y.name), cmp.Compare(x.id, y.id)) })
	return below, nil
}

// remove implements deletions.
func (l *lockteraCalls) remove(ctx context.Context, id string) error {
	return l.DeleteOrganization(ctx, id)
}
