package peers

import (
	"os"
	"os/exec"
	"testing"
)

// Python returns the Python that has the independent clients (pypsrp, pywinrm,
// exchangelib): EXGRANT_PYTHON, which `.ci/peers` prints, or python3 where that has
// the module.
func Python(t testing.TB, module string) string {
	t.Helper()
	python := os.Getenv("EXGRANT_PYTHON")
	if python == "" {
		python = "python3"
	}
	if err := exec.Command(python, "-c", "import "+module).Run(); err != nil {
		absent(t, "no Python module %s for %s: %v", module, python, err)
	}
	return python
}

// SystemPython returns the Python of Debian's packages, which has the system's
// GSSAPI for the shared acceptor.py.
func SystemPython(t testing.TB) string {
	t.Helper()
	const python = "/usr/bin/python3"
	if err := exec.Command(python, "-c", "import gssapi").Run(); err != nil {
		absent(t, "no Python module gssapi for %s: %v", python, err)
	}
	return python
}
