# Runs scripts as somebody at a console does who answers what they ask.
param($Run)

class Person : System.Management.Automation.Host.PSHostUserInterface {
    [System.Collections.Queue]$Answers
    [System.Collections.ArrayList]$Asked = @()
    [System.Management.Automation.Host.PSHostRawUserInterface] get_RawUI() { return $null }
    [string] ReadLine() { throw 'nothing is typed' }
    [securestring] ReadLineAsSecureString() { throw 'nothing is typed' }
    [void] Write([string]$value) { }
    [void] Write([ConsoleColor]$foreground, [ConsoleColor]$background, [string]$value) { }
    [void] WriteLine([string]$value) { }
    [void] WriteErrorLine([string]$value) { }
    [void] WriteDebugLine([string]$message) { }
    [void] WriteProgress([long]$id, [System.Management.Automation.ProgressRecord]$record) { }
    [void] WriteVerboseLine([string]$message) { }
    [void] WriteWarningLine([string]$message) { }
    [System.Collections.Generic.Dictionary[string, psobject]] Prompt([string]$caption, [string]$message,
        [System.Collections.ObjectModel.Collection[System.Management.Automation.Host.FieldDescription]]$fields) {
        throw 'no value is asked for'
    }
    [pscredential] PromptForCredential([string]$caption, [string]$message, [string]$user, [string]$target) {
        throw 'nobody logs on'
    }
    [pscredential] PromptForCredential([string]$caption, [string]$message, [string]$user, [string]$target,
        [System.Management.Automation.PSCredentialTypes]$types,
        [System.Management.Automation.PSCredentialUIOptions]$options) {
        throw 'nobody logs on'
    }
    [int] PromptForChoice([string]$caption, [string]$message,
        [System.Collections.ObjectModel.Collection[System.Management.Automation.Host.ChoiceDescription]]$choices, [int]$default) {
        $labels = @($choices.Label) -replace '&'
        $kind = if ($labels -contains 'Yes to All') { '' } else { 'ShouldContinue ' }
        $null = $this.Asked.Add("$kind$caption $message")
        if (-not $this.Answers.Count) { throw 'a question too many' }
        $answer = $this.Answers.Dequeue()
        $index = [array]::IndexOf($labels, $answer.Substring($kind.Length))
        if (-not $answer.StartsWith($kind) -or $index -lt 0) { throw "$answer is no answer to $caption $message ($labels)" }
        return $index
    }
}
class Console : System.Management.Automation.Host.PSHost {
    [Person]$Person = [Person]::new()
    [guid]$Id = [guid]::NewGuid()
    [cultureinfo] get_CurrentCulture() { return [cultureinfo]::InvariantCulture }
    [cultureinfo] get_CurrentUICulture() { return [cultureinfo]::InvariantCulture }
    [guid] get_InstanceId() { return $this.Id }
    [string] get_Name() { return 'Console' }
    [System.Management.Automation.Host.PSHostUserInterface] get_UI() { return $this.Person }
    [version] get_Version() { return '1.0' }
    [void] EnterNestedPrompt() { }
    [void] ExitNestedPrompt() { }
    [void] NotifyBeginApplication() { }
    [void] NotifyEndApplication() { }
    [void] SetShouldExit([int]$code) { }
}

foreach ($one in $Run) {
    $console = [Console]::new()
    $console.Person.Answers = $one.Answers
    $runspace = [runspacefactory]::CreateRunspace($console)
    $runspace.Open()
    $shell = [powershell]::Create()
    $shell.Runspace = $runspace
    $null = $shell.AddScript({
            param($Manifest, $Script, $Parameters)
            Import-Module $Manifest
            & $Script @Parameters
        }).AddArgument($one.Manifest).AddArgument($one.Script).AddArgument($one.Parameters)
    $failure = try { $null = $shell.Invoke() } catch { "$_" }
    [PSCustomObject]@{
        Asked = $console.Person.Asked; Left = $console.Person.Answers.Count; Failure = "$failure"
        Warnings = @($shell.Streams.Warning | ForEach-Object { "$_" })
        Code = [int]$runspace.SessionStateProxy.GetVariable('LASTEXITCODE')
    }
    $shell.Dispose()
    $runspace.Dispose()
}
