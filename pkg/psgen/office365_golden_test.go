package psgen

import (
	"io"
	"testing"
	"time"
)

func TestOffice365Golden(t *testing.T) {
	day := time.Date(2026, time.November, 24, 9, 0, 0, 0, time.UTC)
	for name, o := range map[string]Office365Options{
		"office365.ps1":     {},
		"office365-ews.ps1": {AcceptEWSEnd: true, Now: day},
	} {
		golden(t, name, printed(t, func(w io.Writer) error { return Office365(w, o) }))
	}
}
