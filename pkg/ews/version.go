package ews

import (
	"fmt"
	"strings"
)

// A Version is a version of the EWS schema: what RequestServerVersion asks for
// (https://learn.microsoft.com/exchange/client-developer/web-service-reference/requestserverversion).
type Version string

// The versions that a client asks for. Exchange 2013 SP1 to Subscription Edition
// take Exchange2013SP1, Exchange 2010 SP2 and SP3 Exchange2010SP2.
const (
	Exchange2010SP2 Version = "Exchange2010_SP2"
	Exchange2013SP1 Version = "Exchange2013_SP1"
)

// A Build is the build of an Exchange server, such as 15.2.2562.17. The zero Build
// is unknown.
type Build struct{ Major, Minor, Build, Revision int }

// IsZero reports whether the build is unknown.
func (b Build) IsZero() bool { return b == Build{} }

// String returns the build with dots, "" when it is unknown.
func (b Build) String() string {
	if b.IsZero() {
		return ""
	}
	return fmt.Sprintf("%d.%d.%d.%d", b.Major, b.Minor, b.Build, b.Revision)
}

// Product names the product that a build is of, "" for one that is not known here.
// Exchange 2019 and Subscription Edition share 15.2: they part at the build of the
// latter's first release (https://learn.microsoft.com/exchange/new-features/build-numbers-and-release-dates).
func (b Build) Product() string {
	switch {
	case b.Major == 8:
		return "Exchange 2007"
	case b.Major == 14:
		return "Exchange 2010"
	case b.Major == 15 && b.Minor == 0:
		return "Exchange 2013"
	case b.Major == 15 && b.Minor == 1:
		return "Exchange 2016"
	case b.Major == 15 && b.Minor == 2 && b.Build < 2562:
		return "Exchange 2019"
	case b.Major == 15 && b.Minor == 2:
		return "Exchange Server SE"
	case b.Major == 15 && b.Minor == 20:
		return "Exchange Online"
	}
	return ""
}

// Named is the build with its product: "15.1.2507.6 (Exchange 2016)".
func (b Build) Named() string {
	if p := b.Product(); p != "" {
		return b.String() + " (" + p + ")"
	}
	return b.String()
}

// serverVersionInfo is the header of every reply: of EWS in attributes (MS-OXWSCDATA
// 2.2.3.12), of Autodiscover in elements (MS-OXWSADISC 2.2.3.5).
type serverVersionInfo struct {
	Major    int    `xml:"MajorVersion,attr"`
	Minor    int    `xml:"MinorVersion,attr"`
	Build    int    `xml:"MajorBuildNumber,attr"`
	Revision int    `xml:"MinorBuildNumber,attr"`
	Version  string `xml:"Version,attr"`

	MajorElement    int `xml:"MajorVersion"`
	MinorElement    int `xml:"MinorVersion"`
	BuildElement    int `xml:"MajorBuildNumber"`
	RevisionElement int `xml:"MinorBuildNumber"`
}

func (v serverVersionInfo) build() Build {
	if b := (Build{v.Major, v.Minor, v.Build, v.Revision}); !b.IsZero() {
		return b
	}
	return Build{v.MajorElement, v.MinorElement, v.BuildElement, v.RevisionElement}
}

// isOlder reports whether a refusal of the version means that the server is older:
// it says so, or it does not find the version in its schema.
func isOlder(code string) bool {
	return strings.EqualFold(code, "ErrorInvalidServerVersion") || strings.EqualFold(code, "ErrorSchemaValidation")
}
