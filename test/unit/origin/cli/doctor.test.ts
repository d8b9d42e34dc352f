import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { useTempDirs } from '#test/support/temp-dir.ts';

const tempDir = useTempDirs();
const doctor = fileURLToPath(new URL('../../../../origin/cli/doctor.ts', import.meta.url));

function runDoctor(settings: Record<string, string>, args: readonly string[] = []) {
  const env = {
    ...process.env,
    DATA_DIR: tempDir(),
    WHISPER_DEVICE: 'cpu',
    PORT: '0',
    ...settings,
  };
  return spawnSync(process.execPath, [doctor, ...args], { env, encoding: 'utf8' });
}

describe('npm run doctor', () => {
  it('finds no fault in a fresh checkout and ends with 0', () => {
    const { status, stdout } = runDoctor({});
    expect(stdout).not.toMatch(/^fault/m);
    expect(stdout).toMatch(/^ok +default model +base/m);
    expect(status).toBe(0);
  });

  it('ends with 1 and tells all faults, as JSON too', () => {
    const { status, stdout } = runDoctor({ WHISPER_MODEL: 'small', MAX_QUEUE: 'x' }, ['--json']);
    const report = JSON.parse(stdout);
    expect(status).toBe(1);
    expect(report.ok).toBe(false);
    expect(report.findings).toContainEqual(
      expect.objectContaining({ check: 'settings', state: 'fault' }),
    );
  });

  it('refuses an unknown option with 2', () => {
    const { status, stderr } = runDoctor({}, ['--jason']);
    expect(status).toBe(2);
    expect(stderr).toContain('--jason');
  });
});
