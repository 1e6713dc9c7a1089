package secret

import (
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // the API defines the MySQL password hash as SHA-1 twice
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strings"
)

const (
	lower        = "abcdefghijklmnopqrstuvwxyz"
	upper        = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	digits       = "0123456789"
	alphanumeric = lower + upper + digits
)

// Lengths and the prefix are those of the values ClickHouse Cloud generates itself; secret scanners recognise a key secret
// by that prefix.
const (
	keyIDLength     = 20
	keySecretPrefix = "4b1d"
	keySecretLength = 38 // after the prefix
	passwordLength  = 32
)

// KeyID generates the id of an API key: 20 characters of [A-Za-z0-9].
func KeyID() Value { return New(random(keyIDLength)) }

// KeySecret generates the secret of an API key: "4b1d" and 38 characters of [A-Za-z0-9].
func KeySecret() Value { return New(keySecretPrefix + random(keySecretLength)) }

// Password generates the password of a service: 32 characters of [A-Za-z0-9], among them at least one lower-case letter,
// one upper-case letter and one digit, so that it passes any policy that counts these classes.
func Password() Value {
	for {
		// Drawing again keeps every acceptable password equally likely, which patching a character in would not.
		s := random(passwordLength)
		if strings.ContainsAny(s, lower) && strings.ContainsAny(s, upper) && strings.ContainsAny(s, digits) {
			return New(s)
		}
	}
}

// random returns n characters, each drawn uniformly from alphanumeric.
func random(n int) string {
	// Bytes from here on are thrown away: with them the first characters of the alphabet would come up more often.
	const limit = 256 - 256%len(alphanumeric)

	text := make([]byte, 0, n)
	buffer := make([]byte, 2*n)
	for {
		// Read never fails: without randomness it ends the program.
		_, _ = rand.Read(buffer)
		for _, b := range buffer {
			if len(text) == n {
				return string(text)
			}
			if int(b) < limit {
				text = append(text, alphanumeric[int(b)%len(alphanumeric)])
			}
		}
	}
}

// SHA256Base64 returns the hash the API takes in place of a password (newPasswordHash), of a key id (keyIdHash) and of a
// key secret (keySecretHash): standard base64, padded, of the SHA-256 of the bytes of v; 44 characters.
func SHA256Base64(v Value) string {
	sum := sha256.Sum256([]byte(v.Reveal()))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// DoubleSHA1Hex returns the hash the API takes for the MySQL protocol (newDoubleSha1Hash): lower-case hex of the SHA-1 of
// the SHA-1 of the bytes of v; 40 characters.
func DoubleSHA1Hex(v Value) string {
	once := sha1.Sum([]byte(v.Reveal())) //nolint:gosec // see the import
	twice := sha1.Sum(once[:])           //nolint:gosec // see the import
	return hex.EncodeToString(twice[:])
}
