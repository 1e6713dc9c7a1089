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

// template is what a template engine would have replaced.
var template = regexp.MustCompile(`\$\{|\{\{`)

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
	for _, kind := range d.api.Kinds {
		d.checkReferences(kind, func(key string) (setting, bool) { s, ok := d.defaults[kind.Defaults][key]; return s, ok })
		for _, o := range d.objects[kind.Collection] {
			field := kind.NameField()
			name := text(o.tree, field)
			d.checkEnds(name, o.at(field).pos())
			d.checkName(name, o.at(field))
			if d.api.People.Has(kind.Name) {
				d.warnEmail(name, o.at(field))
			}
			former, _ := o.tree["previously"].([]any)
			for i, f := range former {
				name, _ := f.(string)
				d.checkName(name, o.at("previously", i))
			}
			if field != "id" {
				d.checkVisible(text(o.tree, "id"), o.at("id").pos())
			}
			d.checkReferences(kind, o.written)
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

// checkReferences is for the names of other objects that an object of a kind says.
func (d *draft) checkReferences(kind *Kind, said func(key string) (setting, bool)) {
	for _, f := range kind.Fields {
		s, ok := said(f.Path)
		if f.Ref == "" || !ok {
			continue
		}
		if f.List == nil {
			name, _ := s.value.(string)
			d.checkName(name, s.in.at(f.Path))
			continue
		}
		names, _ := s.value.([]any)
		for i, n := range names {
			name, _ := n.(string)
			d.checkVisible(name, s.in.at(f.Path, i).pos())
		}
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
