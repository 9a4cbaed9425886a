package winrsd

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
)

//go:embed standins.psm1
var standInsText string

// standIns is the text of the shell's module. It holds no password: only the hash of
// the one that every simulated account has.
func (sh *shell) standIns() string {
	sum := ""
	if p := sh.config.ExchangePassword; p != "" {
		hash := sha256.Sum256([]byte(p))
		sum = hex.EncodeToString(hash[:])
	}
	signature := sh.config.Signature
	if signature == "" {
		signature = "Valid"
	}
	var b strings.Builder
	for _, v := range []struct{ name, value string }{
		{"PasswordHash", sum}, {"User", sh.user}, {"Sessions", filepath.Join(sh.dir, "sessions")}, {"Exchange", sh.proxy.Manifest}, {"Signature", signature},
		{"Permitted", strconv.FormatBool(sh.permitted)},
	} {
		fmt.Fprintf(&b, "$script:%s = '%s'\n", v.name, strings.ReplaceAll(v.value, "'", "''"))
	}
	return b.String() + standInsText
}
