package main

import (
	"runtime/debug"
	"testing"
)

func TestVersionText(t *testing.T) {
	revision := debug.BuildSetting{Key: "vcs.revision", Value: "0123456789abcdef0123"}
	modified := debug.BuildSetting{Key: "vcs.modified", Value: "true"}
	windows := []debug.BuildSetting{{Key: "GOARCH", Value: "amd64"}, {Key: "GOOS", Value: "windows"}, revision}
	of := func(version string, settings ...debug.BuildSetting) *debug.BuildInfo {
		return &debug.BuildInfo{GoVersion: "go1.26.0", Main: debug.Module{Version: version}, Settings: settings}
	}
	for _, test := range []struct {
		info *debug.BuildInfo
		want string
	}{
		{nil, "exgrant (devel) (not a release)"},
		{of(""), "exgrant (devel) (not a release) go1.26.0"},
		{of("(devel)", revision), "exgrant (devel) (not a release) commit 0123456789ab go1.26.0"},
		{of("", revision, modified), "exgrant (devel) (not a release) commit 0123456789ab with local changes go1.26.0"},
		{of("v0.1.0"), "exgrant v0.1.0 (release) go1.26.0"}, // by go install
		{of("v1.2.3-rc.1", windows...), "exgrant v1.2.3-rc.1 (release) commit 0123456789ab go1.26.0 windows/amd64"},
		{of("v0.1.0+dirty", revision, modified), "exgrant v0.1.0+dirty (not a release) commit 0123456789ab with local changes go1.26.0"},
		{of("v0.0.0-20261128205810-35fc8cf01234"), "exgrant v0.0.0-20261128205810-35fc8cf01234 (not a release) go1.26.0"},
		{of("v1.2.4-0.20261128205810-35fc8cf01234"), "exgrant v1.2.4-0.20261128205810-35fc8cf01234 (not a release) go1.26.0"},
		{of("v1.2.3-rc.1.0.20261128205810-35fc8cf01234"), "exgrant v1.2.3-rc.1.0.20261128205810-35fc8cf01234 (not a release) go1.26.0"},
	} {
		if got := versionText(test.info); got != test.want {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
}
