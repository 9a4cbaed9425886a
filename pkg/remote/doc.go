// Package remote opens sessions with an Exchange server, in which the commands of
// grants run one by one.
//
// New and Dial open one over PowerShell remoting at Exchange's own endpoint: they send
// structured commands, never script text, so that it works as Exchange ships it.
// NewWinRS and NewLocal open a PowerShell instead, one that WinRM's remote shell starts
// on a server or one of this computer: a Shell. It is fed one statement, loop.ps1, stays
// open, and runs the same commands. All three are an exchange.Invoker, and none decides
// anything. Errors that Exchange reports are data of the pipeline; the errors of this
// package are about reaching the server, and carry evidence for package fault.
//
// A Shell also runs scripts that were written before, byte for byte, and reads the
// report that they write.
package remote
