package view_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/orgctl/orgctl/cmd/orgctl/internal/view"
	"github.com/orgctl/orgctl/pkg/diff"
	"github.com/orgctl/orgctl/pkg/spec"
)

func BenchmarkTmp(b *testing.B) {
	var changes []diff.Change
	for i := range 1000 {
		c := createService()
		c.Address.Name = fmt.Sprint("s", i)
		var l []any
		for j := range 100 {
			l = append(l, spec.Tree{"source": fmt.Sprintf("10.%d.%d.0/24", i%256, j), "description": "some office"})
		}
		c.After["ipAccessList"] = l
		changes = append(changes, c)
	}
	p := planOf(diff.Plan{Changes: changes})
	for _, f := range view.Formats() {
		b.Run(f, func(b *testing.B) {
			for b.Loop() {
				var w bytes.Buffer
				_ = view.RenderPlan(f, &w, p, view.Options{})
				b.SetBytes(int64(w.Len()))
			}
		})
	}
}
