// Package winrsd is the remote shell of Windows (WinRS, MS-WSMV) in front of a
// simulated organization: WSMan over HTTP, and behind it real PowerShell processes.
//
// A shell runs commands as cmd.exe would, and knows one: PowerShell, which is the
// engine of Config.Pwsh. What that engine lacks to open a session of Exchange
// (New-PSSession, Import-PSSession, Remove-PSSession) or to look at a signature
// (Get-AuthenticodeSignature) is there as functions of a module, loaded before the
// client's own command, or as the first statement where standard input brings those:
// the commands that Import-PSSession brings are those of
// package scriptproxy. So what a client sends is run as it is.
//
// Output waits for the client in bounded memory; a process whose client does not ask
// waits. Whatever ends a shell ends all that runs in it.
package winrsd
