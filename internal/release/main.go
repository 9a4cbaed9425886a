// Command release does the parts of a release that must come out the same on every
// machine: archives, the Ansible collection, and the notices of what is linked in.
// scripts/release.sh calls it.
//
//	release targets                         the systems that a release is for, one a line
//	release notices FILE                    writes the third-party notices
//	release archive FILE.tar.gz DIR         packs a folder, under its own name; also FILE.zip
//	release collection DIR VERSION SOURCE   packs the Ansible collection in SOURCE into DIR
//
// Archives take the time of their files from SOURCE_DATE_EPOCH, in seconds since 1970.
package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"
)

// targets are what a release has programs for: GOOS and GOARCH.
var targets = []string{"linux/amd64", "linux/arm64", "darwin/amd64", "darwin/arm64", "windows/amd64", "windows/arm64"}

//go:generate go run . notices ../../THIRD-PARTY-NOTICES.txt

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "release: %v\n", err)
		os.Exit(1)
	}
}

var errUsage = errors.New("usage: release targets | notices FILE | archive FILE DIR | collection DIR VERSION SOURCE")

func run(args []string) error {
	switch {
	case len(args) == 1 && args[0] == "targets":
		for _, t := range targets {
			fmt.Println(t)
		}
		return nil
	case len(args) == 2 && args[0] == "notices":
		text, err := notices()
		if err != nil {
			return err
		}
		return os.WriteFile(args[1], text, 0o666)
	case len(args) == 3 && args[0] == "archive":
		at, err := sourceDate()
		if err != nil {
			return err
		}
		return archive(args[1], args[2], at)
	case len(args) == 4 && args[0] == "collection":
		at, err := sourceDate()
		if err != nil {
			return err
		}
		return collection(args[1], args[2], args[3], at)
	}
	return errUsage
}

func sourceDate() (time.Time, error) {
	seconds, err := strconv.ParseInt(os.Getenv("SOURCE_DATE_EPOCH"), 10, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("SOURCE_DATE_EPOCH: %w", err)
	}
	return time.Unix(seconds, 0).UTC(), nil
}
