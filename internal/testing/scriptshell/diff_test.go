package scriptshell

import "testing"

func TestDiff(t *testing.T) {
	for _, c := range []struct{ before, after, want string }{
		{"a\nb\nc", "a\nb\nc", ""},
		{"a\nb\nc", "a\nx\nc", "- b\n+ x\n"},
		{"a\nb", "a\nb\nb", "+ b\n"},
		{"a\nb\nc\nd", "a\nd", "- b\n- c\n"},
	} {
		if got := Diff(c.before, c.after); got != c.want {
			t.Errorf("%q, %q: got %q, want %q", c.before, c.after, got, c.want)
		}
	}
}
