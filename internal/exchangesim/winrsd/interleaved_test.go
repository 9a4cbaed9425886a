package winrsd

import (
	"encoding/base64"
	"encoding/json"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/exgrant/exgrant/internal/exchangesim"
	"github.com/exgrant/exgrant/internal/testing/peers"
)

const interleavedScript = `
import base64, json, sys, time
import xml.etree.ElementTree as ET
from winrm.protocol import Protocol
from winrm.exceptions import WinRMOperationTimeoutError
url, statement, trial = sys.argv[1:]
p = Protocol(url, transport='basic', username='administrator', password='Passw0rd!', operation_timeout_sec=5, read_timeout_sec=10)
shell = p.open_shell(codepage=65001)
command = p.run_command(shell, 'powershell.exe', ['-NoLogo', '-NoProfile', '-NonInteractive', '-OutputFormat', 'Text', '-Command', '-'], console_mode_stdin=False)
text, last, noise = '', 0, ''

def answers():
    """What comes until the command is done, as (kind, text of the value)."""
    global text, last, noise
    got = []
    while True:
        try:
            out, err, code, done = p.get_command_output_raw(shell, command)
        except WinRMOperationTimeoutError:
            continue
        text += out.decode()
        while '\n' in text:
            line, text = text.split('\n', 1)
            before, found, rest = line.partition('NONCE ')
            noise += before
            if not found:
                continue
            number, kind, length, data = rest.split()
            xml = base64.b64decode(data)
            assert int(number) == last + 1 and len(xml) == int(length), line
            last = int(number)
            got.append((kind, ' '.join(e.text or '' for e in ET.fromstring(xml).iter() if not list(e))))
            if kind in ('END', 'HELLO'):
                return got
        assert not done, (out, err, code)

def call(cmdlet, **parameters):
    line = json.dumps({'cmdlet': cmdlet, 'parameters': [{'name': n, 'text': '=' + v} for n, v in parameters.items()]})
    p.send_command_input(shell, command, line + '\n')
    return answers()

p.send_command_input(shell, command, statement + '\n')
out = {'hello': answers()}
out['open'] = call('Open-ExgExchange', Server='ex01.contoso.test', User='administrator', Password='Passw0rd!')
out['user'] = call('Get-User', Identity='svc-reschedule')
out['missing'] = call('Get-User', Identity='nobody at all')
call('Import-Module', Name=trial)
out['many'] = len(call('Get-TrialObject', Count='5000'))
out['trouble'] = [kind for kind, _ in call('Get-TrialTrouble')]
out['noise'] = call('Get-TrialNoise')
out['input'] = [kind for kind, _ in call('Get-TrialInput')]
p.send_command_input(shell, command, json.dumps({'cmdlet': 'Start-Sleep', 'parameters': [{'name': 'Seconds', 'value': 600}]}) + '\n')
time.sleep(1)
p.send_command_input(shell, command, '\n')
out['stopped'] = answers()
out['again'] = call('Get-User', Identity='anna')
p.send_command_input(shell, command, '', end=True)
stdout, stderr, code = p.get_command_output(shell, command)
out['end'] = code
out['heard'] = 'for people' in noise + text
p.cleanup_command(shell, command)
p.close_shell(shell)
print(json.dumps(out))
`

// pywinrm drives the PowerShell that exgrant drives: standard input and output in turn.
func TestPywinrmInterleaved(t *testing.T) {
	python, pwsh := peers.Python(t, "winrm"), peers.Pwsh(t)
	scenario, err := exchangesim.ScenarioByName("plain")
	if err != nil {
		t.Fatal(err)
	}
	server := New(Config{Organization: exchangesim.New(scenario, exchangesim.Options{}), Pwsh: pwsh, Password: "Passw0rd!"})
	defer server.Close()
	h := httptest.NewServer(server)
	defer h.Close()
	remote := peers.ModuleRoot(t) + "/pkg/remote/"
	read := func(name string) string {
		text, err := os.ReadFile(remote + name)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	loop, commands := read("loop.ps1"), read("commands.ps1")
	for _, name := range []string{"open.ps1", "script.ps1"} {
		commands = strings.ReplaceAll(commands, "# include: "+name+"\n", read(name))
	}
	statement := "& ([ScriptBlock]::Create([Text.Encoding]::UTF8.GetString([Convert]::FromBase64String('" + base64.StdEncoding.EncodeToString([]byte(loop)) +
		"')))) NONCE '" + base64.StdEncoding.EncodeToString([]byte(commands)) + "'"
	cmd := exec.CommandContext(t.Context(), python, "-c", interleavedScript, h.URL+"/wsman", statement, filepath.Join(remote, "testdata/Trial/Trial.psd1"))
	cmd.WaitDelay = time.Second
	text, err := cmd.Output()
	if exit, ok := err.(*exec.ExitError); ok {
		t.Fatalf("%v: %s", err, exit.Stderr)
	}
	var got struct {
		Hello, Open, User, Missing, Noise, Stopped, Again [][2]string
		Trouble, Input                                    []string
		Many, End                                         int
		Heard                                             bool
	}
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	kinds := func(answers [][2]string) string {
		var list []string
		for _, a := range answers {
			list = append(list, a[0])
		}
		return strings.Join(list, " ")
	}
	for _, c := range []struct{ what, got, want string }{
		{"hello", kinds(got.Hello), "HELLO"}, {"open", kinds(got.Open), "OBJECT END"}, {"a user", kinds(got.User), "OBJECT END"},
		{"nobody", kinds(got.Missing), "ERROR END"}, {"trouble", strings.Join(got.Trouble, " "), "ERROR WARNING OBJECT ERROR END"},
		{"noise", kinds(got.Noise), "OBJECT END"}, {"input", strings.Join(got.Input, " "), "OBJECT FAILED END"},
		{"stopped", kinds(got.Stopped), "END"}, {"again", kinds(got.Again), "OBJECT END"},
	} {
		if c.got != c.want {
			t.Errorf("%s: %s, want %s", c.what, c.got, c.want)
		}
	}
	if got.Many != 5001 || got.End != 0 || !got.Heard || !strings.Contains(got.User[0][1], "svc-reschedule") {
		t.Errorf("%d answers for 5,000 objects; exit code %d; what was printed for people: %v", got.Many, got.End, got.Heard)
	}
	if n := server.Shells(); n > 0 {
		t.Errorf("%d shells left", n)
	}
	if n := server.SessionsLeft(); n > 0 {
		t.Errorf("%d sessions left", n)
	}
}
