package ews

import (
	"context"
	"fmt"
)

// ProbeAutodiscover is Discover as a rung (LevelAutodiscover).
func ProbeAutodiscover(ctx context.Context, config AutodiscoverConfig, address string) (Rung, Discovery) {
	r := Rung{Level: LevelAutodiscover, Mailbox: address, Tried: "Autodiscover of " + address}
	d, err := Discover(ctx, config, address)
	switch {
	case err != nil:
		r = r.fail(err)
		if !r.IsCancel() {
			r.Next = "Name the address of EWS (--ews-url), or look at Autodiscover: Get-WebServicesVirtualDirectory for the URLs, the DNS for autodiscover." + domainOf(address)
			if d.Attempts != nil {
				r.Saw = fmt.Sprintf("%d places asked; the one that tells most: %s", len(d.Attempts), r.Saw)
			}
		}
	case d.Cloud != "":
		r.Verdict, r.Access = Failed, ""
		r.Saw = "it leads to " + d.Cloud
		r.Means = "The mailbox is in Exchange Online: roles of this organization do not reach it, and nothing was asked there"
		r.Next = "Give access in the cloud (exgrant script office365), or leave this mailbox out"
	default:
		r = r.pass(fmt.Sprintf("EWS is at %s, told by %s at %s", d.URL, d.Way, d.Asked), "The mailbox is on premises, and its clients find EWS")
	}
	return r, d
}
