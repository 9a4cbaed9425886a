// Package remote opens sessions with an Exchange server and runs pipelines in
// them, or generated scripts in a PowerShell.
//
// Dial opens one over PowerShell remoting: it sends structured commands, never
// script text, so that it works with the endpoint as Exchange ships it. Errors
// that Exchange reports are data of the pipeline; the errors of this package are
// about reaching the server, and carry evidence for package fault.
//
// NewWinRS and NewLocal are the other ways in: a Runner sends a whole script to the
// PowerShell that WinRM's remote shell starts on a server, or to one of this
// computer, and reads the report that it writes. bootstrap.ps1 is what runs there.
package remote
