<#
.SYNOPSIS
Says whether mana-stt is installed, runs and answers. Exit code: 0 it answers, 3 it does not, 4 it is not installed.
#>
[CmdletBinding()]
param([ValidateRange(1, 65535)][int]$Port = 3020)
Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
Import-Module (Join-Path $PSScriptRoot 'mana-stt.psm1') -Force

$task = Get-ManaSttTask
if ($null -eq $task) {
    Write-Output 'the task ManaSTT is not installed'
    exit 4
}
$info = $task | Get-ScheduledTaskInfo
Write-Output "task: $($task.State), last started $($info.LastRunTime), last result $($info.LastTaskResult)"
$log = Join-Path (Get-ManaSttLogFolder) 'mana-stt.log'
if (Test-Path -LiteralPath $log) {
    Write-Output "log: $log, last lines:"
    Get-Content -LiteralPath $log -Tail 3 -Encoding UTF8
}
try {
    $health = Invoke-RestMethod -Uri "http://127.0.0.1:$Port/health" -TimeoutSec 5
    Write-Output "health: $($health.status), engine $($health.engine_state), device $($health.device)"
    exit 0
}
catch {
    Write-Output "nothing answers at http://127.0.0.1:$Port/health: $($_.Exception.Message)"
    exit 3
}
