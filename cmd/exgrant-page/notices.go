package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// linkedNotices are the licenses of this module, in the folder root, and of everything
// that is linked into the generator: the page is a copy of it all.
func linkedNotices(ctx context.Context, root string) (string, error) {
	listed, err := output(ctx, "list", "-deps", "-f", "{{with .Module}}{{if .Version}}{{.Path}} {{.Version}}{{end}}{{end}}", generatorPackage)
	if err != nil {
		return "", err
	}
	linked := strings.Split(strings.TrimSpace(listed), "\n")
	slices.Sort(linked)
	ours, err := os.ReadFile(filepath.Join(root, "LICENSE"))
	if err != nil {
		return "", err
	}
	all, err := os.ReadFile(filepath.Join(root, "THIRD-PARTY-NOTICES.txt"))
	if err != nil {
		return "", err
	}
	theirs, err := notices(string(all), append([]string{"The Go standard library and runtime"}, slices.Compact(linked)...))
	return "exgrant\n\n" + string(ours) + theirs, err
}

// rule stands above and below the names whose license a text is.
var rule = "\n\n" + strings.Repeat("=", 79) + "\n"

// notices are the texts of THIRD-PARTY-NOTICES.txt that are about some of its modules.
func notices(all string, modules []string) (string, error) {
	var kept strings.Builder
	missing := slices.Clone(modules)
	for _, section := range strings.Split(all, rule)[1:] {
		names, text, _ := strings.Cut(section, rule[2:])
		var of []string
		for _, name := range strings.Split(strings.TrimSpace(names), "\n") {
			whose, _, _ := strings.Cut(name, ": ")
			if slices.Contains(modules, whose) {
				of = append(of, name)
				missing = slices.DeleteFunc(missing, func(m string) bool { return m == whose })
			}
		}
		if len(of) > 0 {
			fmt.Fprintf(&kept, "\n\n%s\n\n%s\n", strings.Join(of, "\n"), strings.TrimSpace(text))
		}
	}
	if len(missing) > 0 {
		return "", fmt.Errorf("THIRD-PARTY-NOTICES.txt does not name %s (go generate ./internal/release)", strings.Join(missing, ", "))
	}
	return kept.String(), nil
}
