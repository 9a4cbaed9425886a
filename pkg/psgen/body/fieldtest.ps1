#Requires -Version 3.0
<#
.SYNOPSIS
    Answers questions about Exchange that its documents leave open, for the makers of exgrant.
.DESCRIPTION
    It changes nothing. Every name, address and GUID is replaced by n1, n2 and so on, the same by the same, before
    anything is written; and what was written is shown. Read it, then send the file with an issue of exgrant.
# include: notes.ps1
    Exit codes: 0 there are answers, 1 failed.
#>
# include: param.ps1

# The questions, from top to bottom; what they use stands below.
function Invoke-ExgProcedure {
    $list, $stop = 'Get-ManagementRoleAssignment', @{ ErrorAction = 'Stop' }
    Get-ExgAnswer -To 'shell' -Ask {
        $PSVersionTable.PSVersion, $ExecutionContext.SessionState.LanguageMode
        (Get-Command -Name $list @stop).CommandType
    }
    Get-ExgAnswer -To 'servers' -Ask {
        @((Get-ExchangeServer @stop).AdminDisplayVersion) -match '^Version [0-9.]+ \(Build [0-9.]+\)$'
    }
    $view = Get-ADServerSettings @stop
    foreach ($name in 'RecipientViewRoot', 'DefaultConfigurationDomainController',
        'UserPreferredConfigurationDomainController') {
        Get-ExgAnswer -To $name -Ask { Format-ExgValue -Value $view.$name }
    }
    $rows = @(& $list -Role 'ApplicationImpersonation' -Delegating $false @stop)
    $row = @(@($rows | Where-Object -FilterScript { "$($_.RoleAssigneeType)" -eq 'User' }) + $rows)[0]
    foreach ($name in 'Identity', 'Role', 'RoleAssignee', 'RecipientWriteScope', 'CustomRecipientWriteScope') {
        Get-ExgAnswer -To "assignment $name" -Ask { Format-ExgValue -Value $row.$name }
    }
    # How many assignments does each name of an account, and of a group, find?
    $group = Get-RoleGroup -Identity 'Organization Management' @stop
    $account = @(Get-RoleGroupMember -Identity 'Organization Management' @stop)[0]
    foreach ($by in 'Name', 'DistinguishedName', 'Guid') {
        Get-ExgAnswer -To "account by $by" -Ask { @(& $list -RoleAssignee "$($account.$by)" @stop).Count }
        Get-ExgAnswer -To "group by $by" -Ask { @(& $list -RoleAssignee "$($group.$by)" @stop).Count }
    }
    $mailbox = Get-Mailbox -ResultSize 1 -WarningAction SilentlyContinue @stop
    $with = @{ RoleAssignee = "$($account.DistinguishedName)"; WritableRecipient = "$($mailbox.Guid)" }
    foreach ($effective in $false, $true) {
        Get-ExgAnswer -To "account over a mailbox, GetEffectiveUsers $effective" -Ask {
            & $list @with -GetEffectiveUsers:$effective @stop | Group-Object -Property AssignmentMethod |
                ForEach-Object -Process { "$($_.Count) $($_.Name)" }
        }
    }
    Get-ExgAnswer -To 'no such name' -Ask { @(& $list -Identity 'exgrant: no such name' @stop).Count }
    foreach ($scope in @(Get-ManagementScope @stop)[0..19]) {
        Get-ExgAnswer -To 'scope' -Ask { Hide-ExgFilter -Filter "$($scope.RecipientFilter)" }
        Get-ExgAnswer -To 'its root' -Ask { Format-ExgValue -Value $scope.RecipientRoot }
    }
}

# One answer, or the kind of the error.
function Get-ExgAnswer {
    param([string]$To, [scriptblock]$Ask)
    try { $said = @(& $Ask) -join ', ' } catch { $said = "error $($_.CategoryInfo.Reason)" -replace '[^A-Za-z ]' }
    "${To}: $said"
}

# A value as its type and its text.
function Format-ExgValue {
    param($Value)
    if ($null -eq $Value) { 'nothing' } else { "$($Value.PSObject.TypeNames[0]) $(Hide-ExgName -Text "$Value")" }
}

# A text without names: = , / \ @ stay, and CN, OU and DC before an equals sign.
function Hide-ExgName {
    param([string]$Text)
    [regex]::Replace($Text, '(CN|OU|DC)(?==)|[^=,/\\@]+', {
            param($match)
            if ($match.Groups[1].Success) { return $match.Value }
            if (-not $Names.ContainsKey($match.Value)) { $Names[$match.Value] = "n$($Names.Count + 1)" }
            $Names[$match.Value]
        })
}

# A filter without names: outside quotes, the words stay that are Exchange's own.
function Hide-ExgFilter {
    param([string]$Filter)
    $own = '^(-?(and|or|not|eq|ne|like|notlike|gt|ge|lt|le)|\$(true|false|null)|MemberOfGroup|DistinguishedName|' +
        'RecipientType(Details)?|CustomAttribute\d+|(Display)?Name|Alias|City|Department|Company|Office)$'
    [regex]::Replace($Filter, "'((?:[^']|'')*)'|[^\s()']+", {
            param($match)
            if ($match.Value -match $own) { return $match.Value }
            if (-not $match.Groups[1].Success) { return Hide-ExgName -Text $match.Value }
            "'$(Hide-ExgName -Text $match.Groups[1].Value)'"
        })
}

$Names, $exitCode = @{}, 0
$file = @{ LiteralPath = $ReportPath; Encoding = 'Ascii'; ErrorAction = 'Stop'; WhatIf = $false; Confirm = $false }
try {
    if ($ReportPath -and (Get-Item -LiteralPath $ReportPath -Force -ErrorAction SilentlyContinue).Length) {
        throw "$ReportPath is there. Name a new file."
    }
    $answers = @(Invoke-ExgProcedure)
    if ($ReportPath) { Set-Content @file -Value $answers }
    $answers
} catch {
    Write-Warning -Message "Nothing was written: $_"
    $exitCode = 1
}
if ($MyInvocation.InvocationName -ne '.') { exit $exitCode }
