# if: account
function Remove-ExgObject { # Removes one object by its GUID.
    param([string]$Noun, $It)
    $with, $get = [ordered]@{ Identity = "$($It.Guid)" }, "Get-$Noun"
    $undo = @(Get-ExgDefinition -Noun $Noun -It $It)
    $done = { [string[]]@(& $get -ErrorAction Stop @At).Guid -notcontains $with.Identity }
# end
# if: roleGroup
function Remove-ExgObject { # Removes one object by its GUID. The roles of a role group are assignments to it.
    param([string]$Noun, $It, [hashtable]$From, [array]$Members, [array]$Held)
    $with = [ordered]@{ Identity = "$($It.Guid)" }
    $undo = @(Get-ExgDefinition -Noun $Noun -It $It)
    if ($Noun -eq 'RoleGroup') { $with.BypassSecurityGroupManagerCheck = $true }
    if ($Members) { $undo[0].with.Members = $Members }
    foreach ($one in $Held) { $undo += @(Get-ExgDefinition -Noun 'ManagementRoleAssignment' -It $one) }
    $done = { [string[]]@(& "Get-$Noun" -ErrorAction Stop @From).Guid -notcontains $with.Identity }
# end
    Invoke-ExgChange -Cmdlet "Remove-$Noun" -With $with -Undo $undo -Done $done
}
