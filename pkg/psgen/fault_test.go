package psgen

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/exgrant/exgrant/internal/peers"
)

func TestFaultRulesBlock(t *testing.T) {
	block, err := faultRulesBlock()
	if err != nil {
		t.Fatal(err)
	}
	for i, line := range strings.Split(block, "\n") {
		if len(line) > maxColumn && !strings.Contains(line, "https://") {
			t.Errorf("line %d has %d columns: %s", i+1, len(line), line)
		}
		for _, r := range line {
			if r >= 0x80 {
				t.Errorf("line %d holds %q", i+1, r)
			}
		}
	}
	again, _ := faultRulesBlock()
	if again != block {
		t.Error("printed twice, the rules differ")
	}
	_ = json.Valid
	dir := t.TempDir()
	body, err := os.ReadFile("body/fault.ps1")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "rules.ps1")
	os.WriteFile(file, []byte(block+"\n"+string(body)), 0o600)
	out, err := exec.Command(peers.Pwsh(t), "-Check", file).CombinedOutput()
	if err != nil || len(out) > 0 {
		t.Errorf("check: %v\n%s", err, out)
	}
}
