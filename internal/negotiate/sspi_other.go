//go:build !windows

package negotiate

import "context"

// haveSSPI tells whether the system knows who is logged on.
const haveSSPI = false

func newSSPI(Method, string, string, []byte) (mechanism, error) { return nil, errNoSSPI }

func sspiUser() string { return "" }

func sspiTicket(context.Context, string) (Ticket, error) { return Ticket{}, errNoSSPI }

func sspiKDC() (realm, address string, err error) { return "", "", errNoSSPI }

var errNoSSPI = &Error{Kind: BadCredential, What: "only Windows can log on as the user who is logged on"}
