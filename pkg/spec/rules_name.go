package spec

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

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

// checkSpelling refuses names that print like others, and warns of those that are valid and probably not meant, or that the API
// may refuse.
func (d *draft) checkSpelling() {
	if name, ok := d.scalars["name"].value.(string); ok {
		at := d.scalars["name"].in.at("name")
		d.checkVisible(name, at.pos())
		d.checkEnds(name, at.pos())
		d.warnTemplate(name, at)
	}
	for name, set := range d.sets {
		d.checkVisible(name, set.key)
	}
	d.checkReferences(d.defaults["privateEndpointIds"].value, d.defaults["privateEndpointIds"].in, "privateEndpointIds")
	for _, kind := range Kinds() {
		for _, e := range d.entries[kind.Collection] {
			_, field := naturalKey(kind.Collection, e)
			name := text(e.tree, field)
			d.checkEnds(name, e.at(field).pos())
			d.checkName(name, e.at(field))
			switch kind {
			case memberKind, invitationKind:
				d.warnEmail(name, e.at(field))
			case serviceKind:
				d.warnServiceName(e, name)
				d.checkName(text(e.tree, "warehouse"), e.at("warehouse"))
			}
			former, _ := e.tree["previously"].([]any)
			for i, f := range former {
				name, _ := f.(string)
				d.checkName(name, e.at("previously", i))
			}
			if field != "id" {
				d.checkVisible(text(e.tree, "id"), e.at("id").pos())
			}
			for _, list := range []string{"roles", "privateEndpointIds"} {
				d.checkReferences(e.tree[list], e.place, list)
			}
		}
	}
}

// checkName is for the name of an object, whether it is declared here or looked for among what is live.
func (d *draft) checkName(name string, at place) {
	d.checkVisible(name, at.pos())
	d.warnTemplate(name, at)
	if !norm.NFC.IsNormalString(name) {
		d.warn(CodeDecomposed, at.pos(), fmt.Sprintf("%s is spelled in another Unicode form than NFC and taken as if it were not", quoted(name)),
			"write é as one character, not as e and an accent: both print alike")
	}
}

func (d *draft) checkReferences(value any, in place, field string) {
	names, _ := value.([]any)
	for i, n := range names {
		name, _ := n.(string)
		d.checkVisible(name, in.at(field, i).pos())
	}
}

// checkVisible refuses what shows nothing and makes another object of a name.
func (d *draft) checkVisible(name string, pos Pos) {
	if i := strings.IndexFunc(name, drawsNothing); i >= 0 {
		r, _ := utf8.DecodeRuneInString(name[i:])
		d.report(CodeEncoding, pos, fmt.Sprintf("invisible character %U in a name", r), hiddenHint)
	}
}

// checkEnds refuses the spaces at the ends of a declared name that the pattern of the schema lets through: those beyond ASCII.
func (d *draft) checkEnds(name string, pos Pos) {
	if strings.TrimSpace(name) != name && strings.Trim(name, " \t\n\f\r") == name {
		d.report(CodeFormat, pos, spacedName+", not "+strconv.QuoteToASCII(name), "")
	}
}

const spacedName = "a name must be one line of text without spaces at its ends"

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
