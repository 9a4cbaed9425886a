package exchangesim

import (
	"context"
	"testing"

	"github.com/exgrant/exgrant/pkg/exchange"
)

func TestSmoke(t *testing.T) {
	for _, sc := range Scenarios() {
		o := New(sc, Options{})
		s := o.Session(SessionOptions{})
		t.Log("=====", sc.Name, len(s.Commands()), sc.Grant().Validate())
		f, _ := exchange.MemberOf("CN=Reschedule Users,OU=Groups,DC=contoso,DC=test")
		for _, c := range []exchange.Command{
			exchange.GetExchangeServer(), exchange.SetADServerSettings(true), exchange.GetOrganizationConfig(), exchange.GetUser(sc.Grant().Assignee.Identity), exchange.GetGroup("Reschedule Users"),
			exchange.ListRecipients(f, ""), exchange.ListImpersonationRoles(), exchange.ListAssignments("ApplicationImpersonation"),
			exchange.NewScope("S1", f, ""), exchange.NewAssignment("A1", exchange.User, sc.Grant().Assignee.Identity, exchange.Role, exchange.AssignmentScope{Custom: "S1"}, ""),
			exchange.EnableOrganizationCustomization(),
			exchange.NewScope("S1", f, ""), exchange.NewAssignment("A1", exchange.User, sc.Grant().Assignee.Identity, exchange.Role, exchange.AssignmentScope{Custom: "S1"}, ""),
			exchange.ListAssignmentsOver("anna", "svc-reschedule"), exchange.ListAssignmentsOver("boss", "svc-reschedule"),
			exchange.NewRoleGroup("RG", []string{exchange.Role}, []string{"svc-backup"}, exchange.AssignmentScope{Custom: "S1"}, ""),
			exchange.GetRoleGroup("RG"),
		} {
			n := 0
			var last exchange.Object
			st, err := s.Invoke(context.Background(), exchange.Pipeline{c}, func(x exchange.Object) error { n++; last = x; return nil })
			if err != nil {
				t.Fatal(err)
			}
			t.Log(c.Cmdlet, n, last.Text("Name"), st)
		}
	}
}
