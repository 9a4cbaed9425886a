package grant

import (
	"context"
	"testing"

	"github.com/exgrant/exgrant/pkg/exchange"
)

func TestIsOnlineHost(t *testing.T) {
	for host, want := range map[string]bool{
		"outlook.office365.com": true, "ps.outlook.com": true, "Outlook.Office365.Us": true, "partner.outlook.cn": true,
		"webmail.apps.mil": true, "outlook.office365.com.": true,
		"ex01.contoso.test": false, "notoutlook.com": false, "outlook.com.contoso.test": false, "": false,
	} {
		if got := isOnlineHost(host); got != want {
			t.Errorf("%s: %v", host, got)
		}
	}
}

// counted counts pipelines by their cmdlet.
type counted struct {
	exchange.Invoker
	cmdlets []string
}

func (c *counted) Invoke(ctx context.Context, p exchange.Pipeline, yield func(exchange.Object) error) (exchange.Streams, error) {
	c.cmdlets = append(c.cmdlets, p[0].Cmdlet)
	return c.Invoker.Invoke(ctx, p, yield)
}

// Every pipeline costs two requests over the network: what a grant needs is held
// here, so that nobody adds one without noticing.
func TestPipelines(t *testing.T) {
	s := scenario(t, "plain")
	st := newStage(t, s)
	c := &counted{Invoker: st.session}
	st.inv = c
	plan, _ := st.plan(t, s.Grant())
	if n := len(c.cmdlets); n > 17 {
		t.Errorf("a plan takes %d pipelines: %q", n, c.cmdlets)
	}
	c.cmdlets = nil
	st.apply(t, plan)
	if n := len(c.cmdlets); n > 24 {
		t.Errorf("a grant takes %d pipelines: %q", n, c.cmdlets)
	}
	if c.cmdlets[0] != "Get-Command" {
		t.Errorf("it begins with %s", c.cmdlets[0])
	}
}
