package main

import (
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain lets the test binary be orgctl: under that name, which it has on the PATH of every test, it runs the real main.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"orgctl": main})
}
