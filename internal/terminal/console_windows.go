package terminal

import "golang.org/x/sys/windows"

// controlSequences makes a console act on control sequences, and reports whether it
// does: those before Windows 10 and Windows Server 2016 cannot, later ones only when
// asked.
func controlSequences(fd uintptr) bool {
	var mode uint32
	if err := windows.GetConsoleMode(windows.Handle(fd), &mode); err != nil {
		return false
	}
	if mode&windows.ENABLE_VIRTUAL_TERMINAL_PROCESSING != 0 {
		return true
	}
	return windows.SetConsoleMode(windows.Handle(fd), mode|windows.ENABLE_VIRTUAL_TERMINAL_PROCESSING) == nil
}
