# Reads scripts with the engine's own parser and returns what style_test.go judges: one object for each call of a
# command that is neither PowerShell's nor the script's own, and one for each token that breaks a rule of style.
param([string[]]$Path)

# The function around a node, or the script itself.
function Get-Owner {
    param($Node)
    for ($at = $Node.Parent; $at.Parent; $at = $at.Parent) {
        if ($at -is [System.Management.Automation.Language.FunctionDefinitionAst]) { return $at }
    }
    $at
}

function Find-Node {
    param($Root, [type]$Type)
    $Root.FindAll($script:Is[$Type.Name], $true)
}

$script:Is = @{
    AssignmentStatementAst      = { $args[0] -is [System.Management.Automation.Language.AssignmentStatementAst] }
    CommandAst                  = { $args[0] -is [System.Management.Automation.Language.CommandAst] }
    ForStatementAst             = { $args[0] -is [System.Management.Automation.Language.ForStatementAst] }
    FunctionDefinitionAst       = { $args[0] -is [System.Management.Automation.Language.FunctionDefinitionAst] }
    HashtableAst                = { $args[0] -is [System.Management.Automation.Language.HashtableAst] }
    StringConstantExpressionAst = { $args[0] -is [System.Management.Automation.Language.StringConstantExpressionAst] }
    VariableExpressionAst       = { $args[0] -is [System.Management.Automation.Language.VariableExpressionAst] }
}
$script:Known = @{}

# Is it a command of PowerShell itself?
function Test-Known {
    param([string]$Name)
    if (-not $script:Known.ContainsKey($Name)) {
        $script:Known[$Name] = [bool](Get-Command -Name $Name -ErrorAction Ignore)
    }
    $script:Known[$Name]
}

# The entries of a table: of a literal, or of a variable with what is added to it anywhere. Values are syntax.
function Get-Entry {
    param($Expression, $Owner)
    $table = @{}
    $literal = Find-Node -Root $Expression -Type ([System.Management.Automation.Language.HashtableAst]) | Select-Object -First 1
    if ($literal) {
        foreach ($pair in $literal.KeyValuePairs) { $table[$pair.Item1.Extent.Text] = $pair.Item2 }
        return $table
    }
    Add-Entry -Table $table -Text "$Expression".Replace('@', '$') -Owner $Owner
    $table
}

# Text is the table as it is written: $parameters, or $Exg.From for one that all functions share.
function Add-Entry {
    param([hashtable]$Table, [string]$Text, $Owner)
    foreach ($assignment in (Find-Node -Root $Owner -Type ([System.Management.Automation.Language.AssignmentStatementAst]))) {
        $left = $assignment.Left
        $right = $assignment.Right
        if ("$left" -eq $Text) {
            $literal = Find-Node -Root $right -Type ([System.Management.Automation.Language.HashtableAst]) | Select-Object -First 1
            if ($literal) {
                foreach ($pair in $literal.KeyValuePairs) { $Table[$pair.Item1.Extent.Text] = $pair.Item2 }
            } elseif ("$right" -match '^\$Exg\.\w+$') {
                Add-Entry -Table $Table -Text "$right" -Owner $script:Root
            }
        } elseif ($left -is [System.Management.Automation.Language.MemberExpressionAst] -and "$($left.Expression)" -eq $Text) {
            $Table["$($left.Member)"] = $right
        } elseif ($left -is [System.Management.Automation.Language.IndexExpressionAst] -and "$($left.Target)" -eq $Text) {
            foreach ($key in (Get-Constant -Node $left.Index -Owner $Owner)) { $Table[$key] = $right }
        }
    }
}

# The texts that an expression can be: a constant, or those given to a variable.
function Get-Constant {
    param($Node, $Owner)
    $type = [System.Management.Automation.Language.StringConstantExpressionAst]
    if ($Node -is $type) { return $Node.Value }
    if ($Node -isnot [System.Management.Automation.Language.VariableExpressionAst]) { return }
    foreach ($assignment in (Find-Node -Root $Owner -Type ([System.Management.Automation.Language.AssignmentStatementAst]))) {
        if ("$($assignment.Left)" -ne "$Node") { continue }
        $clauses = @($assignment.Right)
        if ($assignment.Right -is [System.Management.Automation.Language.IfStatementAst]) {
            $clauses = @($assignment.Right.Clauses | ForEach-Object { $_.Item2 }) + @($assignment.Right.ElseClause)
        }
        $clauses | Where-Object { $_ } | ForEach-Object { Find-Node -Root $_ -Type $type } | ForEach-Object { $_.Value }
    }
}

# Does the user's consent stand before this node? Either it is inside an if that asks, or an if before it leaves when
# the answer is no.
function Test-Guarded {
    param($Node)
    $ask = 'ShouldProcess\(|Confirm-ExgChange'
    $if = [System.Management.Automation.Language.IfStatementAst]
    for ($at = $Node; $at.Parent; $at = $at.Parent) {
        if ($at -is [System.Management.Automation.Language.FunctionDefinitionAst]) { return $false }
        $parent = $at.Parent
        if ($parent -is $if) {
            foreach ($clause in $parent.Clauses) {
                if ($clause.Item2 -eq $at -and "$($clause.Item1)" -match $ask -and "$($clause.Item1)" -notmatch '^-not') { return $true }
            }
        }
        if (-not $parent.PSObject.Properties['Statements']) { continue }
        foreach ($statement in $parent.Statements) {
            if ($statement -eq $at) { break }
            if ($statement -isnot $if) { continue }
            $clause = $statement.Clauses[0]
            if ("$($clause.Item1)" -notmatch "^-not .*($ask)") { continue }
            $last = $clause.Item2.Statements[-1]
            if ("$last" -match '^(return|throw|Stop-ExgRun)\b') { return $true }
        }
    }
    $false
}

function Write-Call {
    param($File, $Node, $Cmdlet, [string[]]$Parameters, $ErrorPreference, $Kind)
    [PSCustomObject]@{
        File        = [System.IO.Path]::GetFileName($File)
        Line        = $Node.Extent.StartLineNumber
        Owner       = "$((Get-Owner -Node $Node).Name)"
        Cmdlet      = $Cmdlet
        Parameters  = @($Parameters | Sort-Object -Unique)
        ErrorAction = "$ErrorPreference".Trim("'", '"')
        Guarded     = Test-Guarded -Node $Node
        Kind        = $Kind
    }
}

function Read-Call {
    param($File, $Node, [hashtable]$Own)
    $owner = Get-Owner -Node $Node
    $name = $Node.GetCommandName()
    $given = @{}
    $elements = $Node.CommandElements
    for ($i = 1; $i -lt $elements.Count; $i++) {
        $element = $elements[$i]
        if ($element -is [System.Management.Automation.Language.CommandParameterAst]) {
            $value = $element.Argument
            $following = if ($i + 1 -lt $elements.Count) { $elements[$i + 1] } else { $null }
            if (-not $value -and $following -isnot [System.Management.Automation.Language.CommandParameterAst]) { $value = $following }
            $given[$element.ParameterName] = $value
        } elseif ($element -is [System.Management.Automation.Language.VariableExpressionAst] -and $element.Splatted) {
            $table = Get-Entry -Expression $element -Owner $owner
            foreach ($key in $table.Keys) { $given[$key] = $table[$key] }
        }
    }
    # The script's own functions that run a command by name: the command is what counts.
    if ($name -eq 'Invoke-ExgChange') {
        $entries = Get-Entry -Expression $given['Parameters'] -Owner $owner
        foreach ($cmdlet in (Get-Constant -Node (Get-Only -Node $given['Cmdlet']) -Owner $owner)) {
            Write-Call -File $File -Node $Node -Cmdlet $cmdlet -Parameters $entries.Keys -Kind 'change'
        }
        return
    }
    if ($name -eq 'Find-ExgObject') {
        foreach ($cmdlet in (Get-Constant -Node (Get-Only -Node $given['Cmdlet']) -Owner $owner)) {
            Write-Call -File $File -Node $Node -Cmdlet $cmdlet -Parameters 'Identity' -Kind 'find'
        }
        return
    }
    $names = @($name)
    $kind = 'direct'
    if (-not $name) {
        $names = @(Get-Constant -Node $elements[0] -Owner $owner)
        $kind = 'variable'
        if ($names.Count -eq 0) {
            if ($elements[0] -isnot [System.Management.Automation.Language.VariableExpressionAst]) { return }
            $names = @("$($elements[0])")
        }
    }
    foreach ($cmdlet in $names) {
        if ($Own[$cmdlet]) { continue }
        if (Test-Known -Name $cmdlet) { continue }
        $writeCallParams = @{
            File            = $File
            Node            = $Node
            Cmdlet          = $cmdlet
            Parameters      = $given.Keys
            ErrorPreference = $given['ErrorAction']
            Kind            = $kind
        }
        Write-Call @writeCallParams
    }
}

# An expression out of the statement that it stands in alone.
function Get-Only {
    param($Node)
    if ($Node -is [System.Management.Automation.Language.PipelineAst]) { return $Node.PipelineElements[0].Expression }
    $Node
}

function Write-Flaw {
    param($File, $Token, $Text)
    [PSCustomObject]@{ File = [System.IO.Path]::GetFileName($File); Line = $Token.Extent.StartLineNumber; Flaw = $Text }
}

foreach ($file in $Path) {
    $tokens = $null
    $errors = $null
    $script:Root = [System.Management.Automation.Language.Parser]::ParseFile($file, [ref]$tokens, [ref]$errors)
    foreach ($problem in $errors) { Write-Flaw -File $file -Token $problem -Text $problem.Message }
    $own = @{}
    foreach ($function in (Find-Node -Root $script:Root -Type ([System.Management.Automation.Language.FunctionDefinitionAst]))) {
        $own[$function.Name] = $true
        [PSCustomObject]@{ File = [System.IO.Path]::GetFileName($file); Line = $function.Extent.StartLineNumber; Function = $function.Name }
    }
    foreach ($call in (Find-Node -Root $script:Root -Type ([System.Management.Automation.Language.CommandAst]))) {
        Read-Call -File $file -Node $call -Own $own
    }
    # A semicolon belongs in tables and in for loops only.
    $allowed = @(Find-Node -Root $script:Root -Type ([System.Management.Automation.Language.HashtableAst])) +
        @(Find-Node -Root $script:Root -Type ([System.Management.Automation.Language.ForStatementAst]))
    foreach ($token in $tokens) {
        $text = $token.Text
        if ($token.Kind -eq 'Semi') {
            $at = $token.Extent.StartOffset
            if (-not ($allowed | Where-Object { $_.Extent.StartOffset -lt $at -and $at -lt $_.Extent.EndOffset })) {
                Write-Flaw -File $file -Token $token -Text 'a semicolon separates statements'
            }
        } elseif ($token.Kind -eq 'LineContinuation') {
            Write-Flaw -File $file -Token $token -Text 'a backtick continues the line'
        } elseif ($token.TokenFlags -band [System.Management.Automation.Language.TokenFlags]'Keyword, BinaryOperator, UnaryOperator') {
            if ($text -cne $text.ToLowerInvariant()) { Write-Flaw -File $file -Token $token -Text "$text is not in lower case" }
        }
    }
}
