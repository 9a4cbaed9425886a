package main

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// The formats of results, and whom each is for.
const (
	formatText  = "text"
	formatJSON  = "json"
	formatJUnit = "junit"
	formatHTML  = "html"
	formatYAML  = "yaml"
	formatCSV   = "csv"
)

var formatUses = map[string]string{
	formatText:  "text is for people",
	formatJSON:  "json for programs",
	formatJUnit: "junit for CI and monitoring",
	formatHTML:  "html for a browser, paper or a change request",
	formatYAML:  "yaml for exgrant plan -f",
	formatCSV:   "csv for a spreadsheet",
}

// reportFormats are those of every command whose result is a report.
var reportFormats = []string{formatText, formatJSON, formatJUnit, formatHTML}

// formatFlags are the flags that choose among the formats; the first is the default.
func formatFlags(formats []string) []cli.Flag {
	last := len(formats) - 1
	all := "`" + formats[0] + "`" + strings.Join(append([]string{""}, formats[1:last]...), ", ") + " or " + formats[last]
	return []cli.Flag{
		&cli.StringFlag{Name: flagFormat, Category: outputCategory, Value: formats[0], Usage: "print " + all},
		&cli.BoolFlag{Name: flagJSON, Category: outputCategory, Usage: "the same as --format json"},
	}
}

// format is the one of the formats that was asked for, or that the file of -o is for.
func format(c *cli.Context, formats []string) (string, error) {
	asked := c.String(flagFormat)
	switch {
	case !slices.Contains(formats, asked):
		var uses []string
		for _, f := range formats {
			uses = append(uses, formatUses[f])
		}
		return "", usageErrorf("%s: --format %s: not one of %s", c.Command.HelpName, asked, strings.Join(formats, ", ")).
			withHint("%s", strings.Join(uses, ", "))
	case c.Bool(flagJSON) && c.IsSet(flagFormat) && asked != formatJSON:
		return "", usageErrorf("%s: --json and --format %s contradict each other", c.Command.HelpName, asked).withHint("give one of them")
	case c.Bool(flagJSON):
		return formatJSON, nil
	case !c.IsSet(flagFormat) && slices.Contains(formats, formatOfFile(c.String(flagOutput))):
		return formatOfFile(c.String(flagOutput)), nil
	}
	return asked, nil
}
