package spec

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// CanonicalName is the one form of a name that can be written in several: composed characters (Unicode's NFC), since é and e
// with a combining accent print alike.
func CanonicalName(name string) string { return norm.NFC.String(name) }

// equalName compares names in their canonical form.
func equalName(a, b any) bool {
	x, _ := a.(string)
	y, _ := b.(string)
	return CanonicalName(x) == CanonicalName(y)
}

var (
	// serviceNames are the names that the API is known to take; its document allows letters, digits and spaces only (FACTS 5.1).
	serviceNames = regexp.MustCompile(`^[A-Za-z0-9 ._-]+$`)
	// template is what a template engine would have replaced.
	template = regexp.MustCompile(`\$\{|\{\{`)
)

// checkSpelling warns of names that are valid and probably not meant, or that the API may refuse.
func (d *draft) checkSpelling() {
	if name, ok := d.scalars["name"].value.(string); ok {
		d.warnTemplate(name, d.scalars["name"].in.at("name"))
	}
	for _, kind := range Kinds() {
		for _, e := range d.entries[kind.Collection] {
			name, field := text(e.tree, "name"), "name"
			switch kind {
			case memberKind, invitationKind:
				name, field = text(e.tree, "email"), "email"
				d.warnEmail(name, e.at(field))
			case privateEndpointKind:
				name, field = text(e.tree, "id"), "id"
			case serviceKind:
				d.warnServiceName(e, name)
				d.warnName(text(e.tree, "warehouse"), e.at("warehouse"))
			}
			d.warnName(name, e.at(field))
			former, _ := e.tree["previously"].([]any)
			for i, f := range former {
				name, _ := f.(string)
				d.warnName(name, e.at("previously", i))
			}
		}
	}
}

func (d *draft) warnName(name string, at place) {
	d.warnTemplate(name, at)
	if !norm.NFC.IsNormalString(name) {
		d.warn(CodeDecomposed, at.pos(), fmt.Sprintf("%s is spelled in another Unicode form than NFC and taken as if it were not", quoted(name)),
			"write é as one character, not as e and an accent: both print alike")
	}
}

func (d *draft) warnTemplate(name string, at place) {
	if template.MatchString(name) {
		d.warn(CodeTemplate, at.pos(), fmt.Sprintf("%s is taken literally: manifests are no templates", quoted(name)),
			"render the manifest before it is given to orgctl")
	}
}

func (d *draft) warnServiceName(e entry, name string) {
	if name != "" && !e.absent() && !serviceNames.MatchString(CanonicalName(name)) && !template.MatchString(name) {
		d.warn(CodeDoubtful, e.at("name").pos(), fmt.Sprintf("the API may refuse the service name %s", quoted(name)),
			"letters, digits, spaces, dots, hyphens and underscores are known to work")
	}
}

func (d *draft) warnEmail(email string, at place) {
	_, domain, ok := strings.Cut(email, "@")
	switch {
	case !ok || template.MatchString(email):
	case !strings.Contains(domain, "."):
		d.warn(CodeDoubtful, at.pos(), fmt.Sprintf("the API may refuse the e-mail address %s", quoted(email)), "its domain has no dot")
	case strings.ContainsFunc(email, func(r rune) bool { return r > unicode.MaxASCII }):
		d.warn(CodeDoubtful, at.pos(), fmt.Sprintf("the API may refuse the e-mail address %s", quoted(email)), "it has letters outside ASCII")
	}
}
