/** The project as another program's dependency: only what package.json `exports`, from a folder of its own. */
import { spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { ROOT } from '#test/support/running-origin.ts';
import { useTempDirs } from '#test/support/temp-dir.ts';
import { FIXTURES } from '#test/support/transcribe-request.ts';

const tempDir = useTempDirs();

/** A package that depends on this one, and its program. */
async function runProgram(lines: readonly string[]) {
  const folder = tempDir();
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(ROOT, join(folder, 'node_modules/mana-stt'), 'junction');
  copyFileSync(join(FIXTURES, 'formats/clip.mp3'), join(folder, 'clip.mp3'));
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  writeFileSync(join(folder, 'program.js'), lines.join('\n'));
  const child = spawn(process.execPath, ['program.js'], { cwd: folder });
  const [output, errors] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { output, errors };
}

const SETTINGS = [
  'const config = {',
  "  port: 0, host: '127.0.0.1', whisperModel: null, device: 'cpu', computeType: 'auto',",
  "  defaultLanguage: 'de', batchSize: null, preloadModels: 'none', idleTimeoutSeconds: 60,",
  '  maxConcurrentRequests: 3, maxQueue: 20, maxUploadBytes: 1e8, uploadIdleTimeoutSeconds: 30,',
  "  maxAudioSeconds: 600, dataDir: 'data', spoolDir: 'data/spool', modelsDir: 'data/models',",
  "  threads: 2, logLevel: 'info', corsOrigins: [], metricsAllow: [], internalApiKey: null,",
  '  drainTimeoutSeconds: 30,',
  '};',
  'const ignore = () => undefined;',
  'const logger = { debug: ignore, info: ignore, warn: console.error, error: console.error };',
];

describe('mana-stt/transcriber', () => {
  it('gives createTranscriber: a recording becomes a transcript without HTTP', async () => {
    const { output, errors } = await runProgram([
      "import { createTranscriber } from 'mana-stt/transcriber';",
      "import { toTranscriptionResponse } from 'mana-stt/contracts/transcription';",
      ...SETTINGS,
      'const metrics = { observeStage: ignore, observeBatch: ignore, observeModelLoad: ignore,',
      '  setModelLoaded: ignore, countEngineRestart: ignore };',
      'const transcriber = createTranscriber(config, { logger, metrics });',
      "const options = { align: true, diarize: false, beamSize: 5, task: 'transcribe' };",
      "const request = { path: 'clip.mp3', requestId: 'a', signal: new AbortController().signal };",
      'const transcript = await transcriber.transcribe({ ...request, options });',
      'await transcriber.close();',
      "const context = { requestId: 'a', latencyMs: 1 };",
      'console.log(JSON.stringify(toTranscriptionResponse(transcript, context)));',
    ]);
    expect(errors).toBe('');
    expect(JSON.parse(output)).toMatchObject({
      text: expect.stringMatching(/harbor office/i),
      language: 'en',
      model: 'whisperx-base',
    });
  });
});

describe('mana-stt/origin', () => {
  it('gives createOriginApp: an app that works with the dependencies it is handed', async () => {
    const { output, errors } = await runProgram([
      "import { createOriginApp } from 'mana-stt/origin';",
      ...SETTINGS,
      "const models = () => ({ whisper: ['base'], defaultWhisper: 'base', loaded: [] });",
      "const health = () => ({ whisperLoaded: false, engine: 'idle', device: null });",
      'const counts = () => ({ running: 0, waiting: 0 });',
      'const admission = { counts, freeSlots: () => 1 };',
      'const deps = { config, logger, metrics: {}, transcriber: { models, health }, admission,',
      '  now: () => performance.now() };',
      "const response = await createOriginApp(deps).request('/health');",
      'console.log(await response.text());',
    ]);
    expect(errors).toBe('');
    expect(JSON.parse(output)).toMatchObject({ status: 'healthy', engine_state: 'idle' });
  });
});
