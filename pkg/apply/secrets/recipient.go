package secrets

import (
	"errors"
	"fmt"
	"strings"

	"filippo.io/age"
	"filippo.io/age/agessh"
)

// ParseRecipient reads the public key that a Dir encrypts to: an age recipient (age1…, age1pq1…), or an SSH public key as it
// stands in a .pub file (ssh-ed25519 … or ssh-rsa …).
func ParseRecipient(text string) (age.Recipient, error) {
	text = strings.TrimSpace(text)
	switch {
	case strings.HasPrefix(text, "ssh-"):
		r, err := agessh.ParseRecipient(text)
		if err != nil {
			return nil, fmt.Errorf("%q is not an SSH public key to encrypt to: it must be ssh-ed25519 or ssh-rsa", text)
		}
		return r, nil
	case strings.HasPrefix(text, "age1pq1"):
		return recipient(age.ParseHybridRecipient(text))
	case strings.HasPrefix(text, "age1"):
		return recipient(age.ParseX25519Recipient(text))
	default:
		// It is not repeated: a private key may have been given by mistake.
		return nil, errors.New("a recipient begins with age1, ssh-ed25519 or ssh-rsa, and this one does not; give the public key")
	}
}

// recipient widens a parsed recipient to the interface, without making an interface of a nil pointer.
func recipient[R age.Recipient](r R, err error) (age.Recipient, error) {
	if err != nil {
		return nil, err
	}
	return r, nil
}
