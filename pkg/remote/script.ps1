# A folder that nobody else can look into. Windows PowerShell, PowerShell on Windows and on Unix make it each in
# their own way, and never after it exists.
function New-ExgFolder {
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

# The execution policy counts for a script of ours as for one that a person starts.
function Assert-ExgScript {
    param([string]$Path, [bool]$IsSigned, [bool]$RequireSigned)
    $Exg.Stage = 'policy'
    $policy = "$(Get-ExecutionPolicy)"
    if ('Restricted' -eq $policy -or ('AllSigned' -eq $policy -and -not $IsSigned)) { throw $policy }
    $Exg.Stage = 'signature'
    if ($IsSigned -or $RequireSigned) {
        $signature = Get-AuthenticodeSignature -FilePath $Path
        if ("$($signature.Status)" -ne 'Valid') { throw "$($signature.Status): $($signature.StatusMessage)" }
    }
}

# Runs a script, byte for byte, from a private folder. The answers are its report, in pieces, however it ends, and
# then its exit code. With -Ask the one command that cannot be undone is refused, and the answer says so.
function Invoke-ExgScript {
    param([string]$Name, [string]$Base64, [bool]$IsSigned, [bool]$RequireSigned, [bool]$Ask, [object[]]$Parameters)
    $Exg.Stage = 'file'
    $folder = New-ExgFolder
    try {
        $path = [System.IO.Path]::Combine($folder, $Name)
        $report = [System.IO.Path]::Combine($folder, 'report.json')
        [System.IO.File]::WriteAllBytes($path, [Convert]::FromBase64String($Base64))
        # Held open, it cannot be changed between its check and its end.
        $lock = [System.IO.File]::Open($path, 'Open', 'Read', 'Read')
        Assert-ExgScript -Path $path -IsSigned $IsSigned -RequireSigned $RequireSigned
        $Exg.Stage = 'script'
        $command = 'Enable-OrganizationCustomization'
        if ($Ask -and (Get-Command -Name $command -ErrorAction SilentlyContinue)) {
            Set-Item -Path "function:\local:$command" -Value ("Write-ExgAnswer -Kind 'ASK' -Value '$command'`n" +
                'throw (New-Object -TypeName System.UnauthorizedAccessException -ArgumentList ''Nobody was asked yet.'')')
        }
        $scriptParams = ConvertTo-ExgParameter -List $Parameters
        $global:LASTEXITCODE = 0
        & $path @scriptParams -ReportPath $report | Out-Null
        Write-ExgAnswer -Kind 'EXIT' -Value ([int]$global:LASTEXITCODE)
    } finally {
        # Also after Ctrl-C, when only what is written at once gets out.
        if ($report -and [System.IO.File]::Exists($report)) {
            $text = [System.IO.File]::ReadAllText($report)
            for ($at = 0; $at -lt $text.Length; $at += 100000) {
                Write-ExgAnswer -Kind 'REPORT' -Value $text.Substring($at, [Math]::Min(100000, $text.Length - $at))
            }
        }
        if ($lock) { $lock.Dispose() }
        [System.IO.Directory]::Delete($folder, $true)
    }
}
