package main

import (
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain lets the test binary be orgctl: under that name, which it has on the PATH of every test, it runs the real main. As
// curl it is as much of that as the documentation needs.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"orgctl": main, "curl": curl})
}
