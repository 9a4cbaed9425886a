package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/exgrant/exgrant/pkg/report"
)

func TestFail(t *testing.T) {
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for _, test := range []struct {
		name string
		ctx  context.Context
		err  error
		code int
		want string
	}{
		{"none", t.Context(), nil, 0, ""},
		{"plain", t.Context(), errors.New("exgrant demo: broke"), 1, "exgrant: demo: broke\n"},
		{"usage", t.Context(), usageErrorf("exgrant x: no %s", "y").withHint("try z"), 2, "exgrant: x: no y\nhint: try z\n"},
		{"wrapped", t.Context(), fmt.Errorf("exgrant x: %w", usageErrorf("no y").withHint("try z")), 2, "exgrant: x: no y\nhint: try z\n"},
		{"lines", t.Context(), errors.New("a\n  b\r\nc"), 1, "exgrant: a b c\n"},
		{"escape", t.Context(), errors.New("a\x1b[2Jb"), 1, "exgrant: a<U+001B>[2Jb\n"},
		{"outcome", t.Context(), outcomeError{report.Denied}, 5, ""},
		{"interrupted", cancelled, fmt.Errorf("read: %w", context.Canceled), 130, "exgrant: interrupted: nothing was changed\n"},
		{"cancelled inside", t.Context(), context.Canceled, 1, "exgrant: context canceled\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var stderr strings.Builder
			p := &program{stderr: &stderr}
			if code := p.fail(test.ctx, test.err); code != test.code {
				t.Errorf("exit code %d, want %d", code, test.code)
			}
			if stderr.String() != test.want {
				t.Errorf("stderr %q, want %q", stderr.String(), test.want)
			}
		})
	}
}
