package remote

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/exgrant/exgrant/internal/clixml"
	"github.com/exgrant/exgrant/internal/commands"
	"github.com/exgrant/exgrant/pkg/exchange"
)

const sampleObject = `<Obj RefId="0"><TN RefId="0"><T>Deserialized.Microsoft.Exchange.Data.Directory.Management.User</T><T>System.Object</T></TN><ToString>contoso.test/Users/svc</ToString>
<Props><S N="Name">svc &amp; co</S><G N="Guid">6F9C4E0E-4A57-4A40-8A8D-0A3A6FD1B1C5</G><B N="Enabled">true</B><I32 N="Count">7</I32><Nil N="Nothing" /><DT N="WhenChanged">2026-03-01T08:30:00+01:00</DT>
<Obj N="Type" RefId="1"><TN RefId="1"><T>Microsoft.Exchange.RecipientType</T><T>System.Enum</T></TN><ToString>UserMailbox</ToString><I32>1</I32></Obj>
<Obj N="Members" RefId="2"><TN RefId="2"><T>System.Collections.ArrayList</T></TN><LST><S>a</S><Ref RefId="1" /><I32>3</I32></LST></Obj>
<Obj N="Parameters" RefId="3"><TN RefId="3"><T>System.Collections.Hashtable</T></TN><DCT><En><S N="Key">Identity</S><S N="Value">x</S></En></DCT></Obj>
<Obj N="Empty" RefId="4" /><U64 N="Large">18446744073709551615</U64><Version N="Build">15.2.1.0</Version></Props>
<MS><S N="Name">hidden by the first</S><BA N="SerializationData">AAAA</BA><S N="PSComputerName">ex01</S><S N="Extra">x</S></MS></Obj>`

func TestToObject(t *testing.T) {
	values, err := clixml.Decode([]byte(sampleObject), clixml.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	want := exchange.Object{TypeName: "Microsoft.Exchange.Data.Directory.Management.User", Properties: []exchange.Property{
		{Name: "Name", Value: "svc & co"},
		{Name: "Guid", Value: exchange.GUID("6f9c4e0e-4a57-4a40-8a8d-0a3a6fd1b1c5")},
		{Name: "Enabled", Value: true},
		{Name: "Count", Value: int64(7)},
		{Name: "Nothing"},
		{Name: "WhenChanged", Value: time.Date(2026, 3, 1, 7, 30, 0, 0, time.UTC)},
		{Name: "Type", Value: "UserMailbox"},
		{Name: "Members", Value: []string{"a", "UserMailbox", "3"}},
		{Name: "Parameters", Value: []string{"Identity"}},
		{Name: "Empty"},
		{Name: "Large", Value: "18446744073709551615"},
		{Name: "Build", Value: "15.2.1.0"},
		{Name: "Extra", Value: "x"},
	}}
	got, err := toObject(values[0])
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	for _, v := range []any{"text", int32(5), true} {
		o, err := toObject(v)
		if len(o.Properties) != 1 || o.Text("") == "" || err != nil {
			t.Errorf("%v became %+v, %v", v, o, err)
		}
	}
}

func TestPowerShellRefuses(t *testing.T) {
	for _, p := range []exchange.Pipeline{
		nil,
		{commands.GetUser("a\x00b")},
		{commands.AddRoleGroupMember("g", "m\u202e", "")},
		{commands.NewRoleGroup("g", []string{"a\nb"}, nil, commands.WriteScope{}, "")},
		{exchange.Command{Cmdlet: "Get-It", Params: []exchange.Param{{Name: "Nothing"}}}},
	} {
		if _, err := powerShell(p); err == nil {
			t.Errorf("%v can be sent", p)
		}
	}
}
