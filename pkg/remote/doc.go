// Package remote opens sessions with an Exchange server and runs pipelines in
// them.
//
// Dial opens one over PowerShell remoting: it sends structured commands, never
// script text, so that it works with the endpoint as Exchange ships it. Errors
// that Exchange reports are data of the pipeline; the errors of this package are
// about reaching the server, and carry evidence for package fault.
package remote
