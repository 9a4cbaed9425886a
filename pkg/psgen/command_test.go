package psgen

import (
	"strings"
	"testing"

	"github.com/exgrant/exgrant/pkg/exchange"
)

func TestCommand(t *testing.T) {
	scope := exchange.AssignmentScope{Custom: "Rooms"}
	for _, test := range []struct {
		command exchange.Command
		want    string
	}{
		{exchange.GetExchangeServer(), "Get-ExchangeServer"},
		{exchange.NewAssignment("A name", exchange.User, `CONTOSO\svc`, exchange.Role, scope, "dc1"),
			`New-ManagementRoleAssignment -Name 'A name' -User 'CONTOSO\svc' -Role 'ApplicationImpersonation'` +
				` -CustomRecipientWriteScope 'Rooms' -DomainController 'dc1' -Confirm:$false`},
		{exchange.NewScope("O'Brien\u2019s", "Name -eq 'O''Brien'", ""),
			"New-ManagementScope -Name 'O''Brien\u2019\u2019s' -RecipientRestrictionFilter 'Name -eq ''O''''Brien''' -Confirm:$false"},
		{exchange.NewRoleGroup("G", []string{"R"}, []string{"Doe, J", "b"}, exchange.AssignmentScope{}, ""),
			"New-RoleGroup -Name 'G' -Roles 'R' -Members 'Doe, J', 'b' -Confirm:$false"},
		{exchange.ListHolders("R"), "Get-ManagementRoleAssignment -Role 'R' -GetEffectiveUsers"},
		{exchange.SetAssignmentEnabled("guid", true, ""),
			"Set-ManagementRoleAssignment -Identity 'guid' -Enabled:$true -Confirm:$false"},
		{exchange.Command{Cmdlet: "Set-It", Params: []exchange.Param{
			{Name: "Off", Value: exchange.Switch(false)}, {Name: "Count", Value: exchange.Int(-3)},
			{Name: "Cleared", Value: exchange.Null{}}, {Name: "None", Value: exchange.Strings{}}}},
			"Set-It -Off:$false -Count -3 -Cleared $null -None @()"},
	} {
		got, err := Command(test.command)
		if err != nil || got != test.want {
			t.Errorf("got  %s, %v\nwant %s", got, err, test.want)
		}
	}
}

func TestCommandRefuses(t *testing.T) {
	text := func(name, value string) []exchange.Param {
		return []exchange.Param{{Name: name, Value: exchange.String(value)}}
	}
	for _, test := range []struct {
		command exchange.Command
		want    string
	}{
		{exchange.Command{Cmdlet: "calc.exe"}, "not a verb and a noun"},
		{exchange.Command{Cmdlet: "Get-It;calc"}, "not a verb and a noun"},
		{exchange.Command{Cmdlet: "Get-"}, "not a verb and a noun"},
		{exchange.Command{Cmdlet: "Get-It", Params: text("A 'x'; calc", "v")}, "it is not a word"},
		{exchange.Command{Cmdlet: "Get-It", Params: text("", "v")}, "it is not a word"},
		{exchange.Command{Cmdlet: "Get-It", Params: text("Name", "a\nb")}, "parameter Name of Get-It: "},
		{exchange.Command{Cmdlet: "Get-It", Params: []exchange.Param{{Name: "Names", Value: exchange.Strings{"a", "\x00"}}}}, "a NUL character"},
		{exchange.Command{Cmdlet: "Get-It", Params: []exchange.Param{{Name: "Name"}}}, "no PowerShell form"},
	} {
		got, err := Command(test.command)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("got %q, %v, want %q", got, err, test.want)
		}
	}
}

// Outside quotes there is nothing but what the program itself put there.
func FuzzCommand(f *testing.F) {
	f.Add("Name", "'; Remove-Item x #")
	f.Add("Name", "\u2018$(calc)\u201b")
	f.Add("Name -X", "`n")
	f.Fuzz(func(t *testing.T, name, value string) {
		got, err := Command(exchange.Command{Cmdlet: "Get-It", Params: []exchange.Param{
			{Name: name, Value: exchange.Strings{value, "end"}}}})
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
