package secrets

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
)

// fileName is what the name of a record's file says: NAME.MARK[.VERSION].json[.age], the version from 2 on. Name and mark are
// encoded, so that a dot always separates.
type fileName struct {
	name, mark string
	version    int
	encrypted  bool
}

func (f fileName) String() string {
	s := f.name + "." + f.mark
	if f.version > 1 {
		s += "." + strconv.Itoa(f.version)
	}
	s += ".json"
	if f.encrypted {
		s += ".age"
	}
	return s
}

// parseFileName takes nothing but what String gives: files of other names are not records.
func parseFileName(s string) (fileName, bool) {
	f := fileName{version: 1}
	stem, encrypted := strings.CutSuffix(s, ".age")
	f.encrypted = encrypted
	stem, isRecord := strings.CutSuffix(stem, ".json")
	parts := strings.Split(stem, ".")
	if !isRecord || len(parts) < 2 || len(parts) > 3 || parts[0] == "" {
		return f, false
	}
	f.name, f.mark = parts[0], parts[1]
	if len(parts) == 3 {
		f.version, _ = strconv.Atoi(parts[2])
	}
	return f, f.version > 0 && f.String() == s
}

// encode percent-encodes every byte but ASCII letters, digits, hyphens and underscores: what is left is a file name
// everywhere, and never a path, a hidden file or an option.
func encode(text string) string {
	var b strings.Builder
	for i := range len(text) {
		c := text[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '_', c == '-' && i > 0:
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// maxName is how many bytes an encoded name may take: a file name has 255, and the rest is for mark, version and endings.
const maxName = 200

// encodeName encodes the name of an object. One that would be too long is cut and ends in a hash of the whole, behind a
// character that nothing else is encoded to.
func encodeName(name string) string {
	whole := encode(name)
	if len(whole) <= maxName {
		return whole
	}
	hash := sha256.Sum256([]byte(name))
	end := "~" + hex.EncodeToString(hash[:16])
	head := whole[:maxName-len(end)]
	if cut := strings.LastIndexByte(head, '%'); cut > len(head)-3 {
		head = head[:cut] // half an encoded byte
	}
	return head + end
}
