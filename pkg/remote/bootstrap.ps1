# Runs one generated script in this PowerShell for a program: opens Exchange, checks the script, runs it, and
# removes what it made, whatever happens. It is called with base64 lines: this text, the job as JSON, the script's
# bytes and, where the job names a user, the password. What it says to the program are lines that hold the job's
# marker; everything else on standard output is noise.
param([string[]]$Lines)

function ConvertFrom-ExgRunLine {
    param([string]$Line)
    [System.Text.Encoding]::UTF8.GetString([Convert]::FromBase64String($Line))
}

# One line for the program. It does not pass the formatter, which wraps long lines.
function Write-ExgRunLine {
    param([string]$Kind, $Value)
    $json = ConvertTo-Json -InputObject $Value -Depth 4 -Compress
    $base64 = [Convert]::ToBase64String([System.Text.Encoding]::UTF8.GetBytes($json))
    [Console]::Out.WriteLine('-----EXGRANT ' + $ExgRun.marker + ' ' + $Kind + ' ' + $base64 + '-----')
}

# Why the script did not run, or did not come to its end.
function Write-ExgRunFailure {
    param([string]$Stage, [System.Management.Automation.ErrorRecord]$ErrorRecord)
    $info = $ErrorRecord.CategoryInfo
    $exception = $ErrorRecord.Exception
    $type = $exception.GetType().FullName
    $serialized = $exception.PSObject.Properties['SerializedRemoteException']
    if ($serialized -and $serialized.Value) {
        $type = $serialized.Value.PSObject.TypeNames[0] -replace '^Deserialized\.', ''
    }
    Write-ExgRunLine -Kind 'FAILED' -Value @{
        stage                 = $Stage
        fullyQualifiedErrorId = [string]$ErrorRecord.FullyQualifiedErrorId
        exceptionType         = $type
        category              = [string]$info.Category
        reason                = [string]$info.Reason
        activity              = [string]$info.Activity
        targetName            = [string]$info.TargetName
        message               = [string]$exception.Message
    }
}

# A folder that nobody else can look into. Windows PowerShell, PowerShell on Windows and on Unix make it each in
# their own way, and never after it exists.
function New-ExgRunFolder {
    $path = [System.IO.Path]::Combine([System.IO.Path]::GetTempPath(), 'exgrant-' + [guid]::NewGuid().ToString('N'))
    if ([System.IO.Path]::DirectorySeparatorChar -eq '/') {
        $null = [System.IO.Directory]::CreateDirectory($path, [System.IO.UnixFileMode]'UserRead, UserWrite, UserExecute')
        return $path
    }
    $user = [System.Security.Principal.WindowsIdentity]::GetCurrent().User
    $rule = New-Object -TypeName System.Security.AccessControl.FileSystemAccessRule -ArgumentList @(
        $user, 'FullControl', 'ContainerInherit, ObjectInherit', 'None', 'Allow')
    $security = New-Object -TypeName System.Security.AccessControl.DirectorySecurity
    $security.SetAccessRuleProtection($true, $false)
    $security.AddAccessRule($rule)
    if ($PSVersionTable.PSVersion.Major -gt 5) {
        $null = [System.IO.FileSystemAclExtensions]::CreateDirectory($security, $path)
    } else {
        $null = [System.IO.Directory]::CreateDirectory($path, $security)
    }
    $path
}

# The server's own full name: what Kerberos knows it by, whatever name or address led here.
function Get-ExgRunServer {
    $address = $null
    $given = [string]$ExgRun.server
    if ($given.Contains('.') -and -not [System.Net.IPAddress]::TryParse($given, [ref]$address)) { return $given }
    try {
        [System.Net.Dns]::GetHostEntry([System.Net.Dns]::GetHostName()).HostName
    } catch {
        $given
    }
}

# A session of this server's Exchange, as the job's user or, without one, as who runs this.
function Open-ExgRunSession {
    $newPSSessionParams = @{
        ConfigurationName = 'Microsoft.Exchange'
        ConnectionUri     = 'http://' + (Get-ExgRunServer) + '/PowerShell/'
        Authentication    = 'Kerberos'
        ErrorAction       = 'Stop'
    }
    if ($ExgRun.user) {
        $password = New-Object -TypeName System.Security.SecureString
        foreach ($character in (ConvertFrom-ExgRunLine -Line $Lines[3]).ToCharArray()) {
            $password.AppendChar($character)
        }
        $newPSSessionParams.Credential = New-Object -TypeName System.Management.Automation.PSCredential -ArgumentList @(
            $ExgRun.user, $password)
    }
    New-PSSession @newPSSessionParams
}

# The commands that a script may need. The user's roles may not give all of them, which the script finds out.
function Import-ExgRunSession {
    param($Session)
    $failures = @()
    $importPSSessionParams = @{
        Session             = $Session
        CommandName         = $ExgRun.commands
        AllowClobber        = $true
        DisableNameChecking = $true
        ErrorAction         = 'SilentlyContinue'
        ErrorVariable       = 'failures'
        WarningAction       = 'SilentlyContinue'
    }
    $module = Import-PSSession @importPSSessionParams
    if (-not $module -or $module.ExportedFunctions.Count -eq 0) {
        if ($failures.Count) { throw $failures[0] }
        throw 'Import-PSSession gave no commands.'
    }
}

# Under these policies no module that Import-PSSession writes may be loaded, or no script at all.
function Assert-ExgRunPolicy {
    $policy = [string](Get-ExecutionPolicy)
    $refuses = 'Restricted' -eq $policy -or ('AllSigned' -eq $policy -and ($ExgRun.open -or -not $ExgRun.signed))
    if ($refuses) { throw $policy }
}

function Assert-ExgRunSignature {
    param([string]$Path)
    if (-not $ExgRun.signed -and -not $ExgRun.requireSigned) { return }
    $signature = Get-AuthenticodeSignature -FilePath $Path
    if ("$($signature.Status)" -ne 'Valid') { throw "$($signature.Status): $($signature.StatusMessage)" }
}

# A command that must not run before somebody was asked: it says so, and ends the script as a refusal does.
function Set-ExgRunQuestion {
    foreach ($name in $ExgRun.ask) {
        $body = "Write-ExgRunLine -Kind 'ASK' -Value @{ command = '$name'; exists = [bool](Test-Path -Path 'function:\global:$name') }`n" +
            'throw (New-Object -TypeName System.UnauthorizedAccessException -ArgumentList ''Nobody was asked yet.'')'
        Set-Item -Path "function:\local:$name" -Value $body
    }
}

$ExgRun = ConvertFrom-Json -InputObject (ConvertFrom-ExgRunLine -Line $Lines[1])
$ExgRunState = @{
    Code   = -1
    Stage  = 'policy'
    Output = New-Object -TypeName System.Text.StringBuilder
    Record = New-Object -TypeName System.Text.StringBuilder
}
try {
    # Progress would fill standard error. The script does not write any.
    $ProgressPreference = 'SilentlyContinue'
    Assert-ExgRunPolicy
    if ($ExgRun.open) {
        $ExgRunState.Stage = 'session'
        $ExgRunState.Session = Open-ExgRunSession
        $ExgRunState.Stage = 'import'
        Import-ExgRunSession -Session $ExgRunState.Session
    }
    $ExgRunState.Stage = 'file'
    $ExgRunState.Folder = New-ExgRunFolder
    $ExgRunState.Path = [System.IO.Path]::Combine($ExgRunState.Folder, $ExgRun.name)
    [System.IO.File]::WriteAllBytes($ExgRunState.Path, [Convert]::FromBase64String($Lines[2]))
    # Held open, it cannot be changed between its check and its end.
    $ExgRunState.Lock = [System.IO.File]::Open($ExgRunState.Path, 'Open', 'Read', 'Read')
    $ExgRunState.Stage = 'signature'
    Assert-ExgRunSignature -Path $ExgRunState.Path
    $ExgRunState.Stage = 'script'
    $ExgRunParameters = @{}
    foreach ($parameter in $ExgRun.parameters) {
        # Texts come with a mark before them: some PowerShells make a date of one that looks like it.
        $ExgRunParameters[$parameter.name] = if ($parameter.text) { $parameter.text.Substring(1) } else { $parameter.value }
    }
    if ($ExgRun.ask) { . Set-ExgRunQuestion }
    $global:LASTEXITCODE = 0
    # The record is the last that a script writes: it goes out in one piece. Steps go out when they end.
    & $ExgRunState.Path @ExgRunParameters | ForEach-Object -Process {
        if ($_ -is [string]) {
            $null = $ExgRunState.Output.Append($_).Append("`n")
            if ($_.StartsWith('-----BEGIN EXGRANT RECORD ')) {
                $null = $ExgRunState.Record.Clear()
            } elseif (-not $_.StartsWith('-----END EXGRANT RECORD ')) {
                $null = $ExgRunState.Record.Append($_)
            }
        } elseif ($ExgRun.steps -and $_.Id -and $_.Status) {
            Write-ExgRunLine -Kind 'STEP' -Value @{
                id = "$($_.Id)"; status = "$($_.Status)"; text = "$($_.Text)"; command = "$($_.Command)"; guid = "$($_.Guid)"
            }
        }
    }
    $ExgRunState.Code = $global:LASTEXITCODE
    $hash = [System.Security.Cryptography.SHA256]::Create()
    $sum = $hash.ComputeHash([System.Text.Encoding]::ASCII.GetBytes($ExgRunState.Record.ToString()))
    [Console]::Out.Write($ExgRunState.Output.ToString())
    Write-ExgRunLine -Kind 'END' -Value @{ code = $ExgRunState.Code; sha256 = [BitConverter]::ToString($sum) }
} catch {
    Write-ExgRunFailure -Stage $ExgRunState.Stage -ErrorRecord $_
    $global:LASTEXITCODE = 1
} finally {
    if ($ExgRunState.Session) { Remove-PSSession -Session $ExgRunState.Session -ErrorAction SilentlyContinue }
    if ($ExgRunState.Lock) { $ExgRunState.Lock.Dispose() }
    if ($ExgRunState.Folder) { [System.IO.Directory]::Delete($ExgRunState.Folder, $true) }
}
