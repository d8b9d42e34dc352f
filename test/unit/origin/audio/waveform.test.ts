import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { DecodeFailure } from '#origin/audio/decode-failure.ts';
import { SpooledWaveform, type WaveformWriter } from '#origin/audio/waveform.ts';
import { failureOf, useScratchFolder } from '#test/support/decoding.ts';

const scratch = useScratchFolder();

/** A waveform whose producer the test plays itself. */
async function openWaveform() {
  const ready = Promise.withResolvers<WaveformWriter>();
  const end = Promise.withResolvers<{ truncated: boolean }>();
  const waveform = new SpooledWaveform(scratch.file('waveform'), (write, stop) => {
    ready.resolve(write);
    stop.addEventListener('abort', () => end.resolve({ truncated: false }));
    return end.promise;
  });
  return { waveform, write: await ready.promise, end };
}

describe('SpooledWaveform', () => {
  it('resolves a wait when the samples are on disk, not before', async () => {
    const { waveform, write } = await openWaveform();
    let resolved = false;
    const wait = waveform.available(10).then((progress) => {
      resolved = true;
      return progress;
    });
    await write(new Uint8Array(36));
    expect(resolved).toBe(false);
    await write(new Uint8Array(8));
    expect(await wait).toEqual({ sampleCount: 11, ended: false });
    expect((await readFile(waveform.path)).length).toBe(44);
    await waveform.dispose();
  });

  it('resolves every wait at the end, even those for more samples', async () => {
    const { waveform, write, end } = await openWaveform();
    const wait = waveform.available(Number.POSITIVE_INFINITY);
    await write(new Uint8Array(40));
    end.resolve({ truncated: true });
    expect(await wait).toEqual({ sampleCount: 10, ended: true });
    expect(waveform.truncated).toBe(true);
    expect(await waveform.available(99)).toEqual({ sampleCount: 10, ended: true });
    await waveform.dispose();
  });

  it('rejects waits before and after a failure with that failure', async () => {
    const { waveform, write, end } = await openWaveform();
    await write(new Uint8Array(40));
    const wait = waveform.available(11);
    end.reject(new DecodeFailure('undecodable', 'broken'));
    expect((await failureOf(wait)).message).toBe('broken');
    expect((await failureOf(waveform.available(1))).message).toBe('broken');
    expect(waveform.ended).toBe(true);
    await waveform.dispose();
  });

  it('counts whole samples only', async () => {
    const { waveform, write } = await openWaveform();
    await write(new Uint8Array(7));
    expect(waveform.sampleCount).toBe(1);
    await waveform.dispose();
  });

  it('cancels waits and deletes the file on dispose, once for all callers', async () => {
    const { waveform, write } = await openWaveform();
    await write(new Uint8Array(40));
    const failure = failureOf(waveform.available(11));
    await Promise.all([waveform.dispose(), waveform.dispose()]);
    expect((await failure).reason).toBe('cancelled');
    expect(existsSync(waveform.path)).toBe(false);
    expect((await failureOf(waveform.available(1))).reason).toBe('cancelled');
    await waveform.dispose();
  });

  it('refuses to write over a file that exists', async () => {
    const path = scratch.file('waveform');
    await writeFile(path, 'precious');
    const waveform = new SpooledWaveform(path, () => Promise.resolve({ truncated: false }));
    await expect(waveform.available(1)).rejects.toMatchObject({ code: 'EEXIST' });
    expect(await readFile(path, 'utf8')).toBe('precious');
  });
});
