package spec

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
)

// maxDiagnostics is how many problems one run reports. Past it they are mostly one mistake over and over.
const maxDiagnostics = 200

// Load turns manifest files into the desired state of every organization that they declare, sorted by name. It is pure: the
// same files give the same value, in whatever order they come.
//
// When anything is wrong it returns no organization and every problem of all files, sorted by place: what cannot be read,
// what the schema refuses and what breaks a rule. Warnings alone do not withhold organizations.
//
// Trees of the result may share parts (an IP set is expanded into the same entries everywhere); Clone before changing one.
//
// The API of an organization is that of spec.api, one of those given or, where none is given, of all that there are.
func Load(files []File, apis ...*API) ([]*Organization, Diagnostics) {
	if len(apis) == 0 {
		apis = APIs()
	}
	organizations, diags := load(files, apis)
	return organizations, capped(diags)
}

// load is Load with every problem, however many there are.
func load(files []File, apis []*API) ([]*Organization, Diagnostics) {
	var (
		diags    Diagnostics
		docs     = map[string][]document{} // by metadata.name
		found    int
		complete = true
	)
	files = slices.SortedStableFunc(slices.Values(files), func(a, b File) int { return cmp.Compare(a.Name, b.Name) })
	for _, f := range files {
		parsed, ok, problems := parse(f)
		complete = complete && ok
		diags = append(diags, problems...)
		for _, doc := range parsed {
			if doc.value == nil {
				continue
			}
			found++
			root, _ := doc.value.(Tree)
			metadata, _ := root["metadata"].(Tree)
			name := text(metadata, "name")
			docs[name] = append(docs[name], doc)
		}
	}
	if found == 0 && complete {
		diags = append(diags, nothingFound(files)...)
	}

	unread := places(diags)
	var organizations []*Organization
	for _, name := range slices.Sorted(maps.Keys(docs)) {
		api, problems := choose(apis, docs[name])
		diags = append(diags, problems...)
		if api == nil {
			continue
		}
		manifests, problems := validated(api, docs[name], unread)
		diags = append(diags, problems...)
		if len(manifests) == 0 {
			continue
		}
		d := newDraft(api, manifests, complete)
		d.check()
		organizations = append(organizations, d.resolve(name))
		diags = append(diags, d.diags...)
	}
	diags = settled(diags).Sort()
	if diags.HasErrors() {
		return nil, diags
	}
	return organizations, diags
}

// validated holds documents to the schema of an API and gives those that are manifests. Of values that the reader of the YAML has
// already refused nothing more is said.
func validated(api *API, docs []document, unread map[Pos]bool) (manifests []document, diags Diagnostics) {
	for _, doc := range docs {
		refused := slices.DeleteFunc(validate(api, doc), func(d Diagnostic) bool { return unread[d.Pos] })
		diags = append(diags, refused...)
		if _, isObject := doc.value.(Tree); isObject && !hasCode(refused, CodeNotManifest) {
			manifests = append(manifests, doc)
		}
	}
	return manifests, diags
}

func places(diags Diagnostics) map[Pos]bool {
	out := make(map[Pos]bool, len(diags))
	for _, d := range diags {
		out[d.Pos] = true
	}
	return out
}

func hasCode(diags Diagnostics, code string) bool {
	return slices.ContainsFunc(diags, func(d Diagnostic) bool { return d.Code == code })
}

func nothingFound(files []File) Diagnostics {
	if len(files) == 0 {
		return Diagnostics{{Severity: SeverityError, Code: CodeNoManifest, Message: "there is no manifest to load"}}
	}
	var diags Diagnostics
	for _, f := range files {
		diags = append(diags, Diagnostic{
			Severity: SeverityError, Code: CodeNoManifest, Pos: Pos{File: f.Name, Line: 1, Column: 1},
			Message: "the file holds no manifest", Hint: "begin with apiVersion: orgctl/v1",
		})
	}
	return diags
}

// settled drops the warnings about what an error has been said of.
func settled(diags Diagnostics) Diagnostics {
	wrong := map[Pos]bool{}
	for _, d := range diags {
		if d.Severity == SeverityError {
			wrong[d.Pos] = true
		}
	}
	return slices.DeleteFunc(diags, func(d Diagnostic) bool { return d.Severity == SeverityWarning && wrong[d.Pos] })
}

// capped bounds errors and warnings apart: many warnings neither hide an error nor become one.
func capped(diags Diagnostics) Diagnostics {
	kept := make(Diagnostics, 0, len(diags))
	count := map[Severity]int{}
	for _, d := range diags {
		if count[d.Severity]++; count[d.Severity] <= maxDiagnostics {
			kept = append(kept, d)
		}
	}
	for _, severity := range []Severity{SeverityError, SeverityWarning} {
		if more := count[severity] - maxDiagnostics; more > 0 {
			rest := Diagnostic{Severity: severity, Code: CodeTooMany, Message: fmt.Sprintf("and %d more warnings", more)}
			if severity == SeverityError {
				rest.Message, rest.Hint = fmt.Sprintf("and %d more problems", more), "correct the ones above first"
			}
			kept = append(kept, rest)
		}
	}
	return kept
}
