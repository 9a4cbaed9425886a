package exchange

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCommandParams(t *testing.T) {
	c := Command{Cmdlet: "Get-User"}.With("Identity", String("u"))
	if v, ok := c.Param("identity"); !ok || v != String("u") {
		t.Errorf("Param ignores no case: %v, %v", v, ok)
	}
	if got := c.Text("IDENTITY") + c.Text("Filter"); got != "u" {
		t.Errorf("Text gives %q", got)
	}
	if got := c.With("ViewEntireForest", Bool(true)).Text("ViewEntireForest"); got != "" {
		t.Errorf("Text of a Bool is %q", got)
	}
	a, b := c.With("A", Int(1)), c.With("B", Null{})
	if len(c.Params) != 1 || !slices.Equal(a.Params[1:], []Param{{"A", Int(1)}}) || !slices.Equal(b.Params[1:], []Param{{"B", Null{}}}) {
		t.Errorf("With changes its receiver: %v, %v, %v", c, a, b)
	}
}

func TestErrorRecord(t *testing.T) {
	tests := []struct {
		record              ErrorRecord
		category, taskClass string
	}{
		{ErrorRecord{FullyQualifiedErrorID: "[Server=EX01,RequestId=0c1b8d26-7d4b-4c0e-9d1e-55f3b0a1c111,TimeStamp=11/24/2026 9:00:00 AM] " +
			"[FailureCategory=Cmdlet-InvalidOperationInDehydratedContextException] 9C31A2B7,Microsoft.Exchange.Management.RbacTasks.NewManagementRoleAssignment"},
			"Cmdlet-InvalidOperationInDehydratedContextException", "Microsoft.Exchange.Management.RbacTasks.NewManagementRoleAssignment"},
		{ErrorRecord{FullyQualifiedErrorID: "CommandNotFoundException"}, "", ""},
		{ErrorRecord{FullyQualifiedErrorID: "3F2A,New-ManagementRoleAssignment"}, "", ""},
		{ErrorRecord{Message: "Connecting to remote server ex01 failed: [ClientAccessServer=EX01,BackEndServer=ex01] [FailureCategory=AuthZ-CmdletAccessDeniedException] ..."},
			"AuthZ-CmdletAccessDeniedException", ""},
		{ErrorRecord{FullyQualifiedErrorID: "x [FailureCategory=A-B] y", Message: "[FailureCategory=C-D]"}, "A-B", ""},
		{ErrorRecord{}, "", ""},
	}
	for _, test := range tests {
		if got := test.record.FailureCategory(); got != test.category {
			t.Errorf("FailureCategory of %+v is %q, want %q", test.record, got, test.category)
		}
		if got := test.record.TaskClass(); got != test.taskClass {
			t.Errorf("TaskClass of %+v is %q, want %q", test.record, got, test.taskClass)
		}
	}
}

func TestObject(t *testing.T) {
	o := Object{Properties: []Property{
		{"Name", "anna"}, {"Guid", GUID("6f9c4e0e-4a57-4a40-8a8d-0a3a6fd1b1c5")}, {"Enabled", true}, {"Exclusive", false}, {"Size", int64(7)},
		{"Ratio", 0.5}, {"Members", []string{"a", "b"}}, {"Empty", []string{}}, {"Nothing", nil}, {"IsValid", "TRUE"},
	}}
	texts := map[string]string{
		"name": "anna", "GUID": "6f9c4e0e-4a57-4a40-8a8d-0a3a6fd1b1c5", "Enabled": "True", "Exclusive": "False", "Size": "7", "Ratio": "0.5",
		"Members": "a, b", "Empty": "", "Nothing": "", "Absent": "",
	}
	for name, want := range texts {
		if got := o.Text(name); got != want {
			t.Errorf("Text(%s) = %q, want %q", name, got, want)
		}
	}
	for name, want := range map[string]bool{"Enabled": true, "IsValid": true, "Exclusive": false, "Nothing": false, "Absent": false, "Size": false} {
		if got := o.Bool(name); got != want {
			t.Errorf("Bool(%s) = %v", name, got)
		}
	}
	for name, want := range map[string][]string{"Members": {"a", "b"}, "Empty": {}, "Name": {"anna"}, "Size": {"7"}, "Nothing": nil, "Absent": nil} {
		if diff := cmp.Diff(want, o.Strings(name)); diff != "" {
			t.Errorf("Strings(%s): -want +got\n%s", name, diff)
		}
	}
	if _, ok := o.Value("Nothing"); !ok {
		t.Error("a null property is absent")
	}
}
