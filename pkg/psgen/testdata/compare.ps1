# Finds properties of directory objects that scripts compare, search or use as keys without making them text. Scripts
# name the fields of their own records in lower case, so that a capital letter tells a property of an object.
param([string[]]$Path)
$own = 'Count', 'Keys', 'Length', 'Parameters', 'ModuleName', 'Module', 'Description', 'Exception', 'Message', 'CategoryInfo',
'FullyQualifiedErrorId', 'SessionState', 'LanguageMode', 'InvocationName', 'At', 'View', 'Who', 'Wanted', 'Odd', 'Customized', 'Yes',
'Halfway', 'Undo', 'Roles', 'Members', 'Mailboxes', 'Told', 'Reason', 'DomainController', 'Enabled', 'Member', 'Identity', 'Activity', 'Script',
'Name', 'Units', 'LiteralPath', 'Line', 'Value', 'ViewEntireForest', 'Replace', 'Contains', 'Clear', 'Remove'
$operators = 'Ieq', 'Ine', 'Ceq', 'Cne', 'Icontains', 'Inotcontains', 'Iin', 'Inotin', 'Imatch', 'Inotmatch', 'Ilike', 'Inotlike'
foreach ($file in $Path) {
    $root = [System.Management.Automation.Language.Parser]::ParseFile($file, [ref]$null, [ref]$null)
    $compared = 0
    $of = { param($Node) $Node -is [System.Management.Automation.Language.MemberExpressionAst] }
    $is = { param($Node) $Node -is [System.Management.Automation.Language.BinaryExpressionAst] -and $operators -contains "$($Node.Operator)" }
    foreach ($node in $root.FindAll($is, $true)) {
        $compared++
        foreach ($side in $node.Left, $node.Right) {
            foreach ($member in $side.FindAll($of, $true)) {
                # Within "$(...)" it is text, and so it is after [string[]]; a call, such as .ContainsKey(), is a question of its own.
                for ($at = $member; $at -ne $side.Parent; $at = $at.Parent) {
                    if ($at -is [System.Management.Automation.Language.ExpandableStringExpressionAst]) { break }
                    if ($at -is [System.Management.Automation.Language.ConvertExpressionAst] -and "$($at.Type)" -eq '[string[]]') { break }
                }
                $name = "$($member.Member)"
                $record = "$($member.Expression)" -cmatch '^\$(With|with|Grant|Run|Report|Pin|It|it)\b'
                if ($at -eq $side.Parent -and $name -cmatch '^[A-Z]' -and ($own -notcontains $name -or ($name -eq 'Name' -and -not $record))) {
                    "$([System.IO.Path]::GetFileName($file)):$($member.Extent.StartLineNumber): $($node.Extent.Text)"
                }
            }
        }
    }
    [PSCustomObject]@{ Compared = $compared }
}
