package secrets

import (
	"context"
	"fmt"
	"slices"
	"sync"
)

// Memory is a sink that lasts as long as the process: for an organization that does, too.
type Memory struct {
	mu      sync.Mutex
	records []Record
}

// NewMemory makes an empty one.
func NewMemory() *Memory { return &Memory{} }

// Find implements Sink.
func (m *Memory) Find(_ context.Context, kind, name, mark string) ([]Record, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []Record
	for _, r := range m.records {
		if r.Kind == kind && r.Name == name && (mark == "" || r.Mark == mark) {
			out = append(out, r)
		}
	}
	return out, nil
}

// Store implements Sink.
func (m *Memory) Store(_ context.Context, r Record) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.index(r) >= 0 {
		return fmt.Errorf("store the secret of %s %s: there is one with mark %s", r.Kind, r.Name, r.Mark)
	}
	m.records = append(m.records, r)
	return nil
}

// Confirm implements Sink.
func (m *Memory) Confirm(_ context.Context, r Record) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	i := m.index(r)
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

func (m *Memory) index(r Record) int {
	return slices.IndexFunc(m.records, func(o Record) bool { return o.Kind == r.Kind && o.Name == r.Name && o.Mark == r.Mark })
}
