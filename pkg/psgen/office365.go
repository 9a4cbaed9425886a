package psgen

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// Office365Options say which office365 script is wanted.
type Office365Options struct {
	// AcceptEWSEnd asks for the variant that lets an application use EWS, knowing
	// that EWS in Exchange Online ends on a fixed day. It needs Now.
	AcceptEWSEnd bool
	// Now is the day of generation. Without AcceptEWSEnd it is not looked at: that
	// script is the same on every day.
	Now time.Time
}

// An EWSEndedError says that a script for EWS in Exchange Online was asked for on
// or after the day on which EWS ends there.
type EWSEndedError struct {
	End time.Time // midnight UTC
}

func (e *EWSEndedError) Error() string {
	return fmt.Sprintf("no script for EWS in Exchange Online: EWS is off there since %s, without exceptions; "+
		"the script without it grants rights for Microsoft Graph", e.End.Format(time.DateOnly))
}

// Office365 writes the script for Exchange Online, where ApplicationImpersonation
// no longer exists. Run without parameters the script explains that, with dates
// and sources, and lists what is left; with parameters it gives an application
// scoped rights by RBAC for Applications and tests one mailbox inside the scope
// and one outside. It holds nothing that a user said: everything is a parameter.
//
// With AcceptEWSEnd the right is EWS's own, and the script also lets the
// application through the organization's EWS settings. From the day on which EWS
// ends that is refused with an *EWSEndedError, here and by the script itself.
func Office365(w io.Writer, o Office365Options) error {
	variant, err := o.variant()
	if err != nil {
		return err
	}
	data, err := office365Data()
	if err != nil {
		return err
	}
	var b strings.Builder
	if err := include(&b, "office365.ps1", blocks{"data": data + "\n", "variant": variant.functions}); err != nil {
		return err
	}
	script, err := seal(variant.words().Replace(b.String()))
	if err != nil {
		return fmt.Errorf("office365.ps1: %w", err)
	}
	_, err = w.Write(script)
	return err
}

// An office365Variant is what differs between the two scripts: a file of
// functions, and words of the header.
type office365Variant struct {
	functions, role, steps, about, undo string
}

func (o Office365Options) variant() (office365Variant, error) {
	switch {
	case !o.AcceptEWSEnd:
		return graphVariant(), nil
	case o.Now.IsZero():
		return office365Variant{}, errors.New("no script for EWS in Exchange Online: Office365Options.Now, " +
			"the day of generation, is not set")
	case !o.Now.Before(ewsEnd()):
		return office365Variant{}, &EWSEndedError{ewsEnd()}
	}
	return ewsVariant(), nil
}

func graphVariant() office365Variant {
	return office365Variant{
		functions: "office365-graph.ps1",
		role:      "Application Calendars.ReadWrite",
		steps: `    5. Asks Exchange about a mailbox in the scope and one outside it (Test-ServicePrincipalAuthorization).
    6. Lists what is left to do by hand, above all to remove tenant-wide consents in Entra.`,
		about: "    The role is one of Microsoft Graph. EWS in Exchange Online ends on " + ewsEnd().Format(time.DateOnly) +
			": this script does not\n    set it up.",
	}
}

func ewsVariant() office365Variant {
	return office365Variant{
		functions: "office365-ews.ps1",
		role:      "Application EWS.AccessAsApp",
		steps: `    5. Adds the application to EwsAllowedAppIDs, which keeps all its other entries.
    6. Sets EwsEnabled to True for the organization, if it is not.
    7. Asks Exchange about a mailbox in the scope and one outside it (Test-ServicePrincipalAuthorization).
    8. Lists what is left to do by hand, above all to remove tenant-wide consents in Entra.`,
		about: "    This is the variant for an application that still needs EWS. EWS in Exchange Online ends on " +
			ewsEnd().Format(time.DateOnly) + ",\n    without exceptions: from that day this script only reads.",
		undo: "\n    EwsAllowedAppIDs and EwsEnabled: the steps show the values from before.",
	}
}

func (v office365Variant) words() *strings.Replacer {
	return strings.NewReplacer("{{role}}", v.role, "{{steps}}", v.steps, "{{variant}}", v.about, "{{undo}}", v.undo)
}

// office365Data is the data block: what is true of Exchange Online, and when.
func office365Data() (string, error) {
	d := new(block)
	d.line("# What happened, with sources, as of the first date.")
	d.line("$AsOf = %s", d.text(office365AsOf))
	d.line("$EwsEnd = %s", d.text(ewsEnd().Format(time.DateOnly)))
	d.line("$Facts = @(")
	for _, fact := range office365Facts() {
		d.line("    @{")
		d.line("        When   = %s", d.text(fact.When))
		d.line("        Text   = %s", d.wrapped(fact.Text))
		d.line("        Source = %s", d.wrapped(fact.Source))
		d.line("    }")
	}
	d.line(")")
	return d.done()
}

// wrapped is text as constants that are joined, none so long that its line
// leaves the page. It is cut after a space or a slash.
func (d *block) wrapped(text string) string {
	const width = 88
	var parts []string
	for len(text) > width {
		cut := strings.LastIndexAny(text[:width], " /") + 1
		if cut == 0 {
			break
		}
		parts = append(parts, d.text(text[:cut]))
		text = text[cut:]
	}
	return strings.Join(append(parts, d.text(text)), " +\n            ")
}
