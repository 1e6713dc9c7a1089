package sim

import (
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // the API asks for a double SHA-1 for the MySQL protocol
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"regexp"
	"strings"
)

const nilUUID = "00000000-0000-0000-0000-000000000000"

var (
	uuidPattern  = regexp.MustCompile(`^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$`)
	doubleSHA1Re = regexp.MustCompile(`^[0-9a-f]{40}$`)
)

// newID makes a random UUID, version 4.
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return formatUUID(b)
}

// derivedID makes a UUID that is the same whenever its parts are, for objects that are computed and not stored.
func derivedID(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return formatUUID([16]byte(sum[:16]))
}

func formatUUID(b [16]byte) string {
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	h := hex.EncodeToString(b[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

const alphanumeric = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

// randomText draws n characters of [A-Za-z0-9] without bias.
func randomText(n int) string {
	out := make([]byte, 0, n)
	buf := make([]byte, 2*n)
	for len(out) < n {
		_, _ = rand.Read(buf) // never fails
		for _, b := range buf {
			// 248 is the largest multiple of 62 in a byte: dropping the rest keeps every character equally likely.
			if b < 248 && len(out) < n {
				out = append(out, alphanumeric[b%62])
			}
		}
	}
	return string(out)
}

func newKeyID() string     { return randomText(20) }
func newKeySecret() string { return "4b1d" + randomText(38) }

// newPassword ends in one character of each class, as a generated service password does.
func newPassword() string { return randomText(12) + "_aA1" }

// sha256Base64 is the form in which the API takes and this package stores keys and passwords.
func sha256Base64(text string) string {
	sum := sha256.Sum256([]byte(text))
	return base64.StdEncoding.EncodeToString(sum[:])
}

func isSHA256Base64(text string) bool {
	raw, err := base64.StdEncoding.Strict().DecodeString(text)
	return err == nil && len(raw) == sha256.Size
}

// doubleSHA1Hex is the password hash of the MySQL protocol.
func doubleSHA1Hex(text string) string {
	once := sha1.Sum([]byte(text)) //nolint:gosec // see the import
	twice := sha1.Sum(once[:])     //nolint:gosec // see the import
	return hex.EncodeToString(twice[:])
}
