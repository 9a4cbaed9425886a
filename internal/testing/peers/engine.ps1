# Runs jobs, one JSON object per line of standard input, each in a fresh runspace of
# this process. What a job shows goes to this process's own console as it happens.
# After it comes one line: the mark, then the result as JSON.
#
# The first line of standard input is the mark.

function ConvertFrom-Element {
    # ConvertFrom-Json would make dates of strings that look like some.
    param($Element)
    switch ($Element.ValueKind.ToString()) {
        'Object' {
            $table = @{}
            foreach ($property in $Element.EnumerateObject()) {
                $table[$property.Name] = ConvertFrom-Element -Element $property.Value
            }
            return $table
        }
        'Array' {
            $list = @(foreach ($item in $Element.EnumerateArray()) { ConvertFrom-Element -Element $item })
            return , $list
        }
        'String' { return $Element.GetString() }
        'Number' {
            $whole = [long]0
            if ($Element.TryGetInt64([ref]$whole)) { return $whole }
            return $Element.GetDouble()
        }
        'True' { return $true }
        'False' { return $false }
    }
    return $null
}

function ConvertTo-Error {
    param($Record)
    @{
        fullyQualifiedErrorId = [string]$Record.FullyQualifiedErrorId
        exceptionType         = $Record.Exception.GetType().FullName
        category              = [string]$Record.CategoryInfo.Category
        reason                = [string]$Record.CategoryInfo.Reason
        activity              = [string]$Record.CategoryInfo.Activity
        targetName            = [string]$Record.CategoryInfo.TargetName
        message               = [string]$Record
        script                = [string]$Record.InvocationInfo.ScriptName
        line                  = [int]$Record.InvocationInfo.ScriptLineNumber
        position              = [string]$Record.InvocationInfo.PositionMessage
    }
}

function ConvertTo-Output {
    param($Object)
    $value = $Object
    if ($Object -is [System.Management.Automation.PSObject] -and $Object.PSObject.BaseObject -isnot [string] -and
        -not $Object.PSObject.BaseObject.GetType().IsValueType) {
        $value = @{}
        foreach ($property in $Object.PSObject.Properties) {
            $value[$property.Name] = $property.Value
        }
    }
    @{
        typeNames = @($Object.PSObject.TypeNames)
        text      = [string]$Object
        value     = $value
    }
}

function Invoke-InRunspace {
    # What the console host does: one pipeline that ends in Out-Default, errors merged
    # into it, and an error that ends the pipeline shown after it.
    param($Runspace, [string]$Text, [hashtable]$Arguments)
    $shell = [powershell]::Create()
    $shell.Runspace = $Runspace
    try {
        $null = $shell.AddScript($Text, $true)
        foreach ($name in $Arguments.Keys) {
            $null = $shell.AddParameter($name, $Arguments[$name])
        }
        $failure = $null
        try {
            $null = $shell.Invoke()
        } catch {
            $failure = $_.Exception
            while ($failure -isnot [System.Management.Automation.RuntimeException] -or
                $failure -is [System.Management.Automation.MethodInvocationException]) {
                if ($null -eq $failure.InnerException) { break }
                $failure = $failure.InnerException
            }
        }
        @{
            failure  = $failure
            refused  = @($shell.Streams.Error)
            warnings = @($shell.Streams.Warning | ForEach-Object -Process { [string]$_ })
            verbose  = @($shell.Streams.Verbose | ForEach-Object -Process { [string]$_ })
        }
    } finally {
        $shell.Dispose()
    }
}

function Invoke-Job {
    param($Job)
    $kept = $Job.shell -and $Job.shell -eq $script:KeptName
    if ($script:Kept -and -not $kept) {
        $script:Kept.Dispose()
        $script:Kept = $null
    }
    $runspace = if ($kept) { $script:Kept } else {
        [runspacefactory]::CreateRunspace($Host, [initialsessionstate]::CreateDefault2())
    }
    $script:KeptName = $null # until this job has ended well
    try {
        if (-not $kept) { $runspace.Open() }
        $modules = if (-not $kept) { $Job.modules }
        $setUp = Invoke-InRunspace -Runspace $runspace -Arguments @{ Modules = $modules; Folder = $Job.dir } -Text @'
            param($Modules, $Folder)
            $ErrorActionPreference = 'Stop'
            $global:LASTEXITCODE = 0
            if ($Folder) { Set-Location -LiteralPath $Folder }
            foreach ($path in $Modules) { Import-Module -Name $path -Global -DisableNameChecking }
'@
        if ($setUp.failure) {
            return @{ setUp = [string]$setUp.failure }
        }
        if ($Job.shell) {
            $script:Kept = $runspace
            $script:KeptName = $Job.shell
        }
        $seen = @{} # by their number: constrained language has this, and no methods
        $before = ''
        if ($Job.strict) { $before += 'Set-StrictMode -Version Latest; ' }
        if ($Job.constrained) { $before += '$ExecutionContext.SessionState.LanguageMode = ''ConstrainedLanguage''; ' }
        $run = 'param($__path, $__parameters, $__seen) ' + $before + '{0} 2>&1 | & { process { $__seen[$__seen.Count] = $_; $_ } } | Out-Default'
        if ($Job.command) {
            $what = '& ([scriptblock]::Create($__path)) @__parameters'
            $path = $Job.command
        } elseif ($Job.dotSource) {
            $what = '. $__path @__parameters'
            $path = $Job.script
        } else {
            $what = '& $__path @__parameters'
            $path = $Job.script
        }
        $clock = [System.Diagnostics.Stopwatch]::StartNew()
        $done = Invoke-InRunspace -Runspace $runspace -Text $run.Replace('{0}', $what) -Arguments @{
            __path       = $path
            __parameters = if ($Job.parameters) { $Job.parameters } else { @{} }
            __seen       = $seen
        }
        $milliseconds = $clock.ElapsedMilliseconds
        $exitCode = [int]$runspace.SessionStateProxy.GetVariable('LASTEXITCODE')
        $seen = @(for ($i = 0; $i -lt $seen.Count; $i++) { , $seen[$i] })
        $output = @($seen | Where-Object -FilterScript { $_ -isnot [System.Management.Automation.ErrorRecord] })
        $errors = @($seen | Where-Object -FilterScript { $_ -is [System.Management.Automation.ErrorRecord] })
        if ($done.failure) {
            $record = $done.failure.ErrorRecord
            $null = Invoke-InRunspace -Runspace $runspace -Text 'param($r) $r | Out-Default' -Arguments @{ r = $record }
            $errors += $record
            $exitCode = 1
        }
        if ($done.refused.Count -gt 0) {
            # The call could not even start, such as with a value that a parameter refuses: nothing is thrown then.
            $null = Invoke-InRunspace -Runspace $runspace -Text 'param($r) $r | Out-Default' -Arguments @{ r = $done.refused }
            $errors += $done.refused
            $exitCode = 1
        }
        @{
            output       = @($output | ForEach-Object -Process { ConvertTo-Output -Object $_ })
            errors       = @($errors | ForEach-Object -Process { ConvertTo-Error -Record $_ })
            warnings     = $done.warnings
            verbose      = $done.verbose
            terminated   = $null -ne $done.failure -or $done.refused.Count -gt 0
            exitCode     = $exitCode
            milliseconds = $milliseconds
        }
    } finally {
        if (-not $script:KeptName) { $runspace.Dispose() }
    }
}

$script:Kept, $script:KeptName = $null, $null
$encoding = New-Object -TypeName System.Text.UTF8Encoding -ArgumentList $false
$reader = New-Object -TypeName System.IO.StreamReader -ArgumentList ([Console]::OpenStandardInput()), $encoding
$mark = $reader.ReadLine()
while ($null -ne ($line = $reader.ReadLine())) {
    try {
        $document = [System.Text.Json.JsonDocument]::Parse($line)
        $result = Invoke-Job -Job (ConvertFrom-Element -Element $document.RootElement)
    } catch {
        $result = @{ setUp = [string]$_ + ' ' + $_.ScriptStackTrace }
    }
    [Console]::Out.WriteLine($mark + (ConvertTo-Json -InputObject $result -Depth 8 -Compress))
    [Console]::Out.Flush()
}
