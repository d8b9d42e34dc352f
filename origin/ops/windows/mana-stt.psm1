# What the scripts of this folder share. Windows PowerShell 5.1 and PowerShell 7; ASCII only, since 5.1 reads nothing else
# without a byte order mark.
Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

$script:TaskName = 'ManaSTT'
$script:RuleName = 'ManaSTT'
# The virtual machines of WSL, as Windows' firewall for Hyper-V knows them.
$script:WslCreatorId = '{40E0AC32-46A5-438A-A0B2-2B479E8F2E90}'

function Get-ManaSttTaskName {
    return $script:TaskName
}

# The task, or $null.
function Get-ManaSttTask {
    return Get-ScheduledTask -TaskName $script:TaskName -ErrorAction SilentlyContinue
}

# What the task keeps: logs, and the number of the process.
function Get-ManaSttFolder {
    return Join-Path $env:LOCALAPPDATA 'mana-stt'
}

# The folder of logs; made where it is missing.
function Get-ManaSttLogFolder {
    $folder = Join-Path (Get-ManaSttFolder) 'logs'
    if (-not (Test-Path -LiteralPath $folder)) {
        New-Item -ItemType Directory -Path $folder -Force | Out-Null
    }
    return $folder
}

function Get-PidFile {
    return Join-Path (Get-ManaSttFolder) 'mana-stt.pid'
}

function Save-ManaSttProcess {
    param([Parameter(Mandatory)][int]$Id)
    [System.IO.File]::WriteAllText((Get-PidFile), "$Id")
}

# Ends what a task that was stopped has left behind: Windows does not end the children of a process with it.
function Stop-ManaSttLeftover {
    $file = Get-PidFile
    if (-not (Test-Path -LiteralPath $file)) {
        return
    }
    $text = [System.IO.File]::ReadAllText($file).Trim()
    if ($text -match '^\d+$') {
        # Numbers are given again: only a program of the right name is ours.
        Get-Process -Id ([int]$text) -ErrorAction SilentlyContinue |
            Where-Object { @('node', 'wsl') -contains $_.ProcessName } |
            Stop-Process -Force
    }
    Remove-Item -LiteralPath $file -Force
}

function Test-ManaSttAdministrator {
    $identity = [Security.Principal.WindowsIdentity]::GetCurrent()
    $principal = [Security.Principal.WindowsPrincipal]::new($identity)
    return $principal.IsInRole([Security.Principal.WindowsBuiltInRole]::Administrator)
}

# mana-stt.log becomes mana-stt.1.log and so on; the oldest goes.
function Move-ManaSttLog {
    param(
        [Parameter(Mandatory)][string]$Folder,
        [Parameter(Mandatory)][int]$Keep
    )
    $oldest = Join-Path $Folder "mana-stt.$Keep.log"
    if (Test-Path -LiteralPath $oldest) {
        Remove-Item -LiteralPath $oldest -Force
    }
    for ($number = $Keep - 1; $number -ge 1; $number--) {
        $from = Join-Path $Folder "mana-stt.$number.log"
        if (Test-Path -LiteralPath $from) {
            Move-Item -LiteralPath $from -Destination (Join-Path $Folder "mana-stt.$($number + 1).log") -Force
        }
    }
    $current = Join-Path $Folder 'mana-stt.log'
    if (Test-Path -LiteralPath $current) {
        Move-Item -LiteralPath $current -Destination (Join-Path $Folder 'mana-stt.1.log') -Force
    }
}

# Sets one value of a section of an INI text and leaves every other line as it is. Gives the new text.
function Set-IniValue {
    param(
        [Parameter(Mandatory)][AllowEmptyString()][string]$Text,
        [Parameter(Mandatory)][string]$Section,
        [Parameter(Mandatory)][string]$Name,
        [Parameter(Mandatory)][string]$Value
    )
    $lines = [System.Collections.Generic.List[string]]::new()
    foreach ($line in ($Text -split "`r?`n")) {
        $lines.Add($line)
    }
    $wanted = "$Name=$Value"
    $start = -1
    $end = $lines.Count
    for ($index = 0; $index -lt $lines.Count; $index++) {
        if ($lines[$index] -match '^\s*\[(.+)\]\s*$') {
            if ($start -ge 0) {
                $end = $index
                break
            }
            if ($Matches[1].Trim() -eq $Section) {
                $start = $index
            }
        }
    }
    if ($start -lt 0) {
        while ($lines.Count -gt 0 -and $lines[$lines.Count - 1].Trim() -eq '') {
            $lines.RemoveAt($lines.Count - 1)
        }
        $lines.Add("[$Section]")
        $lines.Add($wanted)
    }
    else {
        $found = -1
        for ($index = $start + 1; $index -lt $end; $index++) {
            if ($lines[$index] -match ('^\s*' + [regex]::Escape($Name) + '\s*=')) {
                $found = $index
            }
        }
        if ($found -ge 0) {
            $lines[$found] = $wanted
        }
        else {
            $lines.Insert($start + 1, $wanted)
        }
    }
    return (($lines -join "`r`n").TrimEnd() + "`r`n")
}

# Mirrored networking came with Windows 11 22H2.
function Test-MirroredNetworking {
    return [Environment]::OSVersion.Version.Build -ge 22621
}

# The address of the distribution in the network of WSL; changes with each start of WSL.
function Get-WslAddress {
    param([Parameter(Mandatory)][string]$Distribution)
    $answer = & wsl.exe --distribution $Distribution --exec hostname -I
    if ($LASTEXITCODE -ne 0) {
        throw "wsl.exe cannot start the distribution $Distribution"
    }
    $address = ($answer -join ' ').Trim().Split(' ')[0]
    if ($address -notmatch '^\d+(\.\d+){3}$') {
        throw "the distribution $Distribution has no IPv4 address"
    }
    return $address
}

# Sends what arrives at the port on to WSL. An older rule of the same port is replaced.
function Set-ManaSttPortProxy {
    param(
        [Parameter(Mandatory)][string]$Distribution,
        [Parameter(Mandatory)][int]$Port
    )
    $address = Get-WslAddress -Distribution $Distribution
    Remove-ManaSttPortProxy -Port $Port
    & netsh.exe interface portproxy add v4tov4 "listenport=$Port" listenaddress=0.0.0.0 "connectport=$Port" "connectaddress=$address" | Out-Null
    if ($LASTEXITCODE -ne 0) {
        throw 'netsh cannot set the port proxy; run this as administrator'
    }
}

function Remove-ManaSttPortProxy {
    param([Parameter(Mandatory)][int]$Port)
    $rules = (& netsh.exe interface portproxy show v4tov4) -join "`n"
    if ($rules -match "(?m)^0\.0\.0\.0\s+$Port\s") {
        & netsh.exe interface portproxy delete v4tov4 "listenport=$Port" listenaddress=0.0.0.0 | Out-Null
    }
}

# Lets the local network in, and nobody else.
function Set-ManaSttFirewallRule {
    param([Parameter(Mandatory)][int]$Port)
    Remove-ManaSttFirewallRule
    New-NetFirewallRule -Name $script:RuleName -DisplayName 'mana-stt' -Direction Inbound -Action Allow -Protocol TCP -LocalPort $Port -RemoteAddress LocalSubnet | Out-Null
    if (Get-Command New-NetFirewallHyperVRule -ErrorAction SilentlyContinue) {
        New-NetFirewallHyperVRule -Name $script:RuleName -DisplayName 'mana-stt' -Direction Inbound -Action Allow -VMCreatorId $script:WslCreatorId -Protocol TCP -LocalPorts $Port | Out-Null
    }
}

function Remove-ManaSttFirewallRule {
    Get-NetFirewallRule -Name $script:RuleName -ErrorAction SilentlyContinue | Remove-NetFirewallRule
    if (Get-Command Get-NetFirewallHyperVRule -ErrorAction SilentlyContinue) {
        Get-NetFirewallHyperVRule -Name $script:RuleName -ErrorAction SilentlyContinue | Remove-NetFirewallHyperVRule
    }
}

Export-ModuleMember -Function @(
    'Get-ManaSttTaskName'
    'Get-ManaSttTask'
    'Get-ManaSttFolder'
    'Get-ManaSttLogFolder'
    'Save-ManaSttProcess'
    'Stop-ManaSttLeftover'
    'Test-ManaSttAdministrator'
    'Move-ManaSttLog'
    'Set-IniValue'
    'Test-MirroredNetworking'
    'Set-ManaSttPortProxy'
    'Remove-ManaSttPortProxy'
    'Set-ManaSttFirewallRule'
    'Remove-ManaSttFirewallRule'
)
