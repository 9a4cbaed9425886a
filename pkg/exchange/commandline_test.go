package exchange

import (
	"strings"
	"testing"
)

func TestCommandLine(t *testing.T) {
	unattended := Param{"Confirm", Bool(false)}
	for _, test := range []struct {
		command Command
		want    string
	}{
		{Command{Cmdlet: "Get-ExchangeServer"}, "Get-ExchangeServer"},
		{Command{"New-ManagementRoleAssignment", []Param{{"Name", String("A name")}, {"User", String(`CONTOSO\svc`)}, unattended}},
			`New-ManagementRoleAssignment -Name 'A name' -User 'CONTOSO\svc' -Confirm:$false`},
		{Command{"New-ManagementScope", []Param{{"Name", String("O'Brien\u2019s")}, {"RecipientRestrictionFilter", String("Name -eq 'O''Brien'")}}},
			"New-ManagementScope -Name 'O''Brien\u2019\u2019s' -RecipientRestrictionFilter 'Name -eq ''O''''Brien'''"},
		{Command{"New-RoleGroup", []Param{{"Roles", Strings{"R"}}, {"Members", Strings{"Doe, J", "b"}}}},
			"New-RoleGroup -Roles 'R' -Members 'Doe, J', 'b'"},
		{Command{"Get-ManagementRoleAssignment", []Param{{"GetEffectiveUsers", Switch(true)}}},
			"Get-ManagementRoleAssignment -GetEffectiveUsers"},
		{Command{"Set-ManagementRoleAssignment", []Param{{"Enabled", Bool(true)}}}, "Set-ManagementRoleAssignment -Enabled:$true"},
		{Command{Cmdlet: "Set-It", Params: []Param{
			{Name: "Off", Value: Switch(false)}, {Name: "Count", Value: Int(-3)},
			{Name: "Cleared", Value: Null{}}, {Name: "None", Value: Strings{}}}},
			"Set-It -Off:$false -Count -3 -Cleared $null -None @()"},
	} {
		got, err := test.command.Line()
		if err != nil || got != test.want {
			t.Errorf("got  %s, %v\nwant %s", got, err, test.want)
		}
	}
}

func TestCommandLineRefuses(t *testing.T) {
	text := func(name, value string) []Param {
		return []Param{{Name: name, Value: String(value)}}
	}
	for _, test := range []struct {
		command Command
		want    string
	}{
		{Command{Cmdlet: "calc.exe"}, "not a verb and a noun"},
		{Command{Cmdlet: "Get-It;calc"}, "not a verb and a noun"},
		{Command{Cmdlet: "Get-"}, "not a verb and a noun"},
		{Command{Cmdlet: "Get-It", Params: text("A 'x'; calc", "v")}, "it is not a word"},
		{Command{Cmdlet: "Get-It", Params: text("", "v")}, "it is not a word"},
		{Command{Cmdlet: "Get-It", Params: text("Name", "a\nb")}, "parameter Name of Get-It: "},
		{Command{Cmdlet: "Get-It", Params: []Param{{Name: "Names", Value: Strings{"a", "\x00"}}}}, "a NUL character"},
		{Command{Cmdlet: "Get-It", Params: []Param{{Name: "Name"}}}, "no PowerShell form"},
	} {
		got, err := test.command.Line()
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("got %q, %v, want %q", got, err, test.want)
		}
	}
}

// Outside quotes there is nothing but what the program itself put there.
func FuzzCommandLine(f *testing.F) {
	f.Add("Name", "'; Remove-Item x #")
	f.Add("Name", "\u2018$(calc)\u201b")
	f.Add("Name -X", "`n")
	f.Fuzz(func(t *testing.T, name, value string) {
		command := Command{Cmdlet: "Get-It", Params: []Param{
			{Name: name, Value: Strings{value, "end"}}}}
		got, err := command.Line()
		if err != nil {
			return
		}
		outside, open := "", false
		for _, r := range got {
			if strings.ContainsRune("'\u2018\u2019\u201a\u201b", r) {
				open = !open
				continue
			}
			if !open {
				outside += string(r)
			}
		}
		if want := "Get-It -" + name + " , "; open || outside != want {
			t.Errorf("outside of quotes stands %q, want %q, of %s", outside, want, got)
		}
	})
}
