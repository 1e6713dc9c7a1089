package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/orgctl/orgctl/cmd/orgctl/internal/view"
	"github.com/orgctl/orgctl/pkg/diff"
	"github.com/orgctl/orgctl/pkg/spec"
)

// released is set by the linker in release builds.
var released string

func version() string {
	if released != "" {
		return released
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return strings.TrimPrefix(info.Main.Version, "v")
	}
	return "dev"
}

func versionCommand(e *env) *cli.Command {
	return &cli.Command{
		Name: "version", Usage: "print the version",
		UsageText: "orgctl version\norgctl version -o json",
		Flags:     []cli.Flag{formatFlag()},
		Action: func(c *cli.Context) error {
			if err := noArguments(c); err != nil {
				return err
			}
			o, err := newFormatOptions(c)
			if err != nil {
				return err
			}
			if o.format == "json" {
				return view.VersionJSON(e.stdout, build(e.version))
			}
			_, err = fmt.Fprintf(e.stdout, "orgctl %s\n", e.version)
			return err
		},
	}
}

// build is what this binary was made of. The commit and its date are known of what was built in a clone.
func build(version string) view.Version {
	v := view.Version{
		Version: version, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH,
		APIVersion: spec.APIVersion, FormatVersion: diff.FormatVersion,
	}
	info, _ := debug.ReadBuildInfo()
	if info == nil {
		return v
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			v.Commit = s.Value
		case "vcs.time":
			v.Date = s.Value
		case "vcs.modified":
			v.Modified = s.Value == "true"
		}
	}
	return v
}
