package main

import (
	"filippo.io/age"
	"github.com/urfave/cli/v2"

	"github.com/orgctl/orgctl/pkg/apply/secrets"
)

// secretFlags say where the secrets of created objects go.
func secretFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "secrets-out", Usage: "write the secrets of created objects to `DIR`, one file each, mode 0600"},
		&cli.StringSliceFlag{Name: "secrets-recipient", Usage: "encrypt those files to the age or SSH public `KEY` (repeatable): age1..., ssh-ed25519 ..., ssh-rsa ..."},
		&cli.StringFlag{Name: "key-secrets", Usage: "`WHO` generates the secrets of keys: local (only hashes are sent) or server", Value: "local"},
		&cli.StringFlag{Name: "secrets-exec", Usage: "give each of those secrets to the shell `COMMAND` instead, as JSON on its standard input"},
	}
}

// withheld are the variables that a secrets command does not inherit.
var withheld = []string{"CLICKHOUSE_CLOUD_API_SECRET"}

// openSink opens the place for secrets, nil where none is named.
func openSink(c *cli.Context, t *target) (secrets.Sink, error) {
	dir, command := c.String("secrets-out"), c.String("secrets-exec")
	switch {
	case c.IsSet("secrets-out") && c.IsSet("secrets-exec"):
		return nil, usage("--secrets-out and --secrets-exec exclude each other: a secret goes to one place")
	case c.IsSet("secrets-recipient") && !c.IsSet("secrets-out"):
		return nil, usage("--secrets-recipient encrypts files: it needs --secrets-out DIR")
	}
	recipients, err := recipients(c)
	if err != nil {
		return nil, err
	}
	switch {
	case command != "":
		return secrets.NewExec(command, withheld...), nil
	case dir != "":
		return secrets.NewDir(dir, recipients...)
	case t.ephemeral:
		return secrets.NewMemory(), nil
	case t.secretsDir != "":
		return secrets.NewDir(t.secretsDir)
	default:
		return nil, nil //nolint:nilnil // no sink is a valid answer: only changes that make a secret need one
	}
}

// serverSecrets reports whether the API is to generate the secrets of keys.
func serverSecrets(c *cli.Context) (bool, error) {
	switch who := c.String("key-secrets"); who {
	case "local":
		return false, nil
	case "server":
		return true, nil
	default:
		return false, usage("--key-secrets %s: it is local or server", who)
	}
}

func recipients(c *cli.Context) ([]age.Recipient, error) {
	var out []age.Recipient
	for _, text := range c.StringSlice("secrets-recipient") {
		r, err := secrets.ParseRecipient(text)
		if err != nil {
			return nil, usage("--secrets-recipient: %w", err)
		}
		out = append(out, r)
	}
	return out, nil
}
