import { existsSync } from 'node:fs';
import { copyFile, readFile, stat, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { type DecodeOptions, startDecoding } from '#origin/audio/decode-audio.ts';
import {
  decodeAll,
  failureOf,
  formatFixture,
  readSamples,
  runnableDecoders,
  scriptedDecoder,
  useScratchFolder,
} from '#test/support/decoding.ts';

const scratch = useScratchFolder();
const decoders = await runnableDecoders();

function start(path: string, options: Partial<DecodeOptions> = {}) {
  const waveformPath = scratch.file('waveform');
  return startDecoding({ path }, { waveformPath, maxSeconds: 60, timeoutMs: 30_000, ...options });
}

/** Decodes to the end and gives the failure; the waveform is gone afterwards. */
async function refusal(path: string, options: Partial<DecodeOptions> = {}) {
  const waveform = start(path, options);
  const failure = await failureOf(waveform.available(Number.POSITIVE_INFINITY));
  await waveform.dispose();
  return failure;
}

function processExists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Writes its process id as the first "sample", then never ends. */
const ENDLESS = scriptedDecoder(
  'const id = Buffer.alloc(4); id.writeInt32LE(process.pid); fs.writeSync(1, id); hang();',
);

describe.each(decoders)('startDecoding of bad files with %s', (decoder) => {
  it.each([
    ['empty.wav', 'empty_file', /0 bytes/],
    ['text.mp3', 'not_audio', /looks like a text file/],
    ['header_only.wav', 'undecodable', /a WAV file.*no sound/],
    ['video_only.mp4', 'no_audio_track', /no audio track/],
    ['truncated_moov_at_end.mp4', 'undecodable', /cut off.*index/],
  ])('refuses %s as %s', async (file, reason, message) => {
    const failure = await refusal(formatFixture(file), { decoder });
    expect(failure.reason).toBe(reason);
    expect(failure.message).toMatch(message);
    expect(failure.message).not.toContain('/');
  });

  it('refuses bytes that are no known format as not_audio', async () => {
    const path = scratch.file('upload');
    await writeFile(path, new Uint8Array(10_000));
    const failure = await refusal(path, { decoder });
    expect(failure.reason).toBe('not_audio');
    expect(failure.message).not.toContain('upload');
  });

  it('says that the codec is the trouble when the container is read but the codec is unknown', async () => {
    const webm = (await readFile(formatFixture('clip.webm'))).toString('latin1');
    const path = scratch.file('upload');
    await writeFile(path, webm.replaceAll('A_OPUS', 'A_NONE'), 'latin1');
    const failure = await refusal(path, { decoder });
    expect(failure.reason).toBe('undecodable');
    expect(failure.message).toMatch(/WebM.*codec/);
  });

  it('stops at maxSeconds with too_long and never writes more', async () => {
    const waveform = start(formatFixture('clip.wav'), { decoder, maxSeconds: 1 });
    const failure = await failureOf(waveform.available(Number.POSITIVE_INFINITY));
    expect(failure.reason).toBe('too_long');
    expect(failure.message).toContain('1 s');
    expect((await stat(waveform.path)).size).toBeLessThanOrEqual(64_000);
    await waveform.dispose();
  });

  it('accepts a recording of exactly maxSeconds', async () => {
    const waveform = start(formatFixture('clip.wav'), { decoder, maxSeconds: 2 });
    expect(await waveform.available(1e9)).toEqual({ sampleCount: 32_000, ended: true });
    await waveform.dispose();
  });

  it('takes a path with characters that mean something to FFmpeg', async () => {
    const path = scratch.file("it's %d, [a]:b|c;x=y #1?.bin");
    await copyFile(formatFixture('clip.flac'), path);
    const { samples } = await decodeAll(path, { waveformPath: scratch.file('waveform'), decoder });
    expect(samples.length).toBe(32_000);
  });
});

describe('startDecoding', () => {
  it('finds a decoder by itself', async () => {
    const options = { waveformPath: scratch.file('waveform'), decoder: 'auto' } as const;
    const { samples } = await decodeAll(formatFixture('clip.mp3'), options);
    expect(samples.length).toBe(32_000);
  });

  it.each([
    [2, false],
    [3, true],
  ])('takes a recording with %i lost packets for damaged: %s', async (packets, truncated) => {
    const line = 'Error while decoding stream #0:0: Invalid data found\\n';
    const command = scriptedDecoder(
      `fs.writeSync(1, Buffer.alloc(4 * 32_000)); fs.writeSync(2, '${line}'.repeat(${packets}));`,
    );
    const options = { waveformPath: scratch.file('waveform'), command };
    expect(await decodeAll(formatFixture('clip.wav'), options)).toMatchObject({ truncated });
  });

  it.each([
    ['a FLAC file', 'clip.flac', 0.6],
    ['a WAV file', 'clip.wav', 0.5],
  ])(
    'says that %s ends early even when the decoder is silent about it',
    async (_what, file, share) => {
      const path = scratch.file(file);
      await writeFile(path, (await readFile(formatFixture(file))).subarray(0, 1000));
      const scripted = (seconds: number) => ({
        waveformPath: scratch.file(`waveform-${seconds}`),
        command: scriptedDecoder(`fs.writeSync(1, Buffer.alloc(4 * 16_000 * ${seconds}));`),
      });
      const [cut, whole] = [scripted(2 * share), scripted(1.95)];
      expect(await decodeAll(path, cut)).toMatchObject({ truncated: true });
      expect(await decodeAll(path, whole)).toMatchObject({ truncated: false });
    },
  );

  it('says that a FLAC file with holes is damaged', async () => {
    const path = scratch.file('holes.flac');
    const bytes = await readFile(formatFixture('clip.flac'));
    // The first third is whole; behind it every other kilobyte is gone.
    for (let at = Math.floor(bytes.length / 3); at < bytes.length; at += 2048)
      bytes.fill(0x5a, at, at + 1024);
    await writeFile(path, bytes);
    for (const decoder of await runnableDecoders()) {
      const waveformPath = scratch.file(`waveform-${decoder}`);
      expect(await decodeAll(path, { waveformPath, decoder })).toMatchObject({ truncated: true });
    }
  });

  it('gives samples while the decoder still runs', async () => {
    const waveform = start(formatFixture('clip.wav'), {
      command: scriptedDecoder('fs.writeSync(1, Buffer.alloc(4 * 8000)); hang();'),
    });
    expect(await waveform.available(8000)).toEqual({ sampleCount: 8000, ended: false });
    await waveform.dispose();
  });

  it('kills a decoder that takes longer than timeoutMs', async () => {
    let exitCode: number | null | undefined;
    const failure = await refusal(formatFixture('clip.wav'), {
      command: ENDLESS,
      timeoutMs: 500,
      onOutcome: (outcome) => {
        exitCode = outcome.exitCode;
      },
    });
    expect(failure.reason).toBe('timeout');
    expect(failure.message).toContain('0.5 s');
    expect(exitCode).toBeNull();
  });

  it('kills the decoder when the signal is aborted', async () => {
    const request = new AbortController();
    const waveform = start(formatFixture('clip.wav'), {
      command: ENDLESS,
      signal: request.signal,
    });
    await waveform.available(1);
    const pid = (await readFile(waveform.path)).readInt32LE(0);
    expect(processExists(pid)).toBe(true);

    request.abort();
    const failure = await failureOf(waveform.available(Number.POSITIVE_INFINITY));
    expect(failure.reason).toBe('cancelled');
    expect(processExists(pid)).toBe(false);
    await waveform.dispose();
  });

  it('starts no decoder for a request that is already cancelled', async () => {
    const proof = scratch.file('started');
    const command = scriptedDecoder(`fs.writeFileSync(${JSON.stringify(proof)}, '');`);
    const failure = await refusal(formatFixture('clip.wav'), {
      command,
      signal: AbortSignal.abort(),
    });
    expect(failure.reason).toBe('cancelled');
    expect(existsSync(proof)).toBe(false);
  });

  it('kills the decoder and deletes the waveform on dispose', async () => {
    const waveform = start(formatFixture('clip.wav'), { command: ENDLESS });
    await waveform.available(1);
    const pid = (await readFile(waveform.path)).readInt32LE(0);
    await waveform.dispose();
    expect(processExists(pid)).toBe(false);
    expect(existsSync(waveform.path)).toBe(false);
  });

  it('says decoder_missing when the program does not exist', async () => {
    const command = { ...scriptedDecoder(''), file: scratch.file('no-such-program') };
    const failure = await refusal(formatFixture('clip.wav'), { command });
    expect(failure.reason).toBe('decoder_missing');
    expect(failure.message).not.toContain('no-such-program');
  });

  it('fails when the decoder crashes, even after audio', async () => {
    const command = scriptedDecoder('fs.writeSync(1, Buffer.alloc(4000)); process.abort();');
    const failure = await refusal(formatFixture('clip.wav'), { command });
    expect(failure.reason).toBe('undecodable');
  });

  it('keeps what the decoder said out of the failure and gives it to onOutcome', async () => {
    let stderr = '';
    const failure = await refusal(formatFixture('clip.wav'), {
      command: scriptedDecoder("fs.writeSync(2, 'secret words'); process.exit(1);"),
      onOutcome: (outcome) => {
        stderr = outcome.stderr;
      },
    });
    expect(stderr).toBe('secret words');
    expect(failure.message).not.toContain('secret');
  });

  it('keeps samples whole when the decoder writes odd pieces', async () => {
    const command = scriptedDecoder(
      'const b = Buffer.alloc(40); for (let i = 0; i < 10; i++) b.writeFloatLE(i, 4 * i);' +
        'fs.writeSync(1, b.subarray(0, 13)); fs.writeSync(1, b.subarray(13));',
    );
    const waveform = start(formatFixture('clip.wav'), { command });
    expect(await waveform.available(1e9)).toEqual({ sampleCount: 10, ended: true });
    expect([...(await readSamples(waveform.path))]).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    await waveform.dispose();
  });
});
