package spec

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// byteOrderMark may begin a document. Anywhere else it is an invisible character.
const byteOrderMark = "\uFEFF"

// checkText refuses what is not UTF-8 (yaml.v3 reports it without a line) and what a reviewer cannot see: characters that end
// a line for a YAML reader and not for an editor, that turn the direction of text, or that show nothing. It gives the text
// without the byte order marks that begin its documents; files that were put together have several.
func checkText(f File) (text []byte, diags Diagnostics) {
	if bytes.HasPrefix(f.Data, []byte{0xff, 0xfe}) || bytes.HasPrefix(f.Data, []byte{0xfe, 0xff}) {
		return nil, Diagnostics{{
			Severity: SeverityError, Code: CodeEncoding, Message: "the file is UTF-16", Hint: "save it as UTF-8", Pos: posOfOffset(f, 0),
		}}
	}
	data := f.Data
	var marks []int // where those stand that begin a document
	for i := 0; i < len(data) && len(diags) <= maxDiagnostics; {
		if b := data[i]; b >= ' ' && b < 0x7f || b == '\n' || b == '\t' {
			i++
			continue
		}
		r, size := utf8.DecodeRune(data[i:])
		var message, hint string
		switch what := hidden(r); {
		case r == utf8.RuneError && size == 1:
			message, hint = fmt.Sprintf("byte 0x%02X is not UTF-8", data[i]), "save the file as UTF-8"
		case r == '\r' && bytes.HasPrefix(data[i+1:], []byte("\n")):
		case r == '\r':
			message, hint = "carriage return U+000D without a line feed", "end lines with LF or CRLF"
		case string(r) == byteOrderMark && beginsDocument(data, i):
			marks = append(marks, i)
		case what != "":
			message, hint = fmt.Sprintf("%s %U", what, r), hiddenHint
		}
		if message != "" {
			diags = append(diags, Diagnostic{
				Severity: SeverityError, Code: CodeEncoding, Message: message, Hint: hint, Pos: posOfOffset(f, i),
			})
		}
		i += size
	}
	return withoutMarks(data, marks), diags
}

const hiddenHint = "remove it: what nobody sees, nobody can review"

// hidden says what sort of character a reader cannot see, or "" for those that one can. Tabs and line feeds are seen.
func hidden(r rune) string {
	switch {
	case r == '\t' || r == '\n':
		return ""
	case unicode.IsControl(r):
		return "control character"
	case r == 0x2028:
		return "line separator"
	case r == 0x2029:
		return "paragraph separator"
	case r == 0x61c || r == 0x200e || r == 0x200f || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069:
		return "direction character"
	case r == 0xad, r == 0x180e, r >= 0x200b && r <= 0x200d, r >= 0x2060 && r <= 0x206f, r == 0xfeff, r >= 0xfff9 && r <= 0xfffb,
		r >= 0xe0000 && r <= 0xe007f: // the tags spell ASCII that is not shown
		return "invisible character"
	case r&0xfffe == 0xfffe: // as U+FFFE: the last two of every plane
		return "non-character"
	default:
		return ""
	}
}

// hiddenIn finds the first character of a value that an escape has put there and that no output can show.
func hiddenIn(value string) (what string, r rune) {
	for _, r := range value {
		if what := hidden(r); what != "" {
			return what, r
		}
	}
	return "", 0
}

// drawsNothing reports whether a character draws nothing. In a name it makes another object that prints alike; in a comment or a
// description it may have a use, as the selector that makes an emoji of a sign, and hides nothing. Such characters are all that
// Unicode calls ignorable by default, the fillers of Hangul among them, and the empty pattern of Braille.
func drawsNothing(r rune) bool {
	return r > unicode.MaxASCII && (r == 0x2800 || r >= 0x1bca0 && r <= 0x1bca3 || r >= 0x1d173 && r <= 0x1d17a ||
		unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector))
}

// beginsDocument says that a byte order mark stands where a document begins: at the start of the file, before a divider, or in
// the line below one.
func beginsDocument(data []byte, offset int) bool {
	if offset == 0 {
		return true
	}
	if data[offset-1] != '\n' {
		return false
	}
	above := data[:offset-1]
	above = above[bytes.LastIndexByte(above, '\n')+1:]
	above = bytes.TrimPrefix(above, []byte(byteOrderMark))
	return isDivider(above) && len(bytes.TrimSpace(above)) == len("---") || isDivider(data[offset+len(byteOrderMark):])
}

// isDivider says that a text begins with the line that divides documents.
func isDivider(text []byte) bool {
	rest, ok := bytes.CutPrefix(text, []byte("---"))
	return ok && (len(rest) == 0 || strings.IndexByte(" \t\r\n", rest[0]) >= 0)
}

func withoutMarks(data []byte, marks []int) []byte {
	if len(marks) == 0 {
		return data
	}
	text := make([]byte, 0, len(data))
	from := 0
	for _, mark := range marks {
		text = append(text, data[from:mark]...)
		from = mark + len(byteOrderMark)
	}
	return append(text, data[from:]...)
}

// conflictMarkers are the beginnings of the lines with which git marks what it could not merge.
var conflictMarkers = []string{"<<<<<<<", "|||||||", "=======", ">>>>>>>"}

// unmerged finds the first of the lines that a merge has left behind.
func unmerged(f File, text []byte) Diagnostics {
	first := -1
	for _, marker := range conflictMarkers {
		for from := 0; ; {
			i := bytes.Index(text[from:], []byte(marker))
			if i < 0 {
				break
			}
			at := from + i
			from = at + len(marker)
			begins := at == 0 || text[at-1] == '\n'
			ends := from == len(text) || strings.IndexByte(" \r\n", text[from]) >= 0
			if begins && ends {
				if first < 0 || at < first {
					first = at
				}
				break
			}
		}
	}
	if first < 0 {
		return nil
	}
	return Diagnostics{{
		Severity: SeverityError, Code: CodeSyntax, Pos: posOfOffset(File{Name: f.Name, Data: text}, first),
		Message: "an unresolved merge conflict",
		Hint:    "keep what is meant and remove the lines that begin with <<<<<<<, |||||||, ======= and >>>>>>>",
	}}
}

// posOfOffset turns a byte offset into line and column; columns count characters, as yaml.v3's do.
func posOfOffset(f File, offset int) Pos {
	before := f.Data[:offset]
	lineStart := bytes.LastIndexByte(before, '\n') + 1
	return Pos{
		File:   f.Name,
		Line:   bytes.Count(before, []byte("\n")) + 1,
		Column: utf8.RuneCount(before[lineStart:]) + 1,
	}
}
