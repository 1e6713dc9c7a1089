package sim

import (
	"crypto/sha1" //nolint:gosec // the API asks for a double SHA-1 for the MySQL protocol
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"regexp"
	"strings"

	"github.com/orgctl/orgctl/pkg/client/sim/internal/stage"
)

const nilUUID = "00000000-0000-0000-0000-000000000000"

var (
	uuidPattern  = regexp.MustCompile(`^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$`)
	doubleSHA1Re = regexp.MustCompile(`^[0-9a-f]{40}$`)
)

// derivedID makes a UUID that is the same whenever its parts are, for objects that are computed and not stored.
func derivedID(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return stage.FormatUUID([16]byte(sum[:16]))
}

func newKeyID() string     { return stage.RandomText(20) }
func newKeySecret() string { return "4b1d" + stage.RandomText(38) }

// newPassword ends in one character of each class, as a generated service password does.
func newPassword() string { return stage.RandomText(12) + "_aA1" }

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
