# The session: opens a management shell where none is open, proves that it belongs to an on-premises organization,
# and makes recipient reads cover the whole forest.

function Open-ExgShell {
    $known = 'Get-ExchangeServer', 'Get-ManagementRoleAssignment', 'Get-OrganizationConfig', 'Get-User'
    if (Get-Command -Name $known -ErrorAction SilentlyContinue) { return }

    $how = 'Run this script in the Exchange Management Shell of an Exchange server or tools machine, or open a ' +
        'session first: $s = New-PSSession -ConfigurationName Microsoft.Exchange -ConnectionUri ' +
        'http://SERVER-FQDN/PowerShell/ -Authentication Kerberos, then Import-PSSession $s -DisableNameChecking.'
    if ($PSVersionTable.PSVersion.Major -gt 5 -or [IntPtr]::Size -lt 8) {
        Stop-ExgRun -Outcome 'failed' -Step 'preflight' -Text ('No Exchange commands are here, and only 64-bit ' +
            'Windows PowerShell can open a management shell. ' + $how)
    }
    $key = 'HKLM:\SOFTWARE\Microsoft\ExchangeServer\v15\Setup'
    $setup = Get-ItemProperty -Path $key -ErrorAction SilentlyContinue
    if (-not $setup -or -not $setup.MsiInstallPath) {
        Stop-ExgRun -Outcome 'failed' -Step 'preflight' -Text ('No Exchange management tools are on this ' +
            "machine. $how")
    }
    # -WhatIf and -Confirm are meant for the grant, not for opening the shell.
    $WhatIfPreference = $false
    $ConfirmPreference = 'None'
    $before = @(Get-PSSession | ForEach-Object -Process { $_.Id })
    $remoteExchange = Join-Path -Path $setup.MsiInstallPath -ChildPath 'bin\RemoteExchange.ps1'
    Import-Module -Name $remoteExchange -ErrorAction Stop -WarningAction SilentlyContinue
    $null = Connect-ExchangeServer -Auto -ClientApplication:ManagementShell
    $Exg.Opened = @(Get-PSSession | Where-Object -FilterScript { $before -notcontains $_.Id })
}

# Exchange Online's shells are known by the module that their commands come from.
function Test-ExgOnline {
    $names = 'Get-ManagementRoleAssignment', 'Get-OrganizationConfig', 'Get-User'
    $command = @(Get-Command -Name $names -ErrorAction SilentlyContinue)[0]
    if (-not $command) { return $false }
    $description = if ($command.Module) { "$($command.Module.Description)" } else { '' }
    $command.ModuleName -like 'tmpEXO_*' -or $command.ModuleName -like 'ExchangeOnlineManagement*' -or
        $description -match 'outlook\.(com|cn)|office365\.(com|us)|outlook\.office\.de'
}

function Assert-ExgOnPremises {
    if (Test-ExgOnline) {
        Stop-ExgRun -Outcome 'failed' -Step 'preflight' -Text ('This shell is connected to Exchange Online: the ' +
            'role ApplicationImpersonation no longer exists there. Nothing was changed. Run this script in a ' +
            'shell of the on-premises organization; for Exchange Online generate the script with: exgrant ' +
            'script office365')
    }
    $target = $Exg.Report.target
    $servers = @()
    if (Get-Command -Name 'Get-ExchangeServer' -ErrorAction SilentlyContinue) {
        $servers = @(Get-ExchangeServer -ErrorAction SilentlyContinue)
    }
    if ($servers.Count -eq 0) {
        Add-ExgFinding -Id 'build-unknown' -Severity 'info' -Text ('Get-ExchangeServer does not answer in this ' +
            'session.')
        return
    }
    # The server that answers, where the session tells it.
    $server = @($servers | Where-Object -FilterScript { $_.PSComputerName -and $_.Fqdn -eq $_.PSComputerName })[0]
    if (-not $server) { $server = $servers[0] }
    $target.server = "$($server.Fqdn)"
    if ("$($server.AdminDisplayVersion)" -match '(\d+)\.(\d+) \(Build (\d+)\.(\d+)\)') {
        $target.build = $Matches[1, 2, 3, 4] -join '.'
    }
}

# RBAC shows as missing commands and parameters. An entry is a command, or a command and one of its parameters.
function Assert-ExgCommand {
    param([string[]]$Name)
    foreach ($entry in $Name) {
        $command, $parameter = $entry -split ' -'
        try {
            $found = Get-Command -Name $command -ErrorAction Stop
            if ($parameter -and -not $found.Parameters.ContainsKey($parameter)) {
                Stop-ExgParameter -Command $command -Parameter $parameter
            }
        } catch [System.Management.Automation.CommandNotFoundException] {
            $fault = Get-ExgFault -ErrorRecord $_
            Stop-ExgRun -Outcome 'failed' -Step 'preflight' -Fault $fault -Text ("$command is not in this " +
                "session. The management role 'Role Management' gives it; members of Organization Management " +
                'have it.')
        }
    }
}

function Stop-ExgParameter {
    param([string]$Command, [string]$Parameter)
    $fault = [ordered]@{
        id      = 'cmdlet_missing'
        rule    = 'parameter-missing'
        message = "$Command has no parameter $Parameter in this session."
        hint    = 'A role of yours hides it. Ask for the built-in role Role Management, then open a new session.'
        retry   = 'never'
    }
    Stop-ExgRun -Outcome 'failed' -Step 'preflight' -Fault $fault -Text $fault.message
}

function Set-ExgForestView {
    if (-not (Get-Command -Name 'Set-ADServerSettings' -ErrorAction SilentlyContinue)) { return }
    $settings = Get-ADServerSettings -ErrorAction SilentlyContinue
    # The server that takes changes of the configuration, such as assignments, unless one was named.
    if ($settings -and -not $Exg.Pinned) {
        $Exg.ConfigurationServer = "$($settings.DefaultConfigurationDomainController)"
    }
    if ($settings -and -not $settings.ViewEntireForest) {
        Set-ADServerSettings -ViewEntireForest $true -ErrorAction Stop -WhatIf:$false -Confirm:$false
        $Exg.RestoreView = $true
    }
}

# Everything that comes before the first look at the organization.
function Start-ExgSession {
    param([string[]]$Needed)
    Open-ExgShell
    Assert-ExgOnPremises
    Assert-ExgCommand -Name $Needed
    Set-ExgForestView
    $build = if ($Exg.Report.target.build) { "Exchange $($Exg.Report.target.build)" } else { 'Exchange' }
    Add-ExgStep -Id 'preflight' -Status 'unchanged' -Text "$build on-premises, all commands are there."
}

function Close-ExgShell {
    if ($Exg.RestoreView) {
        Set-ADServerSettings -ViewEntireForest $false -ErrorAction SilentlyContinue -WhatIf:$false -Confirm:$false
    }
    if ($Exg.Opened) {
        Remove-PSSession -Session $Exg.Opened -WhatIf:$false -Confirm:$false
    }
}
