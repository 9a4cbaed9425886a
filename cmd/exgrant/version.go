package main

import (
	"fmt"
	"runtime/debug"

	"github.com/urfave/cli/v2"
)

func (p *program) versionCommand() *cli.Command {
	return &cli.Command{
		Name:   "version",
		Usage:  "print the version of this program",
		Action: func(*cli.Context) error { return p.printVersion() },
	}
}

func (p *program) printVersion() error {
	info, _ := debug.ReadBuildInfo()
	_, err := fmt.Fprintln(p.stdout, versionText(info))
	return err
}

// tool is the program's name and version, for reports.
func (p *program) tool() string {
	info, _ := debug.ReadBuildInfo()
	return toolText(info)
}

func toolText(info *debug.BuildInfo) string {
	if info == nil || info.Main.Version == "" {
		return "exgrant (devel)"
	}
	return "exgrant " + info.Main.Version
}

// versionText is the program's name, version and, where the build knows them,
// source revision and Go version. Nil is a build without information.
func versionText(info *debug.BuildInfo) string {
	if info == nil {
		return toolText(nil)
	}
	text := toolText(info)
	var revision, modified string
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			revision = s.Value
		case "vcs.modified":
			modified = s.Value
		}
	}
	if revision != "" {
		text += " " + revision[:min(12, len(revision))]
		if modified == "true" {
			text += " with local changes"
		}
	}
	return text + " " + info.GoVersion
}
