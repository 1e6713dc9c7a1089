package client

import (
	"bytes"
	"encoding/base64"
	"errors"
	"slices"
	"strings"
)

// mask hides the credentials of a client in what others have written: a server or a proxy may quote what it was sent.
type mask struct {
	secret   []string // the forms in which the secret would be quoted
	replacer *strings.Replacer
}

// shortest is the length from which a text is taken for a credential. Shorter ones occur by chance.
const shortest = 8

func newMask(c Credentials) mask {
	key := c.KeySecret.Reveal()
	secret := slices.Concat(quoted(c.KeyID+":"+key), quoted(key))
	var pairs []string
	for _, form := range slices.Concat(secret, quoted(c.KeyID)) {
		pairs = append(pairs, form, redacted)
	}
	return mask{secret, strings.NewReplacer(pairs...)}
}

// quoted are the forms of a credential: as it is and in base64, also as JSON may escape that. Padding tells nothing.
func quoted(text string) []string {
	if len(text) < shortest {
		return nil
	}
	standard := base64.RawStdEncoding.EncodeToString([]byte(text))
	return []string{text, standard, strings.ReplaceAll(standard, "/", `\/`), base64.RawURLEncoding.EncodeToString([]byte(text))}
}

func (m mask) text(s string) string { return m.replacer.Replace(s) }

// body gives a body without credentials. Nothing but a quotation holds the secret, while the id alone may be part of a name.
func (m mask) body(b []byte) []byte {
	if !slices.ContainsFunc(m.secret, func(form string) bool { return bytes.Contains(b, []byte(form)) }) {
		return b
	}
	return []byte(m.text(string(b)))
}

// err is an error whose text may quote what was sent.
func (m mask) err(err error) error {
	if text := m.text(err.Error()); text != err.Error() {
		return &maskedError{text, err}
	}
	return err
}

// maskedError is an error with another text. It answers errors.Is for what it stands for and gives no way to that text.
type maskedError struct {
	text string
	err  error
}

func (e *maskedError) Error() string { return e.text }

func (e *maskedError) Is(target error) bool { return errors.Is(e.err, target) }
