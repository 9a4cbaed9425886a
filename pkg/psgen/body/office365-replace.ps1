# How RBAC for Applications works: learn.microsoft.com/exchange/permissions-exo/application-rbac

# Half an order is refused whole, before anything is asked of Exchange Online.
function Assert-ExgParameter {
    $scopes = @('ScopeName', 'ScopeGroup', 'AdministrativeUnit' | Where-Object -FilterScript {
            $Exg.Bound.ContainsKey($_)
        })
    $missing = @('AppId', 'ObjectId', 'InScopeMailbox', 'OutOfScopeMailbox' | Where-Object -FilterScript {
            -not $Exg.Bound.ContainsKey($_)
        })
    if ($missing.Count -gt 0) {
        Stop-ExgRun -Code 2 -Text ("Missing: -$($missing -join ', -'). A replacement needs -AppId, -ObjectId, " +
            'one scope, -InScopeMailbox and -OutOfScopeMailbox. Without any parameter the script only reads.')
    }
    if ($scopes.Count -ne 1) {
        Stop-ExgRun -Code 2 -Text ('Give exactly one scope: -ScopeName (with -RecipientFilter to create it), ' +
            '-ScopeGroup or -AdministrativeUnit. There is no default: without a scope the application would ' +
            'reach every mailbox.')
    }
    if ($RecipientFilter -and -not $ScopeName) {
        Stop-ExgRun -Code 2 -Text '-RecipientFilter is the filter of a management scope: it needs -ScopeName.'
    }
    if ($AppId -eq $ObjectId) {
        Stop-ExgRun -Code 2 -Text ('-AppId and -ObjectId are the same. The first is the application (client) ' +
            'id, the second the object id of its enterprise application, not of its app registration.')
    }
}

# Everything is looked up, and every conflict found, before anything is changed.
function Resolve-ExgReplacement {
    $Exg.Step = 'resolve'
    $known = @($Exg.Roles | Where-Object -FilterScript { $_ -like 'Application *' })
    if ($known -notcontains $Role) {
        Stop-ExgRun -Code 1 -Text "There is no application role '$Role' here. There are: $($known -join ', ')."
    }
    $inScope = Resolve-ExgMailbox -Identity $InScopeMailbox
    $outOfScope = Resolve-ExgMailbox -Identity $OutOfScopeMailbox
    if ($inScope -eq $outOfScope) {
        Stop-ExgRun -Code 2 -Text "-InScopeMailbox and -OutOfScopeMailbox are the same mailbox, $inScope."
    }
    $Exg.Mailboxes = @{ In = $inScope; Out = $outOfScope }
    Resolve-ExgPrincipal
    Resolve-ExgScope
    Resolve-ExgAssignment
    Write-ExgStep -Id 'resolve' -Status 'unchanged' -Text ("Application $AppId, role '$Role', " +
        "$($Exg.Reach.Words). To be reachable: $inScope. Not to be reachable: $outOfScope.")
}

function Resolve-ExgMailbox {
    param([string]$Identity)
    $found = @(Get-Mailbox -Identity $Identity -ErrorAction Stop)
    if ($found.Count -ne 1) {
        Stop-ExgRun -Code 1 -Text "'$Identity' is $($found.Count) mailboxes. Name one by its address."
    }
    "$($found[0].PrimarySmtpAddress)"
}

function Resolve-ExgPrincipal {
    foreach ($principal in $Exg.Principals) {
        $application = "$($principal.AppId)"
        $object = "$($principal.ObjectId)"
        if ($application -eq $AppId -and $object -eq $ObjectId) {
            $Exg.Principal = $principal
        } elseif ($application -eq $AppId -or $object -eq $ObjectId) {
            Stop-ExgRun -Code 1 -Text ("Exchange already knows application $application with the object id " +
                "${object}: one of your two ids is wrong. -ObjectId is the object id of the enterprise " +
                'application in Entra (Get-MgServicePrincipal), not of the app registration. Nothing was changed.')
        }
    }
}

# Finds what the assignment is to cover: a management scope, a group or an administrative unit.
function Resolve-ExgScope {
    if ($ScopeGroup) {
        $found = @(Get-Recipient -Identity $ScopeGroup -ErrorAction Stop)
        $type = if ($found.Count -eq 1) { "$($found[0].RecipientTypeDetails)" } else { '' }
        if ($type -notlike '*Group*' -or $type -like 'Dynamic*') {
            Stop-ExgRun -Code 1 -Text ("'$ScopeGroup' is not one group ($($found.Count) found, type '$type'). A " +
                'mail-enabled security group, distribution group or Microsoft 365 group is needed, not a ' +
                'dynamic one.')
        }
        $Exg.Reach = @{
            Kind      = 'Group'
            Parameter = 'RecipientGroupScope'
            Value     = "$($found[0].DistinguishedName)"
            Names     = @("$($found[0].Name)", "$($found[0].DistinguishedName)", "$($found[0].Guid)")
            Words     = "the direct members of '$($found[0].Name)' (nested groups do not count)"
        }
        return
    }
    if ($AdministrativeUnit) {
        $Exg.Reach = @{
            Kind      = 'AdministrativeUnit'
            Parameter = 'RecipientAdministrativeUnitScope'
            Value     = $AdministrativeUnit
            Names     = @($AdministrativeUnit)
            Words     = "the administrative unit $AdministrativeUnit"
        }
        return
    }
    $Exg.Reach = @{
        Kind      = 'CustomRecipientScope'
        Parameter = 'CustomResourceScope'
        Value     = $ScopeName
        Names     = @($ScopeName)
        Words     = "the management scope '$ScopeName'"
    }
    $found = @(Get-ManagementScope -ErrorAction Stop | Where-Object -FilterScript { "$($_.Name)" -eq $ScopeName })
    if ($found.Count -eq 1) {
        $Exg.Scope = $found[0]
        Compare-ExgScope -Scope $found[0]
    } elseif (-not $RecipientFilter) {
        Stop-ExgRun -Code 1 -Text "There is no management scope '$ScopeName'. Give -RecipientFilter to create it."
    }
}

# A scope of that name is used as it is only when it is what was asked for. It is never changed: others may use it.
function Compare-ExgScope {
    param($Scope)
    if ("$($Scope.Exclusive)" -eq 'True') {
        Stop-ExgRun -Code 1 -Text ("The management scope '$ScopeName' is exclusive and cannot be used here. " +
            'Choose another name.')
    }
    if (-not $RecipientFilter) { return }
    $filter = "$($Scope.RecipientFilter)"
    $root = "$($Scope.RecipientRoot)"
    $key = ConvertTo-ExgFilterKey -Filter $RecipientFilter
    $same = $filter -eq $RecipientFilter -or ($key -and $key -ceq (ConvertTo-ExgFilterKey -Filter $filter))
    if (-not $same -or $root) {
        Stop-ExgRun -Code 1 -Text ("The management scope '$ScopeName' exists with another definition: $filter " +
            "$root. Asked for: $RecipientFilter. Nothing was changed. Choose another name, or leave " +
            '-RecipientFilter out to use it as it is.')
    }
}

# Looks for the assignment that is wanted, and for others of this application and role, which add to it.
function Resolve-ExgAssignment {
    $Exg.Name = if ($AssignmentName) { $AssignmentName } else { ($Role -replace '^Application ', '') + "-$AppId" }
    if ($Exg.Name.Length -gt 64) { $Exg.Name = $Exg.Name.Substring(0, 64) }
    if (-not $Exg.Principal) { return }

    $getManagementRoleAssignmentParams = @{
        RoleAssignee = $ObjectId
        Delegating   = $false
        ErrorAction  = 'Stop'
    }
    foreach ($assignment in @(Get-ManagementRoleAssignment @getManagementRoleAssignmentParams)) {
        if ("$($assignment.Role)" -ne $Role) { continue }
        $label = "$($assignment.Name)"
        $disabled = "$($assignment.Enabled)" -eq 'False'
        if ((Test-ExgReach -Assignment $assignment) -and $disabled) {
            Stop-ExgRun -Code 1 -Text ("The assignment '$label' is what you ask for, but somebody disabled it. " +
                'Find out why, then enable it with Set-ManagementRoleAssignment. Nothing was changed.')
        } elseif (Test-ExgReach -Assignment $assignment) {
            $Exg.Assignment = $assignment
        } elseif ($label -eq $Exg.Name) {
            Stop-ExgRun -Code 1 -Text ("The assignment '$label' exists for " +
                "$(Format-ExgReach -Assignment $assignment). Nothing was changed. Give this one another name " +
                'with -AssignmentName, or remove the old one first.')
        } elseif (-not $disabled) {
            Write-Warning -Message ("The application already has '$Role' for " +
                "$(Format-ExgReach -Assignment $assignment), by the assignment '$label'. Assignments add up: " +
                'what that one reaches stays reachable.')
        }
    }
}

# Exchange shows a group scope as Group with the group's name, or with the name and a GUID behind an underscore.
function Test-ExgReach {
    param($Assignment)
    if ("$($Assignment.RecipientWriteScope)" -ne $Exg.Reach.Kind) { return $false }
    $reachName = Get-ExgReachName -Assignment $Assignment
    if ($Exg.Reach.Kind -eq 'Group') {
        $reachName = $reachName -replace '_[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$'
    }
    $Exg.Reach.Names -contains $reachName
}

# The service principal of Entra gets its counterpart in Exchange.
function Add-ExgServicePrincipal {
    if ($Exg.Principal) {
        Write-ExgStep -Id 'service-principal' -Status 'unchanged' -Guid $ObjectId -Text ('Exchange knows the ' +
            'application.')
        return
    }
    $parameters = [ordered]@{ AppId = $AppId; ObjectId = $ObjectId }
    if ($DisplayName) { $parameters.DisplayName = $DisplayName }
    $invokeExgChangeParams = @{
        Step       = 'service-principal'
        Cmdlet     = 'New-ServicePrincipal'
        Parameters = $parameters
        Target     = "application $AppId"
        Text       = 'Makes the application known to Exchange. This alone gives it nothing.'
    }
    Invoke-ExgChange @invokeExgChangeParams
}

function Add-ExgScope {
    if ($Exg.Reach.Kind -ne 'CustomRecipientScope') { return }
    if ($Exg.Scope) {
        Write-ExgStep -Id 'scope' -Status 'unchanged' -Guid "$($Exg.Scope.Guid)" -Text (
            "The management scope '$ScopeName' exists: $($Exg.Scope.RecipientFilter)")
        return
    }
    $invokeExgChangeParams = @{
        Step       = 'scope'
        Cmdlet     = 'New-ManagementScope'
        Parameters = [ordered]@{ Name = $ScopeName; RecipientRestrictionFilter = $RecipientFilter }
        Target     = "management scope '$ScopeName': $RecipientFilter"
        Text       = 'Creates the management scope. This alone gives nobody anything.'
    }
    Invoke-ExgChange @invokeExgChangeParams
}

function Add-ExgAssignment {
    if ($Exg.Assignment) {
        Write-ExgStep -Id 'assign' -Status 'unchanged' -Guid "$($Exg.Assignment.Guid)" -Text (
            "The assignment '$($Exg.Assignment.Name)' exists.")
        return
    }
    $parameters = [ordered]@{ Name = $Exg.Name; App = $ObjectId; Role = $Role }
    $parameters[$Exg.Reach.Parameter] = $Exg.Reach.Value
    $invokeExgChangeParams = @{
        Step       = 'assign'
        Cmdlet     = 'New-ManagementRoleAssignment'
        Parameters = $parameters
        Target     = "application $AppId, role '$Role', $($Exg.Reach.Words)"
        Text       = "Lets the application use '$Role' in $($Exg.Reach.Words)."
    }
    Invoke-ExgChange @invokeExgChangeParams
}

# Asks Exchange about one mailbox that must be reachable and one that must not be.
function Test-ExgAuthorization {
    $Exg.Step = 'oracle'
    if ($Exg.Planned) {
        Write-ExgStep -Id 'oracle' -Status 'planned' -Text ('Asks whether the application reaches ' +
            "$($Exg.Mailboxes.In) and does not reach $($Exg.Mailboxes.Out).")
        return
    }
    foreach ($expected in $true, $false) {
        $mailbox = if ($expected) { $Exg.Mailboxes.In } else { $Exg.Mailboxes.Out }
        $rows = @(Test-ServicePrincipalAuthorization -Identity $ObjectId -Resource $mailbox -ErrorAction Stop)
        $reaching = @($rows | Where-Object -FilterScript {
                "$($_.RoleName)" -eq $Role -and "$($_.InScope)" -eq 'True'
            })
        $answer = if ($reaching.Count -gt 0) { 'in scope' } else { 'not in scope' }
        if (($reaching.Count -gt 0) -eq $expected) {
            Write-ExgStep -Id 'oracle' -Status 'unchanged' -Text "${mailbox}: $answer, as it must be."
            continue
        }
        $Exg.Code = 3
        $why = 'A mailbox or scope that was changed a moment ago may not be seen yet: run the same command ' +
            'again. Else the mailbox does not match the scope.'
        if (-not $expected) {
            $through = @($reaching | ForEach-Object -Process { "$($_.AllowedResourceScope)" })
            $why = "Allowed by: $($through -join ', '). The scope is too wide, or another assignment of this " +
                'application is.'
        }
        Write-ExgStep -Id 'oracle' -Status 'failed' -Text "${mailbox}: $answer, but it must be otherwise. $why"
    }
    Write-ExgStep -Id 'oracle' -Status 'info' -Text ('This test reads the configuration. What the application ' +
        'itself gets is cached: a change takes 30 minutes when it is idle and up to 2 hours when it is busy.')
}

# What this script cannot do or see: the grants in Entra, and the application itself.
function Show-ExgChecklist {
    $permission = $Role -replace '^Application ', ''
    if ($permission -eq 'EWS.AccessAsApp') { $permission = 'full_access_as_app' }
    $command = "Get-MgServicePrincipalAppRoleAssignment -ServicePrincipalId $ObjectId"
    Write-ExgStep -Id 'checklist' -Status 'todo' -Command $command -Text ('1. Remove the tenant-wide permission ' +
        "$permission (and wider ones) from the application in Entra: Enterprise applications, the application, " +
        'Permissions. What Entra and Exchange grant is added up: while such a consent stands, the scope means ' +
        'nothing. This script cannot see it.')
    Write-ExgStep -Id 'checklist' -Status 'todo' -Text ('2. Wait for the caches (30 minutes to 2 hours), then ' +
        'let the application itself open both mailboxes: the first must work, the second must be refused.')
    Write-ExgStep -Id 'checklist' -Status 'todo' -Text ('3. Configure the server address in the application: ' +
        'Autodiscover does not answer to application roles.')
    Write-ExgStep -Id 'checklist' -Status 'todo' -Text ('4. When it works, retire the old way: the service ' +
        'account, its password, and the role group that held ApplicationImpersonation.')
}
