package peers

import "golang.org/x/sys/windows"

// OnWine reports whether the test runs on Wine, where other programs of the Unix
// below cannot be reached.
func OnWine() bool {
	return windows.NewLazySystemDLL("ntdll.dll").NewProc("wine_get_version").Find() == nil
}
