<#
.SYNOPSIS
Registers the scheduled task ManaSTT, which starts mana-stt when you log on and starts it again when it ends.
.DESCRIPTION
Safe to run again: the task is replaced. Nothing else is changed; run set-up-wsl.ps1 first for WSL2.
.PARAMETER Distribution
The WSL2 distribution in which the service is installed (origin/ops/linux/service.sh install). Without it the service runs
in Windows itself, with Node and on the CPU.
.PARAMETER NoStart
Only registers; it starts at the next log-on.
.EXAMPLE
.\install.ps1 -Distribution Ubuntu-24.04
#>
[CmdletBinding(SupportsShouldProcess)]
param(
    [ValidatePattern('^[\w.-]*$')][string]$Distribution = '',
    [switch]$NoStart
)
Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
Import-Module (Join-Path $PSScriptRoot 'mana-stt.psm1') -Force

if ($Distribution -ne '') {
    & wsl.exe --distribution $Distribution --user root --exec systemctl cat mana-stt.service | Out-Null
    if ($LASTEXITCODE -ne 0) {
        throw "In $Distribution there is no mana-stt.service. Run there: sudo origin/ops/linux/service.sh install"
    }
}
else {
    $node = Get-Command node.exe -ErrorAction SilentlyContinue
    if ($null -eq $node) {
        throw 'node.exe is not in PATH. Install Node 22.18 or later, or use -Distribution.'
    }
}

$taskName = Get-ManaSttTaskName
$run = Join-Path $PSScriptRoot 'run.ps1'
$user = [Security.Principal.WindowsIdentity]::GetCurrent().Name
$arguments = "-NoProfile -NonInteractive -ExecutionPolicy Bypass -WindowStyle Hidden -File `"$run`""
if ($Distribution -ne '') {
    $arguments += " -Distribution $Distribution"
}
$task = @{
    TaskName    = $taskName
    Description = 'Speech to text (mana-stt). Made by origin/ops/windows/install.ps1.'
    Action      = New-ScheduledTaskAction -Execute 'powershell.exe' -Argument $arguments -WorkingDirectory $PSScriptRoot
    Trigger     = New-ScheduledTaskTrigger -AtLogOn -User $user
    Principal   = New-ScheduledTaskPrincipal -UserId $user -LogonType Interactive -RunLevel Limited
    Settings    = New-ScheduledTaskSettingsSet -AllowStartIfOnBatteries -DontStopIfGoingOnBatteries -StartWhenAvailable -MultipleInstances IgnoreNew -RestartCount 999 -RestartInterval (New-TimeSpan -Minutes 1) -ExecutionTimeLimit ([TimeSpan]::Zero)
    Force       = $true
}
if ($PSCmdlet.ShouldProcess($taskName, 'register the scheduled task')) {
    if ($null -ne (Get-ManaSttTask)) {
        Stop-ScheduledTask -TaskName $taskName
    }
    Stop-ManaSttLeftover
    Register-ScheduledTask @task | Out-Null
    if (-not $NoStart) {
        Start-ScheduledTask -TaskName $taskName
    }
    Write-Output "installed; the log is in $(Get-ManaSttLogFolder). Look with: .\status.ps1"
}
