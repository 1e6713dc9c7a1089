package main

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/orgctl/orgctl/schemas"
)

// schemaFiles are the embedded schemas by the name that orgctl schema takes.
var schemaFiles = map[string]string{"organization": schemas.Organization, "locktera": schemas.Locktera, "plan": schemas.Plan}

func schemaCommand(e *env) *cli.Command {
	return &cli.Command{
		Name: "schema", Usage: "print a JSON Schema: organization (the manifest), locktera (that of the other API) or plan",
		UsageText: "orgctl schema > organization.v1.schema.json\norgctl schema plan",
		ArgsUsage: "[organization|locktera|plan]",
		Action: func(c *cli.Context) error {
			name := c.Args().First()
			if name == "" {
				name = "organization"
			}
			file, ok := schemaFiles[name]
			if !ok || c.NArg() > 1 {
				return usage("there is no schema %q: it is organization, locktera or plan", name)
			}
			data, err := schemas.FS.ReadFile(file)
			if err != nil {
				return fmt.Errorf("print schema: %w", err)
			}
			_, err = e.stdout.Write(data)
			return err
		},
	}
}
