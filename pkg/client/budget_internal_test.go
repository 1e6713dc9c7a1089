package client

import (
	"errors"
	"io"
	"strings"
	"testing"
)

// TestBudget: bodies that are held at one time fit into the budget together; what has been given back counts no more.
func TestBudget(t *testing.T) {
	b := budget{limit: 100}
	read := func(n int) (*share, error) {
		s := &share{of: &b}
		_, err := io.ReadAll(s.reader(strings.NewReader(strings.Repeat("x", n))))
		return s, err
	}
	first, err := read(60)
	if err != nil {
		t.Fatal(err)
	}
	second, err := read(41)
	if !errors.Is(err, errTooLarge) {
		t.Errorf("101 bytes at one time: %v", err)
	}
	second.giveBack()
	if _, err := read(40); err != nil {
		t.Errorf("100 bytes at one time: %v", err)
	}
	first.giveBack()
	first.giveBack()
	if _, err := read(61); !errors.Is(err, errTooLarge) {
		t.Errorf("101 bytes, of which 60 have been given back once: %v", err)
	}
}
