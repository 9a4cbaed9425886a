package exchangesim

import (
	"strings"
	"testing"
	"time"

	"github.com/exgrant/exgrant/internal/commands"
	"github.com/exgrant/exgrant/pkg/exchange"
)

func TestReplication(t *testing.T) {
	o, s := open(t, "replication-lag")
	there := func(dc string) bool {
		a := invoke(t, s, commands.GetAssignment("A", dc))
		if len(a.objects) == 1 && !strings.HasPrefix(a.objects[0].Text("OriginatingServer"), dc) {
			t.Errorf("%s answers as %s", dc, a.objects[0].Text("OriginatingServer"))
		}
		return len(a.objects) == 1
	}
	must(t, s, commands.NewScope("S", groupFilter("Groups"), ""))
	made := must(t, s, commands.NewAssignment("A", exchange.User, assignee, exchange.Role, commands.WriteScope{Custom: "S"}, "")).objects[0]
	taker := made.Text("OriginatingServer")
	if taker != "DC01.contoso.test" {
		t.Errorf("%s took the write", taker)
	}
	if !there(taker) || there("DC02.contoso.test") || there("") {
		t.Errorf("at once: %v, %v, %v", there(taker), there("DC02.contoso.test"), there(""))
	}
	o.Clock().Sleep(20*time.Minute - 1)
	if there("DC02") {
		t.Error("replicated too early")
	}
	o.Clock().Sleep(1)
	if !there("DC02") || !there("") {
		t.Error("not replicated")
	}
	must(t, s, commands.RemoveAssignment("A", "DC02"))
	if there("DC02") || !there("DC01") {
		t.Error("the removal is not on DC02 alone")
	}
	if n := len(o.Snapshot().Assignments); n != len(New(o.Scenario(), Options{}).Snapshot().Assignments) {
		t.Error("a snapshot waits for replication")
	}
	o.Clock().Sleep(20 * time.Minute)
	if there("DC01") {
		t.Error("the removal is not replicated")
	}
}

func TestPinnedWrite(t *testing.T) {
	o := New(scenario(t, "plain"), Options{ReplicationDelay: time.Hour})
	s := o.Session(SessionOptions{})
	must(t, s, commands.NewScope("S", "City -eq 'Berlin'", "DC02.contoso.test"))
	if got := invoke(t, s, newAssignment("Name", "A", "User", assignee, "CustomRecipientWriteScope", "S")).fault(t); got != "ManagementObjectNotFoundException" {
		t.Errorf("DC01 knows the scope that DC02 took: %q", got)
	}
	must(t, s, commands.NewAssignment("A", exchange.User, assignee, exchange.Role, commands.WriteScope{Custom: "S"}, "DC02.contoso.test"))
	must(t, s, command("Set-ADServerSettings", "PreferredServer", "DC02.contoso.test"))
	if a := must(t, s, commands.GetAssignment("A", "")); a.objects[0].Text("OriginatingServer") != "DC02.contoso.test" {
		t.Errorf("the preferred domain controller: %+v", a.objects)
	}
}

func TestWriteKeepsWhatIsStillShown(t *testing.T) {
	at := func(minutes int) replica {
		return replica{"DC01", epoch.Add(time.Duration(minutes) * time.Minute), 10 * time.Minute}
	}
	number := func(i int) *int { return &i }
	rec := original("g", number(0))
	for i := 1; i <= 3; i++ {
		write(at(i), rec, number(i))
	}
	other := at(5)
	other.dc = "DC02"
	if got := *see(other, rec); got != 0 {
		t.Errorf("DC02 sees %d", got)
	}
	other.now = epoch.Add(12 * time.Minute)
	if got := *see(other, rec); got != 2 {
		t.Errorf("12 minutes later DC02 sees %d", got)
	}
	write(at(60), rec, number(4))
	if len(rec.Versions) != 2 {
		t.Errorf("%d versions are kept, want the one that DC02 shows and the new one", len(rec.Versions))
	}
}

func TestClock(t *testing.T) {
	c := newClock()
	if got := c.Now().Format(time.RFC3339); got != "2026-11-24T09:00:00Z" {
		t.Errorf("starts at %s", got)
	}
	c.Sleep(-time.Hour)
	c.Sleep(90 * time.Second)
	if got := c.Now().Format(time.RFC3339); got != "2026-11-24T09:01:30Z" {
		t.Errorf("now %s", got)
	}
}
