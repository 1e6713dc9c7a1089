package secrets

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/orgctl/orgctl/pkg/apply/store"
)

// Memory is a sink that lasts as long as the process: for an organization that does, too.
type Memory struct {
	mu      sync.Mutex
	records []Record
}

// NewMemory makes an empty one.
func NewMemory() *Memory { return &Memory{} }

// Find implements Sink.
func (m *Memory) Find(_ context.Context, q Query) ([]Record, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []Record
	for _, r := range m.records {
		if q.matches(r) && r.Version == m.highest(r) {
			out = append(out, r)
		}
	}
	slices.SortFunc(out, func(a, b Record) int { return strings.Compare(a.Mark, b.Mark) })
	return out, nil
}

// InForce implements Sink.
func (m *Memory) InForce(_ context.Context, scope store.Scope, kind, id string) []Record {
	return slices.DeleteFunc(m.Records(), func(r Record) bool { return !r.opens(scope, kind, id) })
}

// Store implements Sink.
func (m *Memory) Store(_ context.Context, r Record) (Record, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r.Version = m.highest(r) + 1
	m.records = append(m.records, r)
	return r, nil
}

// Confirm implements Sink.
func (m *Memory) Confirm(_ context.Context, r Record) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	i := slices.IndexFunc(m.records, func(o Record) bool { return sameMark(o, r) && o.Version == r.Version })
	if i < 0 {
		return fmt.Errorf("confirm the secret of %s %s: it was never stored", r.Kind, r.Name)
	}
	m.records[i] = r
	return nil
}

// Records gives all of them, in the order in which they were stored.
func (m *Memory) Records() []Record {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.records)
}

// highest is the highest version of a record's mark, 0 where there is none.
func (m *Memory) highest(r Record) int {
	version := 0
	for _, o := range m.records {
		if sameMark(o, r) {
			version = max(version, o.Version)
		}
	}
	return version
}

func sameMark(a, b Record) bool {
	return a.Scope == b.Scope && a.Kind == b.Kind && a.Name == b.Name && a.Mark == b.Mark
}
