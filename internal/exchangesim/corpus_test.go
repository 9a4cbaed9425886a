package exchangesim

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/exgrant/exgrant/internal/commands"
	"github.com/exgrant/exgrant/internal/testing/peers"
	"github.com/exgrant/exgrant/pkg/exchange"
)

// clixmlObject is as much of CLIXML as the names of an object's properties need.
type clixmlObject struct {
	Types []string `xml:"Obj>TN>T"`
	Props struct {
		All []struct {
			Name string `xml:"N,attr"`
		} `xml:",any"`
	} `xml:"Obj>Props"`
}

// TestPropertiesAreThoseOfRealServers compares type, names and order of the
// properties with objects that real servers gave.
func TestPropertiesAreThoseOfRealServers(t *testing.T) {
	_, s := open(t, "plain")
	for _, c := range []struct {
		file    string
		command exchange.Command
	}{
		{"GetExchangeServer.xml", commands.GetExchangeServer()},
		{"GetOrganizationConfig.xml", commands.GetOrganizationConfig()},
		{"GetDynamicDistributionGroupPfMailboxes.xml", command("Get-DynamicDistributionGroup")},
	} {
		text, err := os.ReadFile(peers.Shared(t, "corpus", "clixml", c.file))
		if err != nil {
			t.Fatal(err)
		}
		var real clixmlObject
		if err := xml.Unmarshal(text, &real); err != nil {
			t.Fatal(err)
		}
		var want, got []string
		for _, p := range real.Props.All {
			want = append(want, p.Name)
		}
		object := must(t, s, c.command).objects[0]
		for _, p := range object.Properties {
			got = append(got, p.Name)
		}
		if len(want) < 50 || real.Types[0] != object.TypeName {
			t.Errorf("%s: type %s, want %s", c.file, object.TypeName, real.Types[0])
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s:\n%s", c.file, diff)
		}
	}
}

// TestPropertyValuesAreOfTheVocabulary holds the kinds of values that
// exchange.Property allows, for every reading cmdlet.
func TestPropertyValuesAreOfTheVocabulary(t *testing.T) {
	_, s := open(t, "role-group-other-roles")
	invoke(t, s, commands.NewScope("S", "City -eq 'Berlin'", ""))
	for _, info := range s.Commands() {
		if !strings.HasPrefix(info.Name, "Get-") && !strings.HasPrefix(info.Name, "Search-") {
			continue
		}
		c := command(info.Name)
		if info.Name == "Get-RoleGroupMember" {
			c = commands.ListRoleGroupMembers("Organization Management")
		}
		a := must(t, s, c)
		if len(a.objects) == 0 {
			if info.Name != "Get-RemoteMailbox" {
				t.Errorf("%s gives nothing", info.Name)
			}
		}
		for _, o := range a.objects {
			checkObject(t, info.Name, o)
		}
	}
}

func checkObject(t *testing.T, cmdlet string, o exchange.Object) {
	t.Helper()
	if o.TypeName == "" {
		t.Errorf("%s: an object without a type", cmdlet)
	}
	seen := map[string]bool{}
	for _, p := range o.Properties {
		if seen[strings.ToLower(p.Name)] {
			t.Errorf("%s has %s twice", cmdlet, p.Name)
		}
		seen[strings.ToLower(p.Name)] = true
		if _, err := json.Marshal(p.Value); err != nil {
			t.Errorf("%s.%s: %v", cmdlet, p.Name, err)
		}
		if text := o.Text(p.Name); strings.HasPrefix(text, "{") || strings.HasPrefix(text, "[") {
			t.Errorf("%s.%s is shown as %q: a kind of value that Text does not know", cmdlet, p.Name, text)
		}
	}
}

// A corpusRecord is an error that a real server gave.
type corpusRecord struct {
	ID, Class, FQEID string
}

func corpus(t *testing.T) []corpusRecord {
	t.Helper()
	text, err := os.ReadFile(peers.Shared(t, "corpus", "errors.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	var records []corpusRecord
	for line := range bytes.Lines(text) {
		var r corpusRecord
		if err := json.Unmarshal(line, &r); err != nil {
			t.Fatal(err)
		}
		records = append(records, r)
	}
	return records
}

// errorID is the FullyQualifiedErrorId of an error that a cmdlet reported.
var errorID = regexp.MustCompile(`^\[Server=[^,\]]+,RequestId=[^,\]]+,TimeStamp=[^\]]+\] \[FailureCategory=Cmdlet-[A-Za-z]+\] [0-9A-F]{6,8},Microsoft\.[A-Za-z.]+$`)

var whitespace = regexp.MustCompile(`\s`)

func TestErrorIDsAreThoseOfRealServers(t *testing.T) {
	real := 0
	for _, r := range corpus(t) {
		if !strings.Contains(r.FQEID, "FailureCategory=Cmdlet-") || !strings.Contains(r.FQEID, "RequestId=") {
			continue
		}
		// a console wraps long ids: inside, no space is known to be real but three
		id := whitespace.ReplaceAllString(r.FQEID, "")
		id = strings.Replace(id, "][", "] [", 1)
		id = regexp.MustCompile(`\]([0-9A-F]+,)`).ReplaceAllString(id, "] $1")
		if strings.Contains(id, `\<`) {
			continue // names taken out by who posted it
		}
		real++
		if !errorID.MatchString(id) {
			t.Errorf("%s: the pattern of the model's errors does not match %s", r.ID, id)
		}
	}
	if real < 5 {
		t.Fatalf("only %d real ids", real)
	}
	for _, sc := range Scenarios() {
		o := New(sc, Options{})
		s := o.Session(SessionOptions{})
		for _, c := range []exchange.Command{
			commands.NewScope("S", "City -eq 'Berlin'", ""), commands.NewScope("S", "City -eq 'Berlin'", ""), commands.GetUser("nobody"),
			newAssignment("User", "John Doe"), newAssignment("User", assignee), commands.EnableOrganizationCustomization(),
			commands.AddRoleGroupMember("Organization Management", "Administrator", ""), commands.RemoveRoleGroup("Help Desk", ""),
		} {
			for _, r := range invoke(t, s, c).Errors {
				category := r.FailureCategory()
				switch {
				case r.FullyQualifiedErrorID == "PSSessionStateBroken":
					if !strings.HasPrefix(sc.Name, "lost-") || r.Reason != "PSRemotingTransportException" || r.TargetName != "EX01" {
						t.Errorf("%s: %+v", sc.Name, r)
					}
				case category == "":
					if r.Reason != "CommandNotFoundException" && r.Reason != "ParameterBindingException" {
						t.Errorf("%s: %+v", sc.Name, r)
					}
				case !errorID.MatchString(r.FullyQualifiedErrorID), category != "Cmdlet-"+r.Reason, !strings.HasSuffix(r.ExceptionType, "."+r.Reason),
					r.Category != "NotSpecified", r.Activity != c.Cmdlet, r.Message == "":
					t.Errorf("%s, %s: %+v", sc.Name, c.Cmdlet, r)
				}
			}
		}
	}
}

// TestCallSites keeps the numbers that real servers gave for the same errors.
func TestCallSites(t *testing.T) {
	_, s := open(t, "already-enabled")
	for _, site := range []struct {
		number  string
		command exchange.Command
	}{
		{"FDC3D516", commands.NewScope("S", "City -eq 'Berlin'", "")}, // works once the next was run
		{"EA916286", commands.EnableOrganizationCustomization()},
	} {
		if r := invoke(t, s, site.command).Errors[0]; !strings.Contains(r.FullyQualifiedErrorID, "] "+site.number+",") {
			t.Errorf("%s: %s", site.command.Cmdlet, r.FullyQualifiedErrorID)
		}
	}
}

func TestLanguagesChangeOnlyTheMessage(t *testing.T) {
	commands := []exchange.Command{
		command("Get-Nothing"), commands.GetUser("nobody"), newAssignment("User", "John Doe"), newAssignment("Force", true),
		commands.NewScope("S", "Shoe -eq 'x'", ""), commands.EnableOrganizationCustomization(), commands.RemoveRoleGroup("Help Desk", ""),
		commands.NewAssignment("X", exchange.SecurityGroup, "Newsletter", exchange.Role, commands.WriteScope{}, ""),
	}
	english := New(scenario(t, "already-enabled"), Options{}).Session(SessionOptions{})
	german := New(scenario(t, "already-enabled"), Options{Language: "de"}).Session(SessionOptions{})
	japanese := New(scenario(t, "already-enabled"), Options{}).Session(SessionOptions{Language: "ja-JP"})
	for _, c := range commands {
		want := invoke(t, english, c).Errors[0]
		for _, other := range []*Session{german, japanese} {
			got := invoke(t, other, c).Errors[0]
			if got.Message == want.Message {
				t.Errorf("%s: %q is not translated", c.Cmdlet, got.Message)
			}
			got.Message = want.Message
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s:\n%s", c.Cmdlet, diff)
			}
		}
	}
}

func TestMessagesTakeTheSameArguments(t *testing.T) {
	verbs := regexp.MustCompile(`%(\[\d\])?[a-z]`)
	for name, m := range map[string]message{
		"not found": msgNotFound, "exists": msgExists, "too long": msgTooLong, "filter": msgFilterProperty, "syntax": msgFilterSyntax,
		"in use": msgScopeInUse, "member": msgMemberExists, "exclusive": msgExclusiveAsCustom, "character": msgBadCharacter, "convert": msgCannotConvert,
	} {
		for _, text := range m[1:] {
			if diff := cmp.Diff(sorted(verbs.FindAllString(m[english], -1)), sorted(verbs.FindAllString(text, -1))); diff != "" {
				t.Errorf("%s: %s\n%s", name, text, diff)
			}
		}
	}
}
