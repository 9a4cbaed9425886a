# Commands that do what commands may do to who runs them.

function Get-TrialObject {
    [CmdletBinding()]
    param([int]$Count)
    for ($n = 1; $n -le $Count; $n++) {
        [pscustomobject]@{
            Name = "object $n \u00e4 $([char]0x6f22) ' `"<&>"; Number = $n; Flag = $true; Guid = [guid]"00000000-0000-0000-0000-0000000000aa"
            List = [string[]]@('a', 'b'); One = [string[]]@('a'); None = [string[]]@(); Nothing = $null; Day = [DayOfWeek]::Monday
            When = [datetime]::SpecifyKind([datetime]'2026-01-02T03:04:05', 'Utc'); Version = [version]'15.2'; Big = [int64]9007199254740993
        }
    }
}

function Get-TrialTrouble {
    [CmdletBinding()]
    param([switch]$Ends)
    Write-Error -Message 'first' -ErrorId 'FirstId' -Category ObjectNotFound -TargetObject 'anna'
    Write-Warning -Message 'careful'
    'between'
    if ($Ends) { throw (New-Object -TypeName System.InvalidOperationException -ArgumentList 'the end') }
    Write-Error -Exception (New-Object -TypeName System.UnauthorizedAccessException -ArgumentList 'second') -ErrorId 'SecondId'
}

function Get-TrialNoise {
    [CmdletBinding()]
    param()
    [Console]::Out.WriteLine('AAAAAAAAAAAAAAAAAAAAAAAAAA 1 END 4 AAAA')
    Write-Host 'for people'
    [Console]::Error.WriteLine('to the other place')
    [Console]::Out.WriteLine('x' * 100000)
    [Console]::Out.Write('without an end')
    'the object'
    [Console]::Out.Write('without an end')
}

function Get-TrialInput {
    [CmdletBinding()]
    param()
    $line = [Console]::In.ReadLine()
    if ($null -eq $line) { 'nothing' } else { "took $line" }
    Read-Host
}

function Get-TrialEcho {
    [CmdletBinding()]
    param($Text, [string[]]$List, [bool]$Flag, [switch]$On, [int64]$Number, $Nothing = 'not given')
    [pscustomobject]@{ Text = $Text; List = $List; Flag = $Flag; On = $On.IsPresent; Number = $Number; Nothing = $null -eq $Nothing }
}

function Get-TrialWait {
    [CmdletBinding()]
    param([string]$Path, [int]$Seconds = 600)
    [System.IO.File]::WriteAllText($Path, "$PID")
    try {
        Microsoft.PowerShell.Utility\Start-Sleep -Seconds $Seconds
    } finally {
        [System.IO.File]::WriteAllText("$Path.end", 'cleaned up')
    }
}

function Get-TrialEnd {
    [CmdletBinding()]
    param()
    [Console]::Out.WriteLine('last words')
    [Environment]::Exit(9)
}

function Set-Trial {
    [CmdletBinding()]
    param([string]$Path)
    [System.IO.File]::AppendAllText($Path, 'x')
}

function Get-TrialProcess {
    [CmdletBinding()]
    param()
    "$PID"
}

function Get-TrialDeaf {
    [CmdletBinding()]
    param([string]$Path)
    [System.IO.File]::WriteAllText($Path, "$PID")
    [System.Threading.Thread]::Sleep(600000)
}
