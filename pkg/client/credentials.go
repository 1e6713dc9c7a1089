package client

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"unicode"

	"github.com/orgctl/orgctl/pkg/client/secret"
)

// Credentials are an API key. KeyID is "" where a key is one text, as it is for Bearer.
type Credentials struct {
	KeyID     string
	KeySecret secret.Value
}

// Scheme is how requests show an API key.
type Scheme int

// The schemes that there are: HTTP Basic authentication by the id and the secret of a key, and bearer tokens (RFC 6750).
const (
	Basic Scheme = iota
	Bearer
)

func (s Scheme) check(c Credentials) error {
	if s == Bearer {
		if c.KeySecret.Empty() {
			return errors.New("API key is missing")
		}
		return CheckKey(c.KeySecret.Reveal())
	}
	if c.KeyID == "" || c.KeySecret.Empty() {
		return errors.New("API key: id or secret is missing")
	}
	return errors.Join(CheckKeyID(c.KeyID), CheckKeySecret(c.KeySecret.Reveal()))
}

func (s Scheme) authorize(h http.Header, c Credentials) {
	if s == Bearer {
		h.Set("Authorization", "Bearer "+c.KeySecret.Reveal())
		return
	}
	r := http.Request{Header: h}
	r.SetBasicAuth(c.KeyID, c.KeySecret.Reveal())
}

// CheckKeyID tells what keeps an id from being that of an API key and would only show as a refusal of the key.
func CheckKeyID(id string) error {
	if strings.Contains(id, ":") {
		return errors.New("the API key's id has a colon, which HTTP Basic authentication cannot carry")
	}
	return checkKeyPart("API key's id", id)
}

// CheckKeySecret is CheckKeyID for the secret, which its error does not show.
func CheckKeySecret(key string) error { return checkKeyPart("API key's secret", key) }

// CheckKey is CheckKeySecret for a key that is one text.
func CheckKey(key string) error { return checkKeyPart("API key", key) }

func checkKeyPart(part, text string) error {
	for i, r := range []rune(text) {
		if unicode.IsSpace(r) || !unicode.IsGraphic(r) {
			return fmt.Errorf("character %d of the %s is white space or does not print", i+1, part)
		}
	}
	return nil
}
