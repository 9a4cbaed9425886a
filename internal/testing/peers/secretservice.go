package peers

import (
	"bufio"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// StartSecretService starts gnome-keyring with an empty keyring that is unlocked, on
// a session bus of its own, and returns the address of the bus, for
// DBUS_SESSION_BUS_ADDRESS.
func StartSecretService(t testing.TB) string {
	t.Helper()
	daemon := Program(t, "gnome-keyring-daemon")
	bus := exec.Command(Program(t, "dbus-daemon"), "--session", "--nofork", "--nopidfile", "--print-address")
	address := strings.TrimSpace(firstLine(t, bus))
	home := t.TempDir()
	if err := os.Chmod(home, 0o700); err != nil { // or the daemon ends
		t.Fatal(err)
	}
	keyring := exec.Command(daemon, "--foreground", "--unlock", "--components=secrets", "--control-directory="+home)
	keyring.Env = append(os.Environ(), "DBUS_SESSION_BUS_ADDRESS="+address, "HOME="+home, "XDG_DATA_HOME="+home, "XDG_RUNTIME_DIR="+home)
	keyring.Stdin = strings.NewReader("keyring")
	firstLine(t, keyring) // GNOME_KEYRING_CONTROL=…: it serves
	awaitOwner(t, address)
	return address
}

// firstLine starts a program that ends with the test, and waits for its first line.
func firstLine(t testing.TB, cmd *exec.Cmd) string {
	t.Helper()
	stdout, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	line := make(chan string, 1)
	go func() {
		text, _ := bufio.NewReader(stdout).ReadString('\n')
		line <- text
	}()
	select {
	case text := <-line:
		if text == "" {
			t.Fatalf("%s ended at once", cmd.Path)
		}
		return text
	case <-time.After(20 * time.Second):
		t.Fatalf("%s says nothing", cmd.Path)
	}
	return ""
}

// awaitOwner waits until somebody keeps secrets on the bus.
func awaitOwner(t testing.TB, address string) {
	t.Helper()
	var out []byte
	for range 100 {
		out, _ = exec.Command(Program(t, "dbus-send"), "--bus="+address, "--print-reply", "--dest=org.freedesktop.DBus", "/org/freedesktop/DBus",
			"org.freedesktop.DBus.NameHasOwner", "string:org.freedesktop.secrets").CombinedOutput()
		if strings.Contains(string(out), "boolean true") {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("nobody keeps secrets on the bus: %s", out)
}
