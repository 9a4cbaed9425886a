# Runs single commands for loop.ps1. What is answered are lines that begin with a text which only the program knows;
# all else on standard output is noise.
param([string]$Nonce)

# include: open.ps1
# include: script.ps1

# One answer: the nonce, a number that counts on, the kind, the length of the value in CLIXML, and that in base64.
function Write-ExgAnswer {
    param([string]$Kind, $Value)
    $xml = [System.Management.Automation.PSSerializer]::Serialize($Value, 1)
    $bytes = [System.Text.Encoding]::UTF8.GetBytes($xml)
    $Exg.Number++
    $null = $Exg.Text.Append("$($Exg.Nonce) $($Exg.Number) $Kind $($bytes.Length) ").AppendLine([Convert]::ToBase64String($bytes))
    # What has an END behind it goes out with that, in whole lines: each piece costs a request.
    if ('OBJECT', 'ERROR', 'REPORT', 'EXIT' -notcontains $Kind -or $Exg.Text.Length -gt 30000) {
        $Exg.Out.Write($Exg.Text.ToString())
        $Exg.Text.Length = 0
    }
}

function Write-ExgError {
    param([string]$Kind, [System.Management.Automation.ErrorRecord]$ErrorRecord)
    $type = $ErrorRecord.Exception.GetType().FullName
    # What came from another session is wrapped; the server's own exception decides.
    $remote = $ErrorRecord.Exception.PSObject.Properties['SerializedRemoteException']
    if ($remote -and $remote.Value) { $type = $remote.Value.PSObject.TypeNames[0] -replace '^Deserialized\.' }
    $info = $ErrorRecord.CategoryInfo
    Write-ExgAnswer -Kind $Kind -Value (New-Object -TypeName PSObject -Property @{
            Stage = $Exg.Stage; FullyQualifiedErrorId = "$($ErrorRecord.FullyQualifiedErrorId)"; ExceptionType = $type
            Category = "$($info.Category)"; Reason = "$($info.Reason)"; Activity = "$($info.Activity)"
            TargetName = "$($info.TargetName)"; Message = "$($ErrorRecord.Exception.Message)"
        })
}

# Parameters as they are splatted. Texts come with a mark before them: some PowerShells make a date of one that
# looks like it.
function ConvertTo-ExgParameter {
    param([object[]]$List)
    $table = @{}
    foreach ($one in $List) {
        $table[$one.name] = $one.value
        if ($one.text) { $table[$one.name] = $one.text.Substring(1) }
        if ($one.texts) { $table[$one.name] = [string[]]@($one.texts | ForEach-Object -Process { $_.Substring(1) }) }
    }
    $table
}

# Runs one line of the program, also to its last answer when it is stopped.
function Invoke-ExgCommand {
    param([string]$Line)
    if (-not $Line) { return }
    if ($Line -match '^\?') { Write-ExgAnswer -Kind 'IDLE' -Value $Line.Substring(1); return }
    $Exg.Stage = 'command'
    try {
        $call = ConvertFrom-Json -InputObject $Line
        $parameters = ConvertTo-ExgParameter -List $call.parameters
        & $call.cmdlet @parameters 2>&1 3>&1 | ForEach-Object -Process {
            if ($_ -is [System.Management.Automation.ErrorRecord]) {
                Write-ExgError -Kind 'ERROR' -ErrorRecord $_
            } elseif ($_ -is [System.Management.Automation.WarningRecord]) {
                Write-ExgAnswer -Kind 'WARNING' -Value $_.Message
            } elseif ($_ -is [System.Management.Automation.CommandInfo]) {
                $names = [string[]]@($_.Parameters.Keys)
                Write-ExgAnswer -Kind 'OBJECT' -Value (New-Object -TypeName PSObject -Property @{ Name = $_.Name; Parameters = $names })
            } else {
                Write-ExgAnswer -Kind 'OBJECT' -Value $_
            }
        }
    } catch {
        Write-ExgError -Kind 'FAILED' -ErrorRecord $_
    } finally {
        Write-ExgAnswer -Kind 'END'
    }
}

$global:ProgressPreference = 'SilentlyContinue'
$Exg = @{ Nonce = $Nonce; Number = 0; Out = [Console]::Out; Text = New-Object -TypeName System.Text.StringBuilder }
Write-ExgAnswer -Kind 'HELLO'
