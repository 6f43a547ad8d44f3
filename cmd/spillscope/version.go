package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

func newVersion(c *console) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print which build this is",
		Long: `Version prints the release, the revision it was built from, the Go release and
the platform. The first two are in every case's manifest, too.
` + exitStatus(exitComplete),
		Args: exactly(),
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintf(c.out, "%s, %s %s/%s\n", thisBuild(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return err
		},
	}
}

// build is what the binary knows of its own making.
type build struct {
	version, revision string
	modified          bool
}

func thisBuild() build {
	b := build{version: "(unknown build)"}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	b.version = info.Main.Version
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.revision = s.Value
		case "vcs.modified":
			b.modified = s.Value == "true"
		}
	}
	return b
}

// String names the build in a case's manifest. It says nothing about the
// machine: the manifest is the same wherever the scan ran.
func (b build) String() string {
	name := "spillscope " + b.version
	if len(b.revision) > 12 {
		name += " " + b.revision[:12]
	}
	if b.modified {
		name += " modified"
	}
	return name
}
