import { execFile } from 'node:child_process';
import { copyFile, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { chooseDecoder, startDecoding } from '#origin/audio/decode-audio.ts';
import { runDecoder } from '#origin/audio/run-decoder.ts';
import {
  failureOf,
  formatFixture,
  runnableDecoders,
  scriptedDecoder,
  useScratchFolder,
} from '#test/support/decoding.ts';

const scratch = useScratchFolder();
const decoders = await runnableDecoders();
const limits = {
  maxSeconds: 36_000,
  timeoutMs: 30_000,
  cancelled: new AbortController().signal,
};

/** Files that name another one, `victim.mp3` beside them, for a decoder to open. */
const ATTACKS = {
  'HLS playlist':
    '#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:10\n#EXTINF:2.0,\nvictim.mp3\n#EXT-X-ENDLIST\n',
  'concat list': 'ffconcat version 1.0\nfile victim.mp3\n',
  'session description': 'v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nt=0 0\nm=audio 5004 RTP/AVP 0\n',
  'DASH manifest':
    '<?xml version="1.0"?>\n<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"><Period><AdaptationSet mimeType="audio/mp4"><Representation id="1" bandwidth="1"><BaseURL>victim.mp3</BaseURL></Representation></AdaptationSet></Period></MPD>',
};

async function placeAttack(text: string): Promise<string> {
  const path = scratch.file('upload');
  await writeFile(path, text);
  await copyFile(formatFixture('clip.mp3'), scratch.file('victim.mp3'));
  return path;
}

describe.each(Object.entries(ATTACKS))('a %s that names another file', (_name, text) => {
  it('is refused before any decoder sees it', async () => {
    let decoderRan = false;
    const path = await placeAttack(text);
    const waveform = startDecoding(
      { path },
      {
        waveformPath: scratch.file('waveform'),
        maxSeconds: 60,
        timeoutMs: 30_000,
        onOutcome: () => {
          decoderRan = true;
        },
      },
    );
    const failure = await failureOf(waveform.available(1));
    expect(failure.reason).toBe('not_audio');
    expect(decoderRan).toBe(false);
    await waveform.dispose();
  });

  it.each(decoders)('gives nothing of that file when it does reach %s', async (decoder) => {
    const path = await placeAttack(text);
    const command = await chooseDecoder(decoder);
    const outcome = await runDecoder(command, command.args(path, null), {
      limits,
      write: () => Promise.resolve(),
    });
    expect(outcome.byteCount).toBe(0);
    expect(outcome.exitCode).not.toBe(0);
    expect(outcome.stderr).not.toContain('victim');
  });
});

describe('the attacks', () => {
  it.skipIf(!decoders.includes('ffmpeg')).each(['HLS playlist', 'concat list'] as const)(
    'are real: ffmpeg without our limits reads the other file of a %s',
    async (name) => {
      const path = await placeAttack(ATTACKS[name]);
      const args = ['-nostdin', '-v', 'error', '-i', path, '-f', 's16le', 'pipe:1'];
      const { stdout } = await promisify(execFile)('ffmpeg', args, { encoding: 'buffer' });
      expect(stdout.length).toBeGreaterThan(10_000);
    },
  );
});

describe('runDecoder', () => {
  const HALF_GIGABYTE = 512 * 1024 * 1024;

  it('holds little of 512 MB in memory while a slower reader takes them', async () => {
    const command = scriptedDecoder(
      `const b = Buffer.alloc(65536); for (let n = 0; n < ${HALF_GIGABYTE}; n += b.length) { let w = 0; while (w < b.length) w += fs.writeSync(1, b, w); }`,
    );
    let most = 0;
    const outcome = await runDecoder(command, command.args(formatFixture('clip.wav'), null), {
      limits,
      write: async () => {
        most = Math.max(most, process.memoryUsage().arrayBuffers);
        await new Promise(setImmediate);
      },
    });
    expect(outcome.byteCount).toBe(HALF_GIGABYTE);
    expect(most).toBeLessThan(128 * 1024 * 1024);
  });

  it('reads nothing more while a write is under way', async () => {
    let writing = 0;
    let overlaps = 0;
    const command = await chooseDecoder('node-av');
    await runDecoder(command, command.args(formatFixture('clip.wav'), null), {
      limits,
      write: async () => {
        if (writing > 0) overlaps += 1;
        writing += 1;
        await new Promise(setImmediate);
        writing -= 1;
      },
    });
    expect(overlaps).toBe(0);
  });

  it('rejects with the error of a write that fails, and ends the decoder', async () => {
    const endless = scriptedDecoder('for (;;) fs.writeSync(1, Buffer.alloc(65536));');
    const run = runDecoder(endless, endless.args(formatFixture('clip.wav'), null), {
      limits,
      write: () => Promise.reject(new Error('disk full')),
    });
    await expect(run).rejects.toThrow('disk full');
  });

  it('keeps a short extract of endless complaints', async () => {
    const noisy = scriptedDecoder(
      "for (let i = 0; i < 20000; i++) fs.writeSync(2, 'a complaint\\n'); fs.writeSync(2, 'the end'); ",
    );
    const outcome = await runDecoder(noisy, noisy.args(formatFixture('clip.wav'), null), {
      limits,
      write: () => Promise.resolve(),
    });
    expect(outcome.stderr.length).toBeLessThan(16_384);
    expect(outcome.stderr.endsWith('the end')).toBe(true);
  });
});
