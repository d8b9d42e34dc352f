import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readSecretFile } from '#models/read-secret-file.ts';
import { ConfigError, loadConfig } from '#origin/config.ts';
import { OriginEnvironment, SECRET_VARIABLES } from '#origin/config-schema.ts';
import { resolveSecretFiles } from '#shared/secret-files.ts';
import { useTempDirs } from '#test/support/temp-dir.ts';

const tempDir = useTempDirs();

function secretFile(text: string): string {
  const path = join(tempDir(), 'secret');
  writeFileSync(path, text);
  return path;
}

describe('resolveSecretFiles', () => {
  it.each([
    ['sk-internal-1', 'sk-internal-1'],
    ['sk-internal-1\n', 'sk-internal-1'],
    ['sk-internal-1\r\n\n', 'sk-internal-1'],
    ['a,\nb\n', 'a,\nb'],
  ])('takes %j from a file without the line breaks at its end', (text, wanted) => {
    const found = resolveSecretFiles({ K_FILE: '/run/k' }, ['K'], () => text);
    expect(found.environment['K']).toBe(wanted);
    expect(found.fromFiles).toEqual(['K']);
  });

  it('leaves alone what is not the file of a secret', () => {
    const environment = { OTHER_FILE: '/x', K: 'v', K_FILE: ' ' };
    const found = resolveSecretFiles(environment, ['K'], () => 'never');
    expect(found).toEqual({ environment, fromFiles: [], faults: [] });
  });
});

describe('loadConfig with secrets in files', () => {
  it('reads every secret variable from its file', () => {
    const path = secretFile('sk-file-key:app\n');
    expect(loadConfig({ API_KEYS_FILE: path }).auth.apiKeys).toMatchObject([{ name: 'app' }]);
    const internal = secretFile('sk-internal-from-file\n');
    expect(loadConfig({ INTERNAL_API_KEY_FILE: internal }).internalApiKey).toBe(
      'sk-internal-from-file',
    );
  });

  it('knows of every variable that holds a key', () => {
    const keys = Object.keys(OriginEnvironment.shape).filter((it) => /_(KEYS?|TOKEN)$/.test(it));
    expect([...SECRET_VARIABLES].toSorted()).toEqual(keys.toSorted());
  });

  it('tells all faults of files beside those of other settings, in one message', () => {
    const folder = tempDir();
    mkdirSync(join(folder, 'a-folder'));
    const load = () =>
      loadConfig({
        PORT: 'x',
        API_KEYS_FILE: join(folder, 'missing'),
        INTERNAL_API_KEY: 'sk-internal-here',
        INTERNAL_API_KEY_FILE: secretFile('sk-internal-there'),
        EDGE_ASSERTION_PRIVATE_KEY_FILE: join(folder, 'a-folder'),
        EDGE_ASSERTION_PUBLIC_KEYS_FILE: secretFile('\n'),
      });
    expect(load).toThrow(ConfigError);
    for (const part of [
      /PORT="x"/,
      /API_KEYS_FILE=".*missing": there is no such file/,
      /INTERNAL_API_KEY_FILE=".*": INTERNAL_API_KEY is set too/,
      /EDGE_ASSERTION_PRIVATE_KEY_FILE=".*a-folder": this is not a file/,
      /EDGE_ASSERTION_PUBLIC_KEYS_FILE=".*": the file is empty/,
    ]) {
      expect(load).toThrow(part);
    }
    expect(load).not.toThrow(/sk-internal/);
  });

  it('says which file holds a value that cannot be used, and hides the value', () => {
    const load = () => loadConfig({ INTERNAL_API_KEY_FILE: secretFile('short') });
    expect(load).toThrow(/INTERNAL_API_KEY=\(in the file of INTERNAL_API_KEY_FILE\)/);
    expect(load).not.toThrow(/short/);
  });

  it.each(['/dev/zero', '/dev/null'])('refuses the device %s', (path) => {
    expect(() => readSecretFile(path)).toThrow('not a file');
  });

  it('refuses a file that is far too large for a key', () => {
    const path = secretFile('k'.repeat(65 * 1024));
    expect(() => readSecretFile(path)).toThrow('larger than');
  });
});
