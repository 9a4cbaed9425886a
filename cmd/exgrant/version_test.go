package main

import (
	"runtime/debug"
	"testing"
)

func TestVersionText(t *testing.T) {
	revision := debug.BuildSetting{Key: "vcs.revision", Value: "0123456789abcdef0123"}
	for _, test := range []struct {
		info *debug.BuildInfo
		want string
	}{
		{nil, "exgrant (devel)"},
		{&debug.BuildInfo{GoVersion: "go1.26.0"}, "exgrant (devel) go1.26.0"},
		{&debug.BuildInfo{GoVersion: "go1.26.0", Main: debug.Module{Version: "v0.1.0"}}, "exgrant v0.1.0 go1.26.0"},
		{&debug.BuildInfo{GoVersion: "go1.26.0", Main: debug.Module{Version: "(devel)"}, Settings: []debug.BuildSetting{revision}},
			"exgrant (devel) 0123456789ab go1.26.0"},
		{&debug.BuildInfo{GoVersion: "go1.26.0", Settings: []debug.BuildSetting{revision, {Key: "vcs.modified", Value: "true"}}},
			"exgrant (devel) 0123456789ab with local changes go1.26.0"},
	} {
		if got := versionText(test.info); got != test.want {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
}
