# Runs commands for a program, one after the other, in one PowerShell that stays open. It decides nothing. Each line
# of standard input is one command as JSON, and comes when the one before has said its last word. An empty line stops
# what runs; "?" asks whether it is done; the end of standard input ends all. commands.ps1 runs them, in a runspace of
# its own: only so can one be stopped here.
param([string]$Nonce, [string]$Commands)

$reader = New-Object -TypeName System.IO.StreamReader -ArgumentList ([Console]::OpenStandardInput())
# A command that reads standard input finds its end there, and not the next command.
[Console]::SetIn([System.IO.TextReader]::Null)
$state = [System.Management.Automation.Runspaces.InitialSessionState]::CreateDefault()
$state.ImportPSModule([string[]]@(Get-Module | ForEach-Object -Process { $_.Path }))
$runspace = [System.Management.Automation.Runspaces.RunspaceFactory]::CreateRunspace($Host, $state)
$runspace.Open()
$shell = [System.Management.Automation.PowerShell]::Create()
$shell.Runspace = $runspace
try {
    $text = [System.Text.Encoding]::UTF8.GetString([Convert]::FromBase64String($Commands))
    $null = $shell.AddScript($text).AddParameter('Nonce', $Nonce).Invoke()
    $line = $reader.ReadLineAsync()
    while ($null -ne $line.Result) {
        $shell.Commands.Clear()
        $running = $shell.AddCommand('Invoke-ExgCommand').AddParameter('Line', $line.Result).BeginInvoke()
        do {
            $line = $reader.ReadLineAsync()
            $null = [System.Threading.WaitHandle]::WaitAny(@($running.AsyncWaitHandle, ([IAsyncResult]$line).AsyncWaitHandle))
        } while (-not $running.IsCompleted -and $line.Result -match '^\?')
        if ($line.Result) { $null = $running.AsyncWaitHandle.WaitOne() } elseif (-not $running.IsCompleted) { $shell.Stop() }
    }
} finally {
    $shell.Commands.Clear()
    $null = $shell.AddCommand('Close-ExgExchange').Invoke()
    $runspace.Dispose()
}
