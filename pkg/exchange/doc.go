// Package exchange is the vocabulary of exgrant: what an administrator wants
// (Grant, Assignee, Scope), what is sent to an Exchange organization (Command,
// Pipeline), what comes back (Object, ErrorRecord, Streams) and what is told
// about it (Report).
//
// The package decides nothing and contacts nobody. Package psgen prints grants
// as PowerShell, package grant carries them out over an Invoker; both build
// their commands with the constructors of this package, so that they agree.
//
// All values are plain data. They are safe for concurrent reading.
package exchange
