/** Nothing here runs PowerShell: the scripts are held against its grammar, and against one another. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parsePowerShell } from '#test/support/powershell.ts';

const folder = fileURLToPath(new URL('../../../../origin/ops/windows/', import.meta.url));
const textOf = (name: string) => readFileSync(join(folder, name), 'utf8');
const files = readdirSync(folder).filter((name) => /\.psm?1$/.test(name));
const scripts = files.filter((name) => name.endsWith('.ps1'));
const module = textOf('mana-stt.psm1');

/** Of Windows PowerShell 5.1 and its modules ScheduledTasks, NetSecurity and CimCmdlets. */
const CMDLETS =
  `Export-ModuleMember Get-CimInstance Get-Command Get-Content Get-NetFirewallHyperVRule
  Get-NetFirewallRule Get-Process Get-ScheduledTask Get-ScheduledTaskInfo Import-Module Invoke-RestMethod Join-Path
  Move-Item New-Item New-NetFirewallHyperVRule New-NetFirewallRule New-Object New-ScheduledTaskAction
  New-ScheduledTaskPrincipal New-ScheduledTaskSettingsSet New-ScheduledTaskTrigger New-TimeSpan Out-Null
  Register-ScheduledTask Remove-Item Remove-NetFirewallHyperVRule Remove-NetFirewallRule Resolve-Path Set-StrictMode
  Split-Path Start-ScheduledTask Stop-Process Stop-ScheduledTask Test-Path Unregister-ScheduledTask Where-Object
  Write-Output Write-Warning`.split(/\s+/);
const PROGRAMS = ['wsl.exe', 'netsh.exe'];

/** Names of the parameters of a function of the module. */
function parametersOf(name: string): string[] {
  const start = module.indexOf(`function ${name} {`);
  const body = module.slice(start, module.indexOf('\n}\n', start));
  const block = /\n {4}param\(([\s\S]*?)\)\n/.exec(body)?.[1] ?? '';
  return [...block.matchAll(/\$(\w+)/g)].map(([, parameter = '']) => parameter);
}

describe('the scripts for Windows', () => {
  it('are all there', () => {
    expect(files.toSorted()).toEqual([
      'install.ps1',
      'mana-stt.psm1',
      'run.ps1',
      'set-up-wsl.ps1',
      'status.ps1',
      'uninstall.ps1',
    ]);
  });

  it.each(files)('%s is PowerShell without a fault', async (name) => {
    expect((await parsePowerShell(textOf(name))).faults).toEqual([]);
  });

  it('would be told of a fault', async () => {
    expect((await parsePowerShell('if ($a) { Write-Output 1')).faults).not.toEqual([]);
    expect((await parsePowerShell('$a = $b ?? 1')).faults).not.toEqual([]);
  });

  it.each(files)(
    '%s stops at the first fault and is ASCII, as Windows PowerShell reads it',
    (name) => {
      const text = textOf(name);
      expect(text).toContain("Set-StrictMode -Version Latest\n$ErrorActionPreference = 'Stop'\n");
      // biome-ignore lint/suspicious/noControlCharactersInRegex: ASCII is what is asked for
      expect(text).toMatch(/^[\x00-\x7f]*$/);
      expect(text.replaceAll(/(["']).*?\1|#.*$/gm, '')).not.toMatch(/&&|\|\|/);
    },
  );

  it.each(files)('%s calls only what there is', async (name) => {
    const exported = (await parsePowerShell(module)).functions;
    const { commands, functions } = await parsePowerShell(textOf(name));
    const known = [...CMDLETS, ...PROGRAMS, ...exported, ...functions];
    expect(commands.filter((command) => !known.includes(command))).toEqual([]);
  });

  it.each(files)(
    '%s gives the functions of the module only parameters that they have',
    async (name) => {
      const own = new Set((await parsePowerShell(module)).functions);
      const { parameters } = await parsePowerShell(textOf(name));
      const wrong = parameters.filter(
        ({ command, name: parameter }) =>
          own.has(command) && !parametersOf(command).includes(parameter),
      );
      expect(wrong).toEqual([]);
    },
  );

  it('the module exports what the scripts call, and only functions that it has', async () => {
    const exported = [...module.matchAll(/^ {4}'([\w-]+)'$/gm)].map(([, name = '']) => name);
    const { functions } = await parsePowerShell(module);
    expect(exported.filter((name) => !functions.includes(name))).toEqual([]);
    for (const script of scripts) {
      const { commands } = await parsePowerShell(textOf(script));
      const used = commands.filter((command) => functions.includes(command));
      expect(used.filter((command) => !exported.includes(command))).toEqual([]);
    }
  });

  it.each(scripts)('%s says what it is for', (name) => {
    expect(textOf(name)).toMatch(/^<#\n\.SYNOPSIS\n\S/);
    expect(textOf(name)).toMatch(/^\[CmdletBinding\(/m);
  });

  it.each(['install.ps1', 'uninstall.ps1', 'set-up-wsl.ps1'])(
    '%s can be tried with -WhatIf',
    (name) => {
      const text = textOf(name);
      expect(text).toContain('[CmdletBinding(SupportsShouldProcess)]');
      expect(text).toContain('$PSCmdlet.ShouldProcess(');
    },
  );

  it('name one task, and take away all that they have set', () => {
    expect(module).toContain("$script:TaskName = 'ManaSTT'");
    const uninstall = textOf('uninstall.ps1');
    for (const call of [
      'Unregister-ScheduledTask',
      'Remove-ManaSttPortProxy',
      'Remove-ManaSttFirewallRule',
      'Stop-ManaSttLeftover',
    ]) {
      expect(uninstall).toContain(call);
    }
  });

  it('hand nothing to a program that could be more than a name', () => {
    for (const name of scripts.filter((script) => textOf(script).includes('$Distribution ='))) {
      expect(textOf(name)).toMatch(
        /\[ValidatePattern\('\^\[\\w\.-\][*+]\$'\)\]\[string\]\$Distribution/,
      );
    }
  });
});
