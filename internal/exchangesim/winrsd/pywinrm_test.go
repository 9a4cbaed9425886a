package winrsd

import (
	"encoding/json"
	"net/http/httptest"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/exgrant/exgrant/internal/exchangesim"
	"github.com/exgrant/exgrant/internal/testing/peers"
)

const pywinrmScript = `
import json, sys, winrm
from winrm.exceptions import WinRMError, WinRMOperationTimeoutError
from winrm.protocol import Protocol
url = sys.argv[1]
out = {}
s = winrm.Session(url, auth=('administrator', 'Passw0rd!'), transport='basic')
r = s.run_ps("'h\u00e9llo'; [Console]::Error.WriteLine('oops'); exit 7")
out['ps'] = [r.status_code, r.std_out.decode('utf-8', 'replace'), r.std_err.decode('utf-8', 'replace')]
r = s.run_cmd('ipconfig', ['/all'])
out['cmd'] = [r.status_code, r.std_out.decode(), r.std_err.decode()]
r = s.run_ps('''$p = ConvertTo-SecureString -String 'Passw0rd!' -AsPlainText -Force
$c = New-Object System.Management.Automation.PSCredential 'administrator', $p
$s = New-PSSession -ConfigurationName Microsoft.Exchange -ConnectionUri http://ex01.contoso.test/PowerShell/ -Authentication Kerberos -Credential $c
$null = Import-PSSession $s -CommandName Get-User
(Get-User -Identity svc-reschedule).Name
Remove-PSSession $s''')
out['exchange'] = [r.status_code, r.std_out.decode().strip()]
p = Protocol(url, transport='basic', username='administrator', password='Passw0rd!', operation_timeout_sec=2, read_timeout_sec=10)
shell = p.open_shell()
command = p.run_command(shell, 'powershell.exe', ['-NoProfile', '-Command', '"[Console]::Out.Write([Console]::In.ReadLine().ToUpper()); [Threading.Thread]::Sleep(2500); exit 3"'])
try:
    p.send_command_input(shell, command, 'input\r\n', end=True)
    stdout, stderr, code = p.get_command_output(shell, command)
    out['input'] = [code, stdout.decode(), stderr.decode()]
finally:
    p.cleanup_command(shell, command)
    p.close_shell(shell)
try:
    p.close_shell(shell)
    out['gone'] = 'no error'
except WinRMError as e:
    out['gone'] = type(e).__name__
try:
    winrm.Session(url, auth=('administrator', 'wrong'), transport='basic').run_cmd('x')
    out['password'] = 'no error'
except Exception as e:
    out['password'] = type(e).__name__
print(json.dumps(out))
`

// pywinrm, which others wrote, drives the server as it drives Windows.
func TestPywinrm(t *testing.T) {
	python, pwsh := peers.Python(t, "winrm"), peers.Pwsh(t)
	scenario, err := exchangesim.ScenarioByName("plain")
	if err != nil {
		t.Fatal(err)
	}
	server := New(Config{Organization: exchangesim.New(scenario, exchangesim.Options{}), Pwsh: pwsh, Password: "Passw0rd!"})
	defer server.Close()
	h := httptest.NewServer(server)
	defer h.Close()
	cmd := exec.CommandContext(t.Context(), python, "-c", pywinrmScript, h.URL+"/wsman")
	cmd.WaitDelay = time.Second
	text, err := cmd.Output()
	if exit, ok := err.(*exec.ExitError); ok {
		t.Fatalf("%v: %s", err, exit.Stderr)
	}
	var got struct {
		PS, Cmd, Exchange, Input []any
		Gone, Password           string
	}
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	if got.PS[0] != 7.0 || strings.TrimSpace(got.PS[1].(string)) != "h\u00e9llo" || !strings.Contains(got.PS[2].(string), "oops") {
		t.Errorf("PowerShell: %q", got.PS)
	}
	if got.Cmd[0] != 1.0 || !strings.Contains(got.Cmd[2].(string), "'ipconfig' is not recognized") {
		t.Errorf("an unknown program: %q", got.Cmd)
	}
	if got.Exchange[0] != 0.0 || got.Exchange[1] != "svc-reschedule" {
		t.Errorf("a session of Exchange: %q", got.Exchange)
	}
	if got.Input[0] != 3.0 || got.Input[1] != "INPUT" {
		t.Errorf("input and a long wait: %q", got.Input)
	}
	if got.Gone != "WSManFaultError" && got.Gone != "WinRMError" {
		t.Errorf("a shell that is gone: %s", got.Gone)
	}
	if got.Password != "InvalidCredentialsError" {
		t.Errorf("a wrong password: %s", got.Password)
	}
	if n := server.Shells(); n > 0 {
		t.Errorf("%d shells left", n)
	}
	if n := server.SessionsLeft(); n > 0 {
		t.Errorf("%d sessions left", n)
	}
}
