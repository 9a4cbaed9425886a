package remote

// A Transport is a way to an organization.
type Transport string

// The transports. PSRP is Exchange's own endpoint (New, Dial); the others run the same
// commands in a PowerShell: one that WinRM's remote shell starts on a server (NewWinRS),
// or one of this computer (NewLocal).
const (
	PSRP  Transport = "psrp"
	WinRS Transport = "winrs"
	Local Transport = "local"
)

// Transports returns every transport, the usual one first.
func Transports() []Transport { return []Transport{PSRP, WinRS, Local} }
