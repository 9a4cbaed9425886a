package exchange

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// What Line writes, ParseLine reads back.
func TestParseLineReadsBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching("[ -~ä'\u2018\u2019\u201a\u201b\u6f22]{0,12}")
		value := rapid.OneOf(
			rapid.Map(text, func(s string) Value { return String(s) }),
			rapid.Map(rapid.SliceOfN(text, 2, 4), func(list []string) Value { return Strings(list) }),
			rapid.Map(rapid.Bool(), func(b bool) Value { return Bool(b) }),
			rapid.Map(rapid.Int64(), func(n int64) Value { return Int(n) }),
			rapid.Just(Value(Switch(true))), rapid.Just(Value(Null{})), rapid.Just(Value(Strings{})),
		)
		c := Command{Cmdlet: "New-ManagementRoleAssignment"}
		for range rapid.IntRange(0, 5).Draw(t, "parameters") {
			c = c.With(rapid.StringMatching("[A-Za-z]{1,8}").Draw(t, "name"), value.Draw(t, "value"))
		}
		line, err := c.Line()
		if err != nil {
			t.Fatal(err)
		}
		got, err := ParseLine(line)
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if diff := cmp.Diff(c, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", line, diff)
		}
	})
}

func TestParseLineRefuses(t *testing.T) {
	for _, line := range []string{
		"", "calc.exe", "Get-It;calc", "Get-It x", "Get-It -A 'x", "Get-It -A 'x' | Remove-It", "Get-It -A $(calc)", "Get-It -A:$x",
		"Get-It -A 'x', ", "Get-It -A 'x'calc", "Get-It -", "Get-It -A 'x' ", "Get-It -A.B 'x'", "Get-It -A 1;calc",
	} {
		if c, err := ParseLine(line); err == nil {
			t.Errorf("%q is read as %+v", line, c)
		}
	}
	got, err := ParseLine("Set-It -Scope  -Confirm:$false")
	want := Command{Cmdlet: "Set-It", Params: []Param{{"Scope", Null{}}, {"Confirm", Bool(false)}}}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
}
