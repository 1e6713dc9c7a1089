package spec

import (
	"bytes"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// lineReader hands out a text one line at a time and so tells how far a parser had to read. With whole set it hands out as
// much as asked for.
type lineReader struct {
	rest  []byte
	whole bool
	lines int
	mid   bool // within a line
}

func (r *lineReader) Read(p []byte) (int, error) {
	if len(r.rest) == 0 {
		return 0, io.EOF
	}
	chunk := r.rest
	if !r.whole {
		if i := bytes.IndexByte(chunk, '\n'); i >= 0 {
			chunk = chunk[:i+1]
		}
		if !r.mid {
			r.lines++
		}
	}
	n := copy(p, chunk)
	r.mid = n < len(chunk)
	r.rest = r.rest[n:]
	return n, nil
}

type syntaxError struct{ fragment, message, hint string }

var plainTab = syntaxError{"found a tab character", "a tab in the indentation", "indent with spaces"}

// plainSyntax says in a user's words what yaml.v3 says in a parser's.
var plainSyntax = []syntaxError{
	plainTab,
	{"found character that cannot start any token", "a value cannot begin with this character", "put the value in quotes"},
	{"mapping values are not allowed", "a key is not expected here", "check the indentation, or put a value that holds \": \" in quotes"},
	{"could not find expected ':'", "a key without a colon", "write KEY: VALUE"},
	{"did not find expected key", "the indentation does not fit what stands above, or a quote or bracket ends early", ""},
	{"did not find expected '-' indicator", "a list goes on with something that is no list element", "begin it with \"- \", or check the indentation"},
	{"did not find expected ',' or ']'", "a list that began with [ is not closed", "add ] or a comma"},
	{"did not find expected ',' or '}'", "an object that began with { is not closed", "add } or a comma"},
	{"found unexpected end of stream", "a quote is not closed", ""},
	{"found unexpected document indicator", "a quote is not closed before the document ends", ""},
	{"found unknown escape character", "an unknown escape in double quotes", `use single quotes, or write \\ for a backslash`},
	{"found invalid Unicode character escape code", "an escape that is no character", "write the character itself"},
	{"exceeded max depth", "too many levels of nesting", ""},
}

var (
	yamlLine      = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)$`)
	unknownAnchor = regexp.MustCompile(`^unknown anchor '(.*)' referenced$`)
)

// syntaxDiagnostic locates an error of the YAML parser. The parser's own line is missing for the first line, one too small
// for some errors and that of an enclosing object for others, so the place is found by parsing again, line by line.
func syntaxDiagnostic(file string, text []byte, err error) Diagnostic {
	match := yamlLine.FindStringSubmatch(err.Error())
	if match == nil {
		match = []string{"", "", err.Error()}
	}
	reported, _ := strconv.Atoi(match[1])
	d := Diagnostic{Severity: SeverityError, Code: CodeSyntax, Message: "not valid YAML: " + match[2]}
	for _, p := range plainSyntax {
		if strings.Contains(match[2], p.fragment) {
			d.Message, d.Hint = p.message, p.hint
			break
		}
	}

	lines := strings.Split(string(text), "\n")
	line := min(failingLine(text, match[2]), len(lines))
	mark := -1 // byte offset in the line
	anchor := unknownAnchor.FindStringSubmatch(match[2])
	switch {
	case anchor != nil:
		d.Code, d.Message = CodeAlias, fmt.Sprintf("alias *%s names no anchor above it", clip(anchor[1]))
		d.Hint = fmt.Sprintf("put &%s before the value that is meant", clip(anchor[1]))
		for line > 1 && !strings.Contains(lines[line-1], "*"+anchor[1]) {
			line-- // the parser looks ahead, never back
		}
		mark = strings.Index(lines[line-1], "*"+anchor[1])
	case strings.Contains(d.Message, "quote is not closed"):
		line = openQuote(lines, reported)
		mark = strings.LastIndexAny(lines[line-1], `"'`)
	case strings.Contains(match[2], "cannot start any token"):
		if strings.HasPrefix(strings.TrimLeft(lines[line-1], " "), "\t") {
			d.Message, d.Hint = plainTab.message, plainTab.hint
			mark = strings.IndexByte(lines[line-1], '\t')
		} else {
			mark = strings.IndexAny(lines[line-1], "@`%")
		}
	case strings.Contains(match[2], "mapping values are not allowed"):
		mark = strings.LastIndexByte(lines[line-1], ':')
	case strings.Contains(match[2], "exceeded max depth"):
		d.Code = CodeNesting
	}
	if mark < 0 {
		mark = len(lines[line-1]) - len(strings.TrimLeft(lines[line-1], " \t"))
	}
	d.Pos = Pos{File: file, Line: line, Column: utf8.RuneCountInString(lines[line-1][:mark]) + 1}
	return d
}

// lookahead is how many lines the parser may read past a fault before it sees it.
const lookahead = 3

// failingLine is the line that the parser cannot get past: the last one that it read, or an earlier one if the text up to
// there is already at fault in the same way.
func failingLine(text []byte, problem string) int {
	last, _ := parsedLines(text)
	for range lookahead {
		if last <= 1 {
			break
		}
		_, err := parsedLines(firstLines(text, last-1))
		if err == nil || !strings.HasSuffix(err.Error(), problem) {
			break
		}
		last--
	}
	return max(last, 1)
}

func firstLines(text []byte, n int) []byte {
	end := 0
	for range n {
		i := bytes.IndexByte(text[end:], '\n')
		if i < 0 {
			return text
		}
		end += i + 1
	}
	return text[:end]
}

// openQuote is the line of the quote that is never closed. The parser reports it unless it is the first line; then it
// reports the end of the text.
func openQuote(lines []string, reported int) int {
	if reported > 1 && reported <= len(lines) && strings.ContainsAny(lines[reported-1], `"'`) {
		return reported
	}
	return 1
}
