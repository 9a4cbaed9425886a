# The server's own full name: what Kerberos knows it by, whatever name or address led here.
function Get-ExgServer {
    param([string]$Given)
    $address = $null
    if ($Given.Contains('.') -and -not [System.Net.IPAddress]::TryParse($Given, [ref]$address)) { return $Given }
    try {
        [System.Net.Dns]::GetHostEntry([System.Net.Dns]::GetHostName()).HostName
    } catch {
        $Given
    }
}

# A session of a server's Exchange, as the named user or, without one, as who runs this.
function New-ExgSession {
    param([string]$Server, [string]$User, [string]$Password)
    $newPSSessionParams = @{
        ConfigurationName = 'Microsoft.Exchange'
        ConnectionUri     = 'http://' + (Get-ExgServer -Given $Server) + '/PowerShell/'
        Authentication    = 'Kerberos'
        ErrorAction       = 'Stop'
    }
    if ($User) {
        $secret = New-Object -TypeName System.Security.SecureString
        foreach ($character in $Password.ToCharArray()) { $secret.AppendChar($character) }
        $newPSSessionParams.Credential = New-Object -TypeName System.Management.Automation.PSCredential -ArgumentList @(
            $User, $secret)
    }
    New-PSSession @newPSSessionParams
}

# The commands of grants and scripts. The user's roles may not give all of them, which shows when they are missed.
function Import-ExgSession {
    param($Session, [string[]]$CommandName)
    $failures = @()
    $importPSSessionParams = @{
        Session             = $Session
        CommandName         = $CommandName
        AllowClobber        = $true
        DisableNameChecking = $true
        ErrorAction         = 'SilentlyContinue'
        ErrorVariable       = 'failures'
        WarningAction       = 'SilentlyContinue'
    }
    $module = Import-PSSession @importPSSessionParams
    if ($module -and $module.ExportedFunctions.Count) { return }
    if ($failures.Count) { throw $failures[0] }
    throw 'Import-PSSession gave no commands.'
}

# The management shell that is installed here.
function Open-ExgManagementShell {
    if ($PSVersionTable.PSVersion.Major -gt 5 -or [IntPtr]::Size -lt 8) {
        throw 'only 64-bit Windows PowerShell can open it'
    }
    $key = 'HKLM:\SOFTWARE\Microsoft\ExchangeServer\v15\Setup'
    $setup = Get-ItemProperty -Path $key -ErrorAction SilentlyContinue
    if (-not $setup -or -not $setup.MsiInstallPath) { throw 'no Exchange management tools are installed' }
    $remoteExchange = Join-Path -Path $setup.MsiInstallPath -ChildPath 'bin\RemoteExchange.ps1'
    Import-Module -Name $remoteExchange -ErrorAction Stop -WarningAction SilentlyContinue
    $null = Connect-ExchangeServer -Auto -ClientApplication:ManagementShell
}

# Opens a session of a server's Exchange, or the management shell where the commands are not here yet. The output is
# the language mode.
function Open-ExgExchange {
    param([string]$Server, [string]$User, [string]$Password, [string[]]$CommandName)
    $known = 'Get-ExchangeServer', 'Get-ManagementRoleAssignment', 'Get-OrganizationConfig', 'Get-User'
    if ($Server -or -not (Get-Command -Name $known -ErrorAction SilentlyContinue)) {
        # Under these policies no module that Import-PSSession writes may be loaded, or no script at all.
        $Exg.Stage = 'policy'
        $policy = "$(Get-ExecutionPolicy)"
        if ('Restricted' -eq $policy -or ('AllSigned' -eq $policy -and $Server)) { throw $policy }
        if ($Server) {
            $Exg.Stage = 'session'
            $Exg.Session = New-ExgSession -Server $Server -User $User -Password $Password
            $Exg.Stage = 'import'
            Import-ExgSession -Session $Exg.Session -CommandName $CommandName
        } else {
            $Exg.Stage = 'shell'
            Open-ExgManagementShell
        }
    }
    "$($ExecutionContext.SessionState.LanguageMode)"
}

# What was opened ends here: nothing else runs in this process.
function Close-ExgExchange {
    Get-PSSession | Remove-PSSession -ErrorAction SilentlyContinue
    if ($Exg.Session) { Remove-PSSession -Session $Exg.Session -ErrorAction SilentlyContinue }
}
