"""For every line on standard input: a script with some parameters after the other, each in a PowerShell of its own.

Prints the seconds from opening the first shell to deleting the last. The script is too long for a command
line: it goes to standard input in base64, as its report comes back.
"""
import base64
import json
import sys
import time

from winrm.protocol import Protocol

url, user, password, path, *runs = sys.argv[1:]
with open(path, "rb") as f:
    script = base64.b64encode(f.read()).decode()

STARTER = """
$lines = @($input)
$password = ConvertTo-SecureString -String ([Text.Encoding]::UTF8.GetString([Convert]::FromBase64String($lines[1]))) -AsPlainText -Force
$credential = New-Object -TypeName System.Management.Automation.PSCredential -ArgumentList 'USER', $password
$session = New-PSSession -ConfigurationName Microsoft.Exchange -ConnectionUri http://ex01.contoso.test/PowerShell/ `
    -Authentication Kerberos -Credential $credential
$null = Import-PSSession -Session $session -DisableNameChecking -AllowClobber
$file = [IO.Path]::Combine([IO.Path]::GetTempPath(), [guid]::NewGuid().ToString() + '.ps1')
[IO.File]::WriteAllBytes($file, [Convert]::FromBase64String($lines[0]))
$null = & $file ARGUMENTS -ReportPath "$file.json"
[Console]::Out.WriteLine('REPORT ' + [IO.File]::ReadAllText("$file.json"))
[IO.File]::Delete($file)
[IO.File]::Delete("$file.json")
Remove-PSSession -Session $session
""".replace("USER", user)


def one(arguments):
    starter = base64.b64encode(STARTER.replace("ARGUMENTS", arguments).encode("utf-16-le")).decode()
    protocol = Protocol(url, transport="basic", username=user, password=password)
    shell = protocol.open_shell()
    command = protocol.run_command(shell, "powershell.exe", ["-NoProfile", "-NonInteractive", "-EncodedCommand", starter])
    lines = script + "\r\n" + base64.b64encode(password.encode()).decode() + "\r\n"
    for at in range(0, len(lines), 100_000):
        protocol.send_command_input(shell, command, lines[at:at + 100_000], end=at + 100_000 >= len(lines))
    stdout, stderr, _ = protocol.get_command_output(shell, command)
    protocol.cleanup_command(shell, command)
    protocol.close_shell(shell)
    report = json.loads(stdout.decode().split("REPORT ")[-1])
    assert report["outcome"] in ("planned", "granted"), (report, stderr)


for _ in sys.stdin:
    start = time.perf_counter()
    for run in runs:
        one(run)
    print(time.perf_counter() - start, flush=True)
