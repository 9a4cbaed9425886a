// Package exchange is the vocabulary of exgrant: what an administrator wants
// (Grant, Assignee, Scope), what is sent to an Exchange organization (Command,
// Pipeline), and what comes back (Object, ErrorRecord, Streams) from an Invoker.
//
// The package decides nothing and contacts nobody. Package grant carries a Grant out
// over an Invoker, package psgen writes it as a PowerShell script, and package report
// is what both tell about it.
//
// All values are plain data. They are safe for concurrent reading.
package exchange
