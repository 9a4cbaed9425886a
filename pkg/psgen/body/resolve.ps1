# Names become objects. Nothing here changes anything.

# The grant as the report shows it, before anything is resolved.
function New-ExgGrantState {
    $state = [ordered]@{
        name     = $Grant.Name
        assignee = [ordered]@{ kind = $Grant.AssigneeKind; given = $Grant.Assignee }
        role     = $Role
        scope    = [ordered]@{ kind = $Grant.ScopeKind }
    }
    if ($Grant.Members.Count) { $state.assignee.members = $Grant.Members }
    if ($Grant.Scope) { $state.scope.given = $Grant.Scope }
    if ($Grant.Mailbox) { $state.mailbox = $Grant.Mailbox }
    $state
}

# Returns the one object of that identity, or $null when there is none; several end the run.
function Find-ExgObject {
    param([string]$Cmdlet, [string]$Identity, [string]$DomainController)
    $from = @{}
    if ($DomainController) { $from.DomainController = $DomainController }
    try {
        $found = @(& $Cmdlet -Identity $Identity -ErrorAction Stop @from)
    } catch {
        $fault = Get-ExgFault -ErrorRecord $_
        if ($fault.id -eq 'principal_not_found') { return }
        if ($fault.id -eq 'principal_ambiguous') {
            Stop-ExgRun -Outcome 'failed' -Step 'resolve' -Fault $fault -Text ("'$Identity' is the name of " +
                'several objects.')
        }
        throw
    }
    if ($found.Count -gt 1) {
        $first = $found[0..([Math]::Min(9, $found.Count - 1))]
        $candidates = @($first | ForEach-Object -Process { "$($_.DistinguishedName)" })
        $fault = [ordered]@{
            id      = 'principal_ambiguous'
            rule    = 'several-objects'
            message = "'$Identity' matches " + ($candidates -join ' and ')
            hint    = 'Name one of them by its distinguished name, UPN or GUID.'
            retry   = 'never'
        }
        Stop-ExgRun -Outcome 'failed' -Step 'resolve' -Fault $fault -Text ("'$Identity' is the name of several " +
            'objects.')
    }
    $found
}

function Stop-ExgNotFound {
    param([string]$What, [string]$Identity, [string]$On)
    $where = if ($On) { "on this domain controller ($On)" } else { 'in the forest' }
    $fault = [ordered]@{
        id      = 'principal_not_found'
        rule    = 'no-object'
        message = "There is no $What '$Identity' $where."
        hint    = 'Check the spelling. A UPN, DOMAIN\name, distinguished name or GUID is surest.'
        retry   = 'never'
    }
    Stop-ExgRun -Outcome 'not-found' -Step 'resolve' -Fault $fault -Text $fault.message
}

# The account or group that receives the role, as the report shows it. A role group need not exist yet.
function Resolve-ExgAssignee {
    switch ($Grant.AssigneeKind) {
        'user' { $object = Find-ExgObject -Cmdlet 'Get-User' -Identity $Grant.Assignee }
        'group' { $object = Find-ExgObject -Cmdlet 'Get-Group' -Identity $Grant.Assignee }
        'roleGroup' { $object = Find-ExgRoleGroup }
    }
    if (-not $object -and $Grant.AssigneeKind -ne 'roleGroup') {
        Stop-ExgNotFound -What $Grant.AssigneeKind -Identity $Grant.Assignee
    }
    if ($object) {
        $state = $Exg.Report.grant.assignee
        $state.name = "$($object.Name)"
        $state.guid = "$($object.Guid)"
        $state.distinguishedName = "$($object.DistinguishedName)"
    }
    if ($Grant.AssigneeKind -eq 'user') {
        Test-ExgMailbox -Type "$($object.RecipientTypeDetails)" -Name $object.Name
    }
    $object
}

# Role groups are looked up by exact name: another object that answers to the same text must not be taken for it.
function Find-ExgRoleGroup {
    $found = Find-ExgObject -Cmdlet 'Get-RoleGroup' -Identity $Grant.Assignee
    if ($found -and $found.Name -eq $Grant.Assignee) { $found }
}

function Test-ExgMailbox {
    param([string]$Type, [string]$Name)
    if ($Type -like 'Remote*') {
        Add-ExgFinding -Id 'cloud-mailbox' -Severity 'warning' -Text ("The mailbox of $Name is in Exchange " +
            'Online: on-premises impersonation does not reach mailboxes there.')
    } elseif ($Type -notlike '*Mailbox') {
        Add-ExgFinding -Id 'no-mailbox' -Severity 'info' -Text ("$Name has no mailbox. Exchange 2016 and later " +
            'do not need one; Exchange 2013 does.')
    }
}

# The service's own mailbox, when one was named.
function Resolve-ExgServiceMailbox {
    if (-not $Grant.Mailbox) { return }
    $recipient = Find-ExgObject -Cmdlet 'Get-Recipient' -Identity $Grant.Mailbox
    if (-not $recipient) {
        # An account without a mailbox is no recipient.
        $recipient = Find-ExgObject -Cmdlet 'Get-User' -Identity $Grant.Mailbox
        if (-not $recipient) { Stop-ExgNotFound -What 'mailbox' -Identity $Grant.Mailbox }
    }
    if ("$($recipient.PrimarySmtpAddress)") { $Exg.Report.grant.mailbox = "$($recipient.PrimarySmtpAddress)" }
    if ($Grant.AssigneeKind -ne 'user') {
        Test-ExgMailbox -Type "$($recipient.RecipientTypeDetails)" -Name $recipient.Name
    }
}

# What is wanted, in the terms in which assignments are compared: Kind is Organization, OU or Custom.
function Resolve-ExgScope {
    $state = $Exg.Report.grant.scope
    switch ($Grant.ScopeKind) {
        'organization' { return @{ Kind = 'Organization' } }
        'organizationalUnit' {
            $unit = Find-ExgObject -Cmdlet 'Get-OrganizationalUnit' -Identity $Grant.Scope
            if (-not $unit) { Stop-ExgNotFound -What 'organizational unit' -Identity $Grant.Scope }
            $state.root = "$($unit.DistinguishedName)"
            $wanted = @{ Kind = 'OU'; Unit = "$($unit.Identity)"; UnitDN = "$($unit.DistinguishedName)" }
        }
        'existing' { $wanted = Resolve-ExgExistingScope }
        'group' {
            $group = Resolve-ExgScopeGroup
            # In a filter a single quote is doubled.
            $filter = "MemberOfGroup -eq '" + "$($group.DistinguishedName)".Replace("'", "''") + "'"
            $wanted = @{ Kind = 'Custom'; Name = $Grant.ScopeName; Filter = $filter; Root = '' }
        }
        'filter' {
            $wanted = @{ Kind = 'Custom'; Name = $Grant.ScopeName; Filter = $Grant.Scope; Root = '' }
        }
    }
    if ($wanted.Kind -eq 'Custom') {
        $wanted.Key = ConvertTo-ExgFilterKey -Filter $wanted.Filter
        $state.name = $wanted.Name
        $state.filter = $wanted.Filter
        if ($wanted.Root) { $state.root = $wanted.Root }
    }
    if ($Operation -ne 'revoke') { Measure-ExgScope -Wanted $wanted }
    $wanted
}

function Resolve-ExgScopeGroup {
    $group = Find-ExgObject -Cmdlet 'Get-Group' -Identity $Grant.Scope
    if (-not $group) {
        $other = Find-ExgObject -Cmdlet 'Get-Recipient' -Identity $Grant.Scope
        if ("$($other.RecipientTypeDetails)" -eq 'DynamicDistributionGroup') {
            Stop-ExgRun -Outcome 'conflict' -Step 'resolve' -Text ("'$($Grant.Scope)' is a dynamic group: it " +
                'has no list of members that a scope could use. Use its recipient filter with --scope-filter ' +
                'instead.')
        }
        Stop-ExgNotFound -What 'group' -Identity $Grant.Scope
    }
    if ("$($group.GroupType)" -notmatch 'Universal') {
        $text = "$($group.Name) is not a universal group: members in other domains may be missing from the scope."
        Add-ExgFinding -Id 'group-not-universal' -Severity 'warning' -Text $text -Objects "$($group.Guid)"
    }
    $group
}

function Resolve-ExgExistingScope {
    $findExgObjectParams = @{
        Cmdlet           = 'Get-ManagementScope'
        Identity         = $Grant.Scope
        DomainController = $Exg.ConfigurationServer
    }
    $scope = Find-ExgObject @findExgObjectParams
    if (-not $scope -or ($scope.Name -ne $Grant.Scope -and "$($scope.Guid)" -ne $Grant.Scope -and
            "$($scope.DistinguishedName)" -ne $Grant.Scope)) {
        Stop-ExgNotFound -What 'management scope' -Identity $Grant.Scope -On $Exg.WriteServer
    }
    if ($scope.Exclusive -or "$($scope.ScopeRestrictionType)" -ne 'RecipientScope') {
        Stop-ExgRun -Outcome 'conflict' -Step 'resolve' -Text ("The scope '$($scope.Name)' is exclusive or not " +
            'for recipients: an assignment of this role cannot use it. Name a regular recipient scope.')
    }
    @{
        Kind   = 'Custom'
        Name   = "$($scope.Name)"
        Guid   = "$($scope.Guid)"
        Filter = "$($scope.RecipientFilter)"
        Root   = "$($scope.RecipientRoot)"
    }
}

# Counts whom the scope reaches now, and says what would surprise.
function Measure-ExgScope {
    param($Wanted)
    if (-not (Get-Command -Name 'Get-Recipient' -ErrorAction SilentlyContinue)) { return }
    $getRecipientParams = @{ ResultSize = 'Unlimited'; ErrorAction = 'Stop' }
    if ($Wanted.Filter) { $getRecipientParams.Filter = $Wanted.Filter }
    if ($Wanted.Root) { $getRecipientParams.OrganizationalUnit = $Wanted.Root }
    if ($Wanted.UnitDN) { $getRecipientParams.OrganizationalUnit = $Wanted.UnitDN }
    $Wanted.Count = 0
    $Wanted.First = New-Object -TypeName System.Collections.ArrayList
    $Wanted.Cloud = 0
    Get-Recipient @getRecipientParams | ForEach-Object -Process {
        $Wanted.Count++
        if ($Wanted.Count -le 10) { $null = $Wanted.First.Add("$($_.Name)") }
        if ("$($_.RecipientTypeDetails)" -like 'Remote*') { $Wanted.Cloud++ }
    }
    $Exg.Report.grant.scope.recipients = $Wanted.Count
    if ($Wanted.Count -eq 0) {
        $text = 'The scope holds no recipient now: the grant would reach nobody.'
        Add-ExgFinding -Id 'scope-empty' -Severity 'warning' -Text $text
    }
    if ($Wanted.Cloud) {
        Add-ExgFinding -Id 'cloud-targets' -Severity 'warning' -Text ("$($Wanted.Cloud) of $($Wanted.Count) " +
            'mailboxes in the scope are in Exchange Online: on-premises impersonation does not reach them.')
    }
    Test-ExgScopeGroup -Filter $Wanted.Filter
}

# The group whose members a filter matches. That its group is gone is a finding about what has the filter.
function Find-ExgScopeGroup {
    param([string]$Filter, [string]$What, [string[]]$Objects)
    if ($Filter -notmatch "^\W*MemberOfGroup\s+-eq\s+'((?:[^']|'')+)'\W*$") { return }
    $name = $Matches[1].Replace("''", "'")
    $group = Find-ExgObject -Cmdlet 'Get-Group' -Identity $name
    if ($group) { return $group }
    Add-ExgFinding -Id 'scope-stale' -Severity 'warning' -Objects $Objects -Text ("$What names the group $name, " +
        'which no longer exists under that name: it was renamed, moved or deleted.')
}

# A group scope means the direct members of the group with exactly this distinguished name.
function Test-ExgScopeGroup {
    param([string]$Filter)
    $group = Find-ExgScopeGroup -Filter $Filter -What 'The scope'
    if (-not $group) { return }
    $nested = @(Get-Group -Filter $Filter -ResultSize Unlimited -ErrorAction SilentlyContinue)
    if ($nested.Count) {
        $names = @($nested | ForEach-Object -Process { "$($_.Name)" }) -join ', '
        Add-ExgFinding -Id 'nested-not-included' -Severity 'warning' -Text ("Groups inside $($group.Name) are " +
            "not followed: members of $names are not in the scope unless they are direct members too.")
    }
}

function Format-ExgCount {
    param([int]$Count)
    switch ($Count) {
        0 { return 'no recipient now' }
        1 { return '1 recipient' }
    }
    "$Count recipients"
}

# Whom the scope reaches now, in words.
function Format-ExgRecipient {
    param($Wanted)
    $count = Format-ExgCount -Count $Wanted.Count
    if ($Wanted.Count) { "${count}: $($Wanted.First -join ', ')" } else { $count }
}

function Format-ExgResolved {
    param($Assignee, $Wanted)
    $who = if ($Assignee) { $Assignee.Name } else { "$($Grant.Assignee) (does not exist yet)" }
    if ($Wanted.Kind -eq 'Organization') { return "$who; the whole organization" }
    $shown = "$who; $($Grant.Scope): $(Format-ExgCount -Count $Wanted.Count)"
    if ($Wanted.Count) { $shown += " ($($Wanted.First -join ', '))" }
    $shown
}
