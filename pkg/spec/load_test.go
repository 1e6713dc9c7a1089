package spec_test

import (
	"encoding/json"
	"testing"

	"github.com/orgctl/orgctl/pkg/spec"
)

func TestTmp(t *testing.T) {
	files, diags := spec.Read([]string{"testdata/good"}, nil)
	for _, d := range diags {
		t.Log(d)
	}
	orgs, diags := spec.Load(files)
	for _, d := range diags {
		t.Log(d)
	}
	b, _ := json.MarshalIndent(orgs, "", " ")
	t.Log(string(b))
}
