// Package psgen prints grants as PowerShell scripts: for a person to read, sign
// and run, or for a transport to carry.
//
// There is one function for each kind of script. Each writes a whole file: a
// header that is the comment-based help, the parameters, a data block that holds
// everything the user said as constants, a procedure, and the functions that it needs.
// The parts are the .ps1 files in folder body; which of them a script has depends on its
// Form alone, and so does everything in it but the data block.
//
// The output depends on the arguments alone: no version, date or path is in it,
// so that regeneration is byte-equal, and Check can tell whether a script is what this
// package writes. It is UTF-8 with a byte order mark, lines end in CRLF, and it runs on
// Windows PowerShell 3.0 to PowerShell 7.
package psgen

import (
	"io"

	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/report"
)

// Literal returns s as a PowerShell constant. It refuses what PowerShell cannot
// hold or a reader could not see; the error wraps an *exchange.TextError.
func Literal(s string) (string, error) { return exchange.Quote(s) }

// Grant writes the script that makes the grant, and proves it by the grant's InScope
// and OutOfScope. Its error is an exchange.ValidationError when the grant is not valid,
// else the writer's.
func Grant(w io.Writer, g exchange.Grant) error { return writeGrant(w, KindGrant, g) }

// Revoke writes the script that takes the grant back by its exact name. Its error is as
// Grant's.
func Revoke(w io.Writer, g exchange.Grant) error { return writeGrant(w, KindRevoke, g) }

// Status writes the script that tells whether the grant is in place and changes
// nothing. Its error is as Grant's.
func Status(w io.Writer, g exchange.Grant) error { return writeGrant(w, KindStatus, g) }

// Undo writes the script that takes back, by GUID, every change of a report.
// It refuses a report that changed nothing, or whose inverse holds what no report of
// this program has.
func Undo(w io.Writer, r report.Report) error { return writeUndo(w, r) }
