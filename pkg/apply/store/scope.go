// Package store is what the journal, the lock and the sinks of secrets have in common: whose an entry is, how it comes to
// outlast a crash of the machine, and that nobody else on the host has made or can change it.
package store

import (
	"crypto/sha256"
	"encoding/hex"
)

// Scope is one organization behind one API. What is written down of one is nobody else's business.
type Scope struct {
	API          string `json:"api"`          // its canonical URL
	Organization string `json:"organization"` // the server's id
}

// FileName is a file name for the scope.
func (s Scope) FileName() string {
	sum := sha256.Sum256([]byte(s.API + "\n" + s.Organization))
	return s.Organization + "-" + hex.EncodeToString(sum[:4])
}
