package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"filippo.io/age"
	"github.com/urfave/cli/v2"

	"github.com/orgctl/orgctl/cmd/orgctl/internal/view"
	"github.com/orgctl/orgctl/pkg/apply/secrets"
)

// secretFlags say where the secrets of created objects go.
func secretFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "secrets-out", Usage: "write the secrets of created objects to `DIR`, one file each, mode 0600"},
		&cli.StringSliceFlag{Name: "secrets-recipient", Usage: "encrypt those files to the age or SSH public `KEY` (repeatable): age1..., ssh-ed25519 ..., ssh-rsa ..."},
		&cli.StringFlag{Name: "key-secrets", Usage: "`local|server` who generates the secrets of keys; of local ones only hashes are sent", Value: "local"},
		&cli.StringFlag{Name: "secrets-exec", Usage: "give each of those secrets to the shell `COMMAND` instead, as JSON on its standard input"},
	}
}

// secretOptions say where secrets go, unless it is beside a sandbox.
type secretOptions struct {
	dir, command string // one of them, or none
	recipients   []age.Recipient
	serverMade   bool // the API generates the secrets of keys
}

func newSecretOptions(c *cli.Context) (secretOptions, error) {
	o := secretOptions{dir: c.String("secrets-out"), command: c.String("secrets-exec"), serverMade: c.String("key-secrets") == "server"}
	switch who := c.String("key-secrets"); {
	case who != "local" && who != "server":
		return o, usage("--key-secrets %s: it is local or server", who)
	case o.dir != "" && o.command != "":
		return o, usage("--secrets-out and --secrets-exec exclude each other: a secret goes to one place")
	case c.IsSet("secrets-recipient") && o.dir == "":
		return o, usage("--secrets-recipient encrypts files: it needs --secrets-out DIR")
	}
	for _, text := range c.StringSlice("secrets-recipient") {
		r, err := secrets.ParseRecipient(text)
		if err != nil {
			return o, usage("--secrets-recipient: %w", err)
		}
		o.recipients = append(o.recipients, r)
	}
	return o, nil
}

// withheld are the variables that a secrets command does not inherit: the secrets of keys.
func withheld() []string {
	names := make([]string, len(providers))
	for i, p := range providers {
		names[i] = p.keySecret
	}
	return names
}

// vault is the place for the secrets of created objects.
type vault struct {
	*secrets.Tally
	place string       // how it is called behind "stored 2 secrets"
	dir   *secrets.Dir // nil where it is none
	plain string       // the directory whose files everybody can read who gets hold of them, or ""
}

// openVault opens the place for secrets, nil where none is named.
func (o secretOptions) openVault(t *target) (*vault, error) {
	switch {
	case o.command != "":
		return &vault{Tally: secrets.NewTally(secrets.NewExec(o.command, withheld()...)), place: "with " + programOf(o.command)}, nil
	case o.dir != "":
		return openDir(o.dir, o.recipients...)
	case t.ephemeral:
		return &vault{Tally: secrets.NewTally(secrets.NewMemory()), place: "in memory, where they end with the sandbox"}, nil
	case t.secretsDir != "":
		return openDir(t.secretsDir)
	default:
		return nil, nil //nolint:nilnil // no place is a valid answer: only changes that make a secret need one
	}
}

func openDir(path string, recipients ...age.Recipient) (*vault, error) {
	dir, err := secrets.NewDir(path, recipients...)
	if err != nil {
		return nil, err
	}
	v := &vault{Tally: secrets.NewTally(dir), dir: dir, place: "in " + folder(path), plain: path}
	if len(recipients) > 0 {
		v.place, v.plain = fmt.Sprintf("%s, encrypted to %d age recipients", v.place, len(recipients)), ""
		if len(recipients) == 1 {
			v.place = strings.TrimSuffix(v.place, "s")
		}
	}
	return v, nil
}

// folder is a directory as it is written in a sentence.
func folder(path string) string { return strings.TrimRight(filepath.Clean(path), "/") + "/" }

// plainWord is a word of a shell command that stands for itself, and that can hold no secret as an assignment can.
var plainWord = regexp.MustCompile(`^[A-Za-z0-9._/+-]+$`)

// programOf is the name of the program that a shell command begins with. Whatever else is in a command may be secret.
func programOf(command string) string {
	if words := strings.Fields(command); len(words) > 0 && plainWord.MatchString(words[0]) {
		return filepath.Base(words[0])
	}
	return "the command of --secrets-exec"
}

// told says how many secrets went where. A pipeline (CI is set) is warned of plain files in the work tree of git, since what
// packs up or commits a checkout takes them along; those of a sandbox open nothing.
func (v *vault) told(e *env, sandbox bool) {
	keys, services := v.Count(secrets.Key), v.Count(secrets.Service)
	if keys+services == 0 {
		return
	}
	_ = view.StoredSecrets(e.notes(), keys, services, v.place)
	if v.plain == "" || sandbox || e.getenv("CI") == "" {
		return
	}
	if tree, ok := workTree(v.plain); ok {
		_ = view.Message(e.notes(), fmt.Sprintf("warning: CI is set, and the secrets in %s are plain files in the git work tree %s: add --secrets-recipient, or name a directory elsewhere",
			folder(v.plain), tree))
	}
}

// workTree is the checkout that a directory lies in.
func workTree(dir string) (root string, ok bool) {
	path, err := filepath.Abs(dir)
	if err != nil {
		return "", false
	}
	for ; ; path = filepath.Dir(path) {
		if _, err := os.Lstat(filepath.Join(path, ".git")); err == nil {
			return path, true
		}
		if path == filepath.Dir(path) {
			return "", false
		}
	}
}
