<#
.SYNOPSIS
Stops mana-stt and takes the task ManaSTT, the port proxy and the firewall rule away. Data and logs stay.
.DESCRIPTION
Safe to run again. In WSL2 the service itself goes with: sudo origin/ops/linux/service.sh uninstall
.PARAMETER RemoveLogs
Also removes the logs.
#>
[CmdletBinding(SupportsShouldProcess)]
param(
    [ValidatePattern('^[\w.-]*$')][string]$Distribution = '',
    [ValidateRange(1, 65535)][int]$Port = 3020,
    [switch]$RemoveLogs
)
Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
Import-Module (Join-Path $PSScriptRoot 'mana-stt.psm1') -Force

$taskName = Get-ManaSttTaskName
if (($null -ne (Get-ManaSttTask)) -and $PSCmdlet.ShouldProcess($taskName, 'stop and unregister the scheduled task')) {
    Stop-ScheduledTask -TaskName $taskName
    Unregister-ScheduledTask -TaskName $taskName -Confirm:$false
}
if ($PSCmdlet.ShouldProcess('mana-stt', 'end what the task has left behind')) {
    Stop-ManaSttLeftover
}
if (($Distribution -ne '') -and $PSCmdlet.ShouldProcess($Distribution, 'stop the service in WSL2')) {
    & wsl.exe --distribution $Distribution --user root --exec systemctl stop mana-stt.service | Out-Null
}
if (Test-ManaSttAdministrator) {
    if ($PSCmdlet.ShouldProcess("port $Port", 'remove the port proxy and the firewall rule')) {
        Remove-ManaSttPortProxy -Port $Port
        Remove-ManaSttFirewallRule
    }
}
else {
    Write-Warning 'Not an administrator: a port proxy or firewall rule, if any, stays. Run this again as administrator to remove them.'
}
$folder = Get-ManaSttFolder
if ($RemoveLogs -and (Test-Path -LiteralPath $folder) -and $PSCmdlet.ShouldProcess($folder, 'remove the logs')) {
    Remove-Item -LiteralPath $folder -Recurse -Force
}
Write-Output 'uninstalled'
