# Plays the part of Exchange Online that the office365 scripts use: its commands with their documented parameters
# (learn.microsoft.com/powershell/module/exchangepowershell), over the state in state.json beside this file.
# Every command that changes something is written to calls.log.

$script:StatePath = Join-Path -Path $PSScriptRoot -ChildPath 'state.json'
$script:CallsPath = Join-Path -Path $PSScriptRoot -ChildPath 'calls.log'

function Read-State { ConvertFrom-Json -InputObject ([System.IO.File]::ReadAllText($script:StatePath)) }

function Save-State {
    param($State)
    [System.IO.File]::WriteAllText($script:StatePath, (ConvertTo-Json -InputObject $State -Depth 9))
}

function Save-Call {
    param([string]$Name, $Bound)
    $words = @($Bound.Keys | Where-Object { $_ -ne 'ErrorAction' } | Sort-Object | ForEach-Object { "-$_ $($Bound[$_])" })
    [System.IO.File]::AppendAllText($script:CallsPath, "$Name $($words -join ' ')`n")
    $refused = (Read-State).refused
    if ($refused -eq $Name) { throw "$Name is refused by the server." }
}

function Assert-Same {
    param([string]$What, $Found, [string]$Identity)
    if (@($Found).Count -eq 0) {
        throw "Ex6F9304|Microsoft.Exchange.Configuration.Tasks.ManagementObjectNotFoundException|The $What '$Identity' couldn't be found."
    }
    $Found
}

function Get-Date { [CmdletBinding()] param() [datetime]::SpecifyKind([datetime](Read-State).today, 'Utc') }

function Get-ManagementRole {
    [CmdletBinding()]
    param([string]$Identity, [string]$RoleType)
    (Read-State).roles | ForEach-Object { [PSCustomObject]@{ Name = $_ } }
}

function Get-OrganizationConfig {
    [CmdletBinding()]
    param([switch]$RetrieveEwsOperationAccessPolicy)
    $organization = (Read-State).organization
    $shown = [PSCustomObject]@{
        EwsEnabled                 = $organization.EwsEnabled
        EwsApplicationAccessPolicy = $organization.EwsApplicationAccessPolicy
        EwsAllowList               = $organization.EwsAllowList
        EwsBlockList               = $null
    }
    if ($RetrieveEwsOperationAccessPolicy) {
        Add-Member -InputObject $shown -NotePropertyName 'EwsAllowedAppIDs' -NotePropertyValue $organization.EwsAllowedAppIDs
    }
    $shown
}

function Set-OrganizationConfig {
    [CmdletBinding(SupportsShouldProcess)]
    param([string]$EwsAllowedAppIDs, [System.Nullable[bool]]$EwsEnabled)
    Save-Call -Name 'Set-OrganizationConfig' -Bound $PSBoundParameters
    $state = Read-State
    if ($PSBoundParameters.ContainsKey('EwsAllowedAppIDs')) { $state.organization.EwsAllowedAppIDs = $EwsAllowedAppIDs }
    if ($PSBoundParameters.ContainsKey('EwsEnabled')) { $state.organization.EwsEnabled = $EwsEnabled }
    if ($state.loses) { $state.organization.EwsAllowedAppIDs = $state.loses }
    Save-State -State $state
}

function Get-ServicePrincipal {
    [CmdletBinding()]
    param([string]$Identity)
    (Read-State).principals
}

function New-ServicePrincipal {
    [CmdletBinding(SupportsShouldProcess)]
    param([Parameter(Mandatory)] [string]$AppId, [Parameter(Mandatory)] [string]$ObjectId, [string]$DisplayName)
    Save-Call -Name 'New-ServicePrincipal' -Bound $PSBoundParameters
    $state = Read-State
    $principal = [PSCustomObject]@{
        AppId       = $AppId
        ObjectId    = $ObjectId
        DisplayName = $DisplayName
        Identity    = $ObjectId
        Guid        = '11111111-0000-0000-0000-000000000001'
    }
    $state.principals = @($state.principals) + $principal
    Save-State -State $state
    $principal
}

function Get-ManagementScope {
    [CmdletBinding()]
    param([string]$Identity)
    (Read-State).scopes
}

function New-ManagementScope {
    [CmdletBinding(SupportsShouldProcess)]
    param([Parameter(Mandatory)] [string]$Name, [string]$RecipientRestrictionFilter)
    Save-Call -Name 'New-ManagementScope' -Bound $PSBoundParameters
    $state = Read-State
    # Servers give filters back re-rendered.
    $scope = [PSCustomObject]@{
        Name            = $Name
        RecipientFilter = "(($RecipientRestrictionFilter))"
        RecipientRoot   = ''
        Exclusive       = $false
        Guid            = '11111111-0000-0000-0000-000000000002'
    }
    $state.scopes = @($state.scopes) + $scope
    Save-State -State $state
    $scope
}

function Get-ManagementRoleAssignment {
    [CmdletBinding()]
    param([string]$Identity, [string]$Role, [string]$RoleAssignee, [bool]$Delegating, [switch]$GetEffectiveUsers)
    $state = Read-State
    if ($RoleAssignee) {
        $null = Assert-Same -What 'role assignee' -Identity $RoleAssignee -Found @($state.principals |
                Where-Object { $_.ObjectId -eq $RoleAssignee })
    }
    $state.assignments | Where-Object {
        (-not $Role -or $_.Role -eq $Role) -and (-not $RoleAssignee -or $_.RoleAssignee -eq $RoleAssignee)
    }
}

function New-ManagementRoleAssignment {
    [CmdletBinding(SupportsShouldProcess)]
    param(
        [ValidateLength(1, 64)] [string]$Name, [Parameter(Mandatory)] [string]$App, [Parameter(Mandatory)] [string]$Role,
        [string]$CustomResourceScope, [string]$RecipientGroupScope, [string]$RecipientAdministrativeUnitScope
    )
    Save-Call -Name 'New-ManagementRoleAssignment' -Bound $PSBoundParameters
    $state = Read-State
    $null = Assert-Same -What 'service principal' -Identity $App -Found @($state.principals | Where-Object { $_.ObjectId -eq $App })
    $kind = 'CustomRecipientScope'
    $target = $CustomResourceScope
    if ($RecipientGroupScope) {
        $kind = 'Group'
        $group = @($state.recipients | Where-Object { $_.DistinguishedName -eq $RecipientGroupScope })[0]
        $target = $group.Name + '_5c2e8f60-0000-0000-0000-000000000009'
    } elseif ($RecipientAdministrativeUnitScope) {
        $kind = 'AdministrativeUnit'
        $target = $RecipientAdministrativeUnitScope
    }
    $assignment = [PSCustomObject]@{
        Name                = $Name
        Role                = $Role
        RoleAssignee        = $App
        RoleAssigneeName    = $App
        RoleAssigneeType    = 'ServicePrincipal'
        RecipientWriteScope = $kind
        CustomResourceScope = $target
        Enabled             = $true
        Guid                = '11111111-0000-0000-0000-000000000003'
    }
    $state.assignments = @($state.assignments) + $assignment
    Save-State -State $state
    $assignment
}

function Get-Recipient {
    [CmdletBinding()]
    param([string]$Identity)
    Assert-Same -What 'recipient' -Identity $Identity -Found @((Read-State).recipients | Where-Object {
            $_.Name -eq $Identity -or $_.PrimarySmtpAddress -eq $Identity
        })
}

function Get-Mailbox {
    [CmdletBinding()]
    param([string]$Identity)
    Assert-Same -What 'mailbox' -Identity $Identity -Found @((Read-State).recipients | Where-Object {
            ($_.Name -eq $Identity -or $_.PrimarySmtpAddress -eq $Identity) -and $_.RecipientTypeDetails -like '*Mailbox'
        })
}

# A mailbox is in scope when the state says that it is in the scope, group or administrative unit of that name.
function Test-ServicePrincipalAuthorization {
    [CmdletBinding(SupportsShouldProcess)]
    param([Parameter(Mandatory)] [string]$Identity, [string]$Resource)
    $state = Read-State
    $mailbox = Get-Mailbox -Identity $Resource
    foreach ($assignment in @($state.assignments | Where-Object { $_.RoleAssignee -eq $Identity })) {
        $name = $assignment.CustomResourceScope -replace '_5c2e8f60.*'
        [PSCustomObject]@{
            RoleName             = $assignment.Role
            GrantedPermissions   = $assignment.Role -replace '^Application '
            AllowedResourceScope = $assignment.CustomResourceScope
            ScopeType            = $assignment.RecipientWriteScope
            InScope              = $assignment.RecipientWriteScope -eq 'Organization' -or @($mailbox.In) -contains $name
        }
    }
}

function Get-ExchangeServer { [CmdletBinding()] param() [PSCustomObject]@{ Name = 'EX01' } }

$hidden = @((Read-State).hidden)
$commands = 'Get-Date', 'Get-ManagementRole', 'Get-OrganizationConfig', 'Set-OrganizationConfig', 'Get-ServicePrincipal',
    'New-ServicePrincipal', 'Get-ManagementScope', 'New-ManagementScope', 'Get-ManagementRoleAssignment',
    'New-ManagementRoleAssignment', 'Get-Recipient', 'Get-Mailbox', 'Test-ServicePrincipalAuthorization', 'Get-ExchangeServer'
Export-ModuleMember -Function @($commands | Where-Object { $hidden -notcontains $_ })
