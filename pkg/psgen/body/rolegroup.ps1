# Role groups: a group that holds the role, for accounts that come and go.

function Get-ExgRoleGroupMember {
    param([string]$Identity = $Grant.Assignee)
    @(Get-RoleGroupMember -Identity $Identity -ResultSize Unlimited -ErrorAction Stop)
}

function Resolve-ExgMember {
    foreach ($identity in $Grant.Members) {
        $member = Find-ExgObject -Cmdlet 'Get-User' -Identity $identity
        if (-not $member) { $member = Find-ExgObject -Cmdlet 'Get-Group' -Identity $identity }
        if (-not $member) { Stop-ExgNotFound -What 'member' -Identity $identity }
        $member
    }
}

# Compares a role group with the wanted one. Foreign lists, in words, what makes it another group than ours.
function Compare-ExgRoleGroup {
    param($RoleGroup, $Wanted, [object[]]$Members)
    $difference = @{ Foreign = @(); Own = $null; NoConfiguration = [bool]$Grant.ViewOnlyConfiguration }
    $getManagementRoleAssignmentParams = @{
        RoleAssignee     = "$($RoleGroup.Guid)"
        AssignmentMethod = 'Direct'
        ErrorAction      = 'Stop'
    }
    $difference.Held = @(Get-ManagementRoleAssignment @getManagementRoleAssignmentParams)
    foreach ($assignment in $difference.Held) {
        if ((Test-ExgRegular -Assignment $assignment) -and "$($assignment.Role)" -eq $Role) {
            $difference.Own = $assignment
            if ((Compare-ExgScope -Assignment $assignment -Wanted $Wanted) -ne 'equal') {
                $difference.Foreign += "it reaches $(Format-ExgWriteScope -Assignment $assignment)"
            } elseif (-not $assignment.Enabled) {
                $difference.Foreign += "its assignment '$($assignment.Name)' is disabled"
            }
        } elseif ((Test-ExgRegular -Assignment $assignment) -and "$($assignment.Role)" -eq $Configuration -and
            $Grant.ViewOnlyConfiguration) {
            $difference.NoConfiguration = $false
        } else {
            $difference.Foreign += "it has the role $($assignment.Role) by '$($assignment.Name)'"
        }
    }
    if (-not $difference.Own) { $difference.Foreign += "it does not have the role $Role" }
    $present = @(Get-ExgRoleGroupMember -Identity "$($RoleGroup.Guid)")
    $guids = @($Members | ForEach-Object -Process { "$($_.Guid)" })
    $difference.Others = @($present | Where-Object -FilterScript { $guids -notcontains "$($_.Guid)" })
    $presentGuids = @($present | ForEach-Object -Process { "$($_.Guid)" })
    $difference.Absent = @($Members | Where-Object -FilterScript { $presentGuids -notcontains "$($_.Guid)" })
    $difference.Present = @($Members | Where-Object -FilterScript { $presentGuids -contains "$($_.Guid)" })
    $difference
}

# The state of a role group, for the report's before and after.
function Get-ExgRoleGroupState {
    param($RoleGroup, [object[]]$Assignments, [object[]]$Scopes)
    $state = Get-ExgState -Assignments $Assignments -Scopes $Scopes
    $members = @(Get-ExgRoleGroupMember -Identity "$($RoleGroup.Guid)" | ForEach-Object -Process { "$($_.Name)" } |
            Sort-Object)
    $entry = [ordered]@{ guid = "$($RoleGroup.Guid)"; name = "$($RoleGroup.Name)"; members = $members }
    $state.roleGroups = @($entry)
    $state
}
