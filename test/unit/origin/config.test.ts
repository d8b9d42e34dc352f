import { readFileSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CONFIG_DOCS_FILE, renderConfigDocs } from '#origin/cli/config-docs.ts';
import { ConfigError, loadConfig } from '#origin/config.ts';
import { OriginEnvironment } from '#origin/config-schema.ts';

describe('loadConfig', () => {
  it('gives the defaults of the contract for an empty environment', () => {
    const config = loadConfig({});
    expect(config).toMatchObject({
      port: 3020,
      host: '127.0.0.1',
      whisperModel: null,
      device: 'auto',
      defaultLanguage: 'de',
      preloadModels: 'none',
      maxConcurrentRequests: 3,
      maxUploadBytes: 104_857_600,
      corsOrigins: [],
    });
    expect(config.spoolDir).toBe(join(config.dataDir, 'spool'));
    expect(isAbsolute(config.modelsDir)).toBe(true);
  });

  it('counts an empty variable as absent', () => {
    expect(loadConfig({ PORT: '', WHISPER_MODEL: '  ' })).toMatchObject({
      port: 3020,
      whisperModel: null,
    });
  });

  it('reads lists, languages by name and the idle timeout that never comes', () => {
    const config = loadConfig({
      CORS_ORIGINS: 'https://a.example, https://b.example,',
      WHISPER_DEFAULT_LANGUAGE: 'English',
      VRAM_IDLE_TIMEOUT: '-1',
    });
    expect(config.corsOrigins).toEqual(['https://a.example', 'https://b.example']);
    expect(config.defaultLanguage).toBe('en');
    expect(config.idleTimeoutSeconds).toBeNull();
  });

  it.each([
    ['true', 'default'],
    ['OFF', 'none'],
    ['base, tiny', ['base', 'tiny']],
  ])('reads PRELOAD_MODELS=%s', (text, wanted) => {
    expect(loadConfig({ PRELOAD_MODELS: text }).preloadModels).toEqual(wanted);
  });

  it('names every fault in one message', () => {
    const load = () => loadConfig({ PORT: '99999', WHISPER_DEVICE: 'tpu', MAX_UPLOAD_MB: '1.5' });
    expect(load).toThrow(/PORT="99999".*\n.*WHISPER_DEVICE="tpu".*\n.*MAX_UPLOAD_MB="1.5"/);
  });

  it('never repeats the value of a key', () => {
    expect(() => loadConfig({ INTERNAL_API_KEY: 'secret' })).toThrow(/INTERNAL_API_KEY=\(hidden\)/);
    expect(() => loadConfig({ INTERNAL_API_KEY: 'secret' })).not.toThrow(/secret/);
  });

  it.each([
    ['API_KEYS', 'sk-secret'],
    ['EDGE_ASSERTION_PUBLIC_KEYS', '{"d":"secret"}'],
    ['EDGE_ASSERTION_PRIVATE_KEY', 'secret'],
    ['MANA_AUTH_URL', 'https://me:secret@auth.example'],
    ['MANA_CORE_AUTH_URL', 'https://me:secret@auth.example'],
  ])('names a fault in %s and hides its value', (name, value) => {
    const load = () => loadConfig({ [name]: value, PORT: 'x' });
    expect(load).toThrow(new RegExp(`${name}=\\(hidden\\)`));
    expect(load).toThrow(/PORT="x"/);
    expect(load).not.toThrow(/secret/);
  });

  it('refuses an internal key that is also the key of an app', () => {
    const load = () => loadConfig({ API_KEYS: 'sk-same-key:a', INTERNAL_API_KEY: 'sk-same-key' });
    expect(load).toThrow(ConfigError);
    expect(load).not.toThrow(/sk-same-key/);
  });

  it('knows whether somebody has written the rate limit', () => {
    expect(loadConfig({}).isRateLimitGiven).toBe(false);
    expect(loadConfig({ RATE_LIMIT_REQUESTS: '60' }).isRateLimitGiven).toBe(true);
  });
});

describe('renderConfigDocs', () => {
  it('is what docs/configuration.md holds', () => {
    expect(readFileSync(CONFIG_DOCS_FILE, 'utf8')).toBe(renderConfigDocs());
  });

  it('has a row for every variable', () => {
    const rows = renderConfigDocs().match(/^\| `[A-Z_]+`/gm);
    expect(rows).toHaveLength(Object.keys(OriginEnvironment.shape).length);
  });
});
