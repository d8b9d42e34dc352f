/** How the service goes: asked to, out of patience, killed. */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isAlive, type RunningOrigin, startOrigin } from '#test/support/running-origin.ts';
import { errorRateOf, post, recording, transcribe } from '#test/support/transcribe-request.ts';

let dataDir: string;
let origin: RunningOrigin;

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'mana-stt-e2e-'));
});
afterEach(async () => {
  origin.process.kill('SIGKILL');
  await origin.exited;
  rmSync(dataDir, { recursive: true, force: true });
});

describe.each(['SIGTERM', 'SIGINT'] as const)('%s', (signal) => {
  it('answers who is inside, refuses newcomers, ends with 0 and leaves nothing', async () => {
    origin = await startOrigin({}, { dataDir });
    const answer = transcribe(origin, 'en_long.flac');
    await origin.workedOn();
    const engine = await origin.enginePid();
    origin.process.kill(signal);
    await origin.logLine(({ msg }) => msg === 'draining');
    // The kernel may still take one connection while the socket is being closed.
    await expect.poll(() => connects(origin.port), { timeout: 10_000 }).toBe(false);
    expect(errorRateOf('en_long.flac', await answer)).toBeLessThanOrEqual(0.08);
    expect(await origin.exited).toEqual({ code: 0, signal: null });
    expect(isAlive(engine)).toBe(false);
    expect(origin.listSpool()).toEqual([]);
  });
});

describe('npm start', () => {
  it('drains when npm is ended, though npm passes no signal on', async () => {
    origin = await startOrigin({}, { dataDir, command: ['npm', 'start'] });
    const answer = transcribe(origin, 'en_harbor.flac');
    await origin.workedOn();
    const engine = await origin.enginePid();
    origin.process.kill('SIGTERM');
    await origin.logLine(({ msg }) => msg === 'draining');
    expect(errorRateOf('en_harbor.flac', await answer)).toBeLessThanOrEqual(0.1);
    await origin.logLine(({ msg }) => msg === 'stopped');
    await origin.exited;
    expect(isAlive(engine)).toBe(false);
    expect(origin.listSpool()).toEqual([]);
  });
});

describe('SIGTERM with too much inside', () => {
  it('tells who is cut off with 503 and Retry-After, and ends with 1', async () => {
    origin = await startOrigin({ DRAIN_TIMEOUT: '0' }, { dataDir });
    const answer = post(origin, await recording('en_long.flac'));
    await origin.workedOn();
    const engine = await origin.enginePid();
    origin.process.kill('SIGTERM');
    const response = await answer;
    expect(response.status).toBe(503);
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    expect(await response.json()).toMatchObject({ code: 'shutting_down', status: 503 });
    expect(await origin.exited).toEqual({ code: 1, signal: null });
    expect(isAlive(engine)).toBe(false);
    expect(origin.listSpool()).toEqual([]);
  });
});

describe('SIGKILL', () => {
  it('ends the engine too, and the next start removes what was left', async () => {
    origin = await startOrigin({}, { dataDir });
    const answer = post(origin, await recording('en_long.flac'));
    const cutOff = expect(answer).rejects.toThrow();
    await origin.workedOn();
    const engine = await origin.enginePid();
    origin.process.kill('SIGKILL');
    await cutOff;
    expect((await origin.exited).signal).toBe('SIGKILL');
    await expect.poll(() => isAlive(engine), { timeout: 20_000 }).toBe(false);
    expect(origin.listSpool()).toHaveLength(2);
    origin = await startOrigin({}, { dataDir });
    expect(origin.listSpool()).toEqual([]);
  });
});

async function connects(port: number): Promise<boolean> {
  const socket = connect({ port, host: '127.0.0.1' });
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
