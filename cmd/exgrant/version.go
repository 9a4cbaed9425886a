package main

import (
	"fmt"
	"regexp"
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

// versionText is the program's name and version, whether that is a released one, the
// commit where the build knows it, and what it was built with and for. Nil is a build
// without information.
func versionText(info *debug.BuildInfo) string {
	if info == nil {
		return toolText(nil) + " (not a release)"
	}
	settings := map[string]string{}
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	text := toolText(info) + " (not a release)"
	if isRelease(info.Main.Version) && settings["vcs.modified"] != "true" {
		text = toolText(info) + " (release)"
	}
	if commit := settings["vcs.revision"]; commit != "" {
		text += " commit " + commit[:min(12, len(commit))]
		if settings["vcs.modified"] == "true" {
			text += " with local changes"
		}
	}
	text += " " + info.GoVersion
	if system := settings["GOOS"]; system != "" {
		text += " " + system + "/" + settings["GOARCH"]
	}
	return text
}

var (
	givenVersion = regexp.MustCompile(`^v\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$`)
	// pseudoVersion is how a version ends that the go command makes of a commit
	// (golang.org/ref/mod, pseudo-versions).
	pseudoVersion = regexp.MustCompile(`[-.]\d{14}-[0-9a-f]{12}$`)
)

// isRelease tells a version that somebody gave from one that was made of a commit.
func isRelease(version string) bool {
	return givenVersion.MatchString(version) && !pseudoVersion.MatchString(version)
}
