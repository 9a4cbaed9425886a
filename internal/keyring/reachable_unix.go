//go:build unix && !darwin

package keyring

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"

	"github.com/godbus/dbus/v5"
)

// reachable reports whether there is a session bus, on which a Secret Service could
// be. Without one the library would start a bus of its own, which nobody ends.
func reachable(getenv func(string) string) bool {
	if getenv("DBUS_SESSION_BUS_ADDRESS") != "" {
		return true
	}
	for _, name := range []string{"bus", "dbus-session"} {
		if _, err := os.Stat(filepath.Join("/run/user", strconv.Itoa(os.Getuid()), name)); err == nil {
			return true
		}
	}
	return false
}

// isNoService reports whether a bus is there, and nobody on it who keeps secrets.
func isNoService(err error) bool {
	var e dbus.Error
	if errors.As(err, &e) {
		return e.Name == "org.freedesktop.DBus.Error.ServiceUnknown" || e.Name == "org.freedesktop.DBus.Error.NameHasNoOwner"
	}
	return errors.Is(err, os.ErrNotExist) // the bus's own socket
}
