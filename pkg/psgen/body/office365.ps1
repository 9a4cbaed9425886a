#Requires -Version 3.0
<#
.SYNOPSIS
    Shows what is left of ApplicationImpersonation in Exchange Online and, when asked, gives scoped rights instead.

.DESCRIPTION
    The role ApplicationImpersonation, which lets a service account act for other mailboxes, no longer exists in
    Exchange Online. It still works on-premises. The block "What happened" below says what was withdrawn when, with
    the sources. Steps from before that time, such as a role group with ApplicationImpersonation, do not work and
    are not in here.

    Without parameters this script only reads: who still holds the role, the EWS settings of the organization, and
    which applications have which rights.

    With parameters it gives one application (not a service account) a right to some mailboxes, by RBAC for
    Applications:

    1. Looks everything up and stops at a conflict, before any change.
    2. Makes the application known to Exchange (New-ServicePrincipal).
    3. Creates the management scope, or uses the one that exists, a group or an administrative unit.
    4. Assigns the role in that scope (New-ManagementRoleAssignment -App).
{{steps}}

{{variant}}

    Every change is asked for. Run it twice and the second run changes nothing. -WhatIf tells everything and
    changes nothing.

.PARAMETER AppId
    The application (client) id of the application in Entra, a GUID.

.PARAMETER ObjectId
    The object id of its service principal, a GUID: Entra, Enterprise applications, the application, Object ID.
    It is not the object id of the app registration.

.PARAMETER DisplayName
    The name under which Exchange shows the application when it has to be made known.

.PARAMETER Role
    The application role to assign, as Get-ManagementRole lists it.

.PARAMETER AssignmentName
    The name of the role assignment. By default it is made of the role and the application's id.

.PARAMETER ScopeName
    Scope: a management scope by its name. With -RecipientFilter it is created when there is none of that name.

.PARAMETER RecipientFilter
    The filter of the management scope (OPATH), such as: CustomAttribute1 -eq 'Reschedule'. A scope of the same
    name with another filter is a conflict; without -RecipientFilter it is used as it is.

.PARAMETER ScopeGroup
    Scope: the direct members of this mail-enabled or Microsoft 365 group.

.PARAMETER AdministrativeUnit
    Scope: the administrative unit in Entra with this id, a GUID.

.PARAMETER InScopeMailbox
    A mailbox that the application must reach afterwards. It is only asked about, not opened.

.PARAMETER OutOfScopeMailbox
    A mailbox that the application must not reach afterwards. It is only asked about, not opened.

.EXAMPLE
    .\office365.ps1

    Explains and lists. Nothing is changed.

.EXAMPLE
    $ids = @{
        AppId    = '00000000-0000-0000-0000-000000000001'
        ObjectId = '00000000-0000-0000-0000-000000000002'
    }
    $mailboxes = @{
        InScopeMailbox    = 'room1@contoso.com'
        OutOfScopeMailbox = 'boss@contoso.com'
    }
    .\office365.ps1 @ids @mailboxes -ScopeGroup 'Reschedule Users' -WhatIf

    Tells what would be done for the direct members of a group. Without -WhatIf it is done, after a question for
    each change; with -Confirm:$false without questions.

.EXAMPLE
    .\office365.ps1 @ids @mailboxes -ScopeName 'Rooms' -RecipientFilter "RecipientTypeDetails -eq 'RoomMailbox'"

    The same for all room mailboxes.

.OUTPUTS
    One object for each step: Id, Status, Text, Command, Guid. Status is info, todo, planned, changed, unchanged or
    failed.

.NOTES
    script-format: 1
    kind: office365
    sha256: {{sha256}}
    The hash is of the UTF-8 bytes from "[CmdletBinding(" to the end; a signature block is not counted.
    Run: after Connect-ExchangeOnline, by a member of Organization Management. Review it, then start with -WhatIf.
    Undo: Remove-ManagementRoleAssignment with the name that the step "assign" shows; then, if nothing else uses
    them, Remove-ManagementScope and Remove-ServicePrincipal.{{undo}}
    Exit codes: 0 done or only read, 1 failed or conflict, 2 wrong parameters, 3 a mailbox is not as it must be,
    130 declined.
    No password or other secret is in this file. Exchange Online keeps its own record: Search-UnifiedAuditLog.
#>
[CmdletBinding(SupportsShouldProcess, ConfirmImpact = 'High')]
param(
    [ValidatePattern('^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\z')]
    [string]$AppId,
    [ValidatePattern('^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\z')]
    [string]$ObjectId,
    [ValidateLength(1, 256)]
    [string]$DisplayName,
    [ValidatePattern('^Application ')]
    [string]$Role = '{{role}}',
    [ValidatePattern('^[^*?]{1,64}\z')]
    [string]$AssignmentName,
    [ValidatePattern('^[^*?]{1,64}\z')]
    [string]$ScopeName,
    [ValidateLength(1, 32768)]
    [string]$RecipientFilter,
    [ValidatePattern('^[^*?]+\z')]
    [string]$ScopeGroup,
    [ValidatePattern('^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\z')]
    [string]$AdministrativeUnit,
    [ValidatePattern('^[^*?]+\z')]
    [string]$InScopeMailbox,
    [ValidatePattern('^[^*?]+\z')]
    [string]$OutOfScopeMailbox
)

# include: data

# include: filter.ps1

# include: command.ps1

# include: office365-read.ps1

# include: office365-replace.ps1

# include: variant

# Runs it and tells the result.
$replacing = 'AppId', 'ObjectId', 'DisplayName', 'Role', 'AssignmentName', 'ScopeName', 'RecipientFilter',
    'ScopeGroup', 'AdministrativeUnit', 'InScopeMailbox', 'OutOfScopeMailbox'
$Exg = @{
    Cmdlet  = $PSCmdlet
    Bound   = $PSBoundParameters
    Replace = @($replacing | Where-Object -FilterScript { $PSBoundParameters.ContainsKey($_) }).Count -gt 0
    Step    = 'preflight'
    Code    = 0
    Stopped = $false
    Planned = $false
}
try {
    if ($Exg.Replace) { Assert-ExgParameter }
    Show-ExgExplanation
    if ($Exg.Replace) { Assert-ExgVariant }
    Assert-ExgOnline
    $Exg.Step = 'inventory'
    Show-ExgRetiredRole
    Show-ExgEwsSetting
    Show-ExgServicePrincipal
    if ($Exg.Replace) {
        Resolve-ExgReplacement
        Invoke-ExgReplacement
        Show-ExgChecklist
    } else {
        Write-ExgStep -Id 'next' -Status 'info' -Text ('Nothing was changed. To give an application scoped ' +
            'rights, run this script with -AppId and the rest; Get-Help with -Examples shows how. Try -WhatIf ' +
            'first.')
    }
} catch {
    $record = $_
    if (-not $Exg.Stopped) {
        $Exg.Code = 1
        Write-ExgStep -Id $Exg.Step -Status 'failed' -Text "$($record.Exception.Message)"
    }
}
if ($MyInvocation.InvocationName -ne '.') { exit $Exg.Code }
