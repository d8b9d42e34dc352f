import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import {
  bestCorrelation,
  decodeAll,
  formatFixture,
  referenceClip,
  rootMeanSquare,
  runnableDecoders,
  useScratchFolder,
} from '#test/support/decoding.ts';

interface Expectation {
  readonly file: string;
  /** Length of the audio in it, in samples at 16 kHz. */
  readonly samples: number;
  /** Encoders may add up to a frame or two at either end. */
  readonly tolerance: number;
  readonly correlation: number;
  /** Delay allowed, in samples: 0 for lossless; some containers cannot say how much padding the encoder added. */
  readonly maxLag: number;
}

function lossless(file: string, samples = 32_000): Expectation {
  return { file, samples, tolerance: 0, correlation: 0.9999, maxLag: 0 };
}

function resampled(file: string, samples = 32_000): Expectation {
  return { file, samples, tolerance: 16, correlation: 0.97, maxLag: 2 };
}

function lossy(file: string, overrides: Partial<Expectation> = {}): Expectation {
  return { file, samples: 32_000, tolerance: 800, correlation: 0.95, maxLag: 8, ...overrides };
}

/** ADTS and a pipe's fragments have no edit list, so AAC's priming (1024 samples) stays. */
const PRIMING = { tolerance: 2048, maxLag: 1100 };

const FORMATS: readonly Expectation[] = [
  lossless('clip.wav'),
  lossless('pcm_s24le.wav', 8000),
  lossless('pcm_s32le.wav', 8000),
  lossless('pcm_f32le.wav', 8000),
  { ...lossless('pcm_u8.wav', 8000), correlation: 0.98 },
  resampled('mulaw_8k.wav'),
  resampled('alaw_8k.wav'),
  resampled('stereo_48k.wav', 6400),
  lossless('left_only.wav', 8000),
  lossless('streamed.wav', 8000),
  lossless('clip.flac'),
  lossy('clip.mp3'),
  lossy('clip.m4a'),
  lossy('clip.aac', PRIMING),
  lossy('opus.ogg'),
  lossy('vorbis.ogg'),
  lossy('clip.webm'),
  lossy('video.mp4'),
  lossy('video_moov_at_end.mp4'),
  lossless('pcm.mov', 8000),
  lossy('video.webm'),
  lossy('recorder.webm'),
  lossy('recorder.mp4', PRIMING),
  lossy('really_m4a.mp3'),
  lossy('no_extension'),
];

const scratch = useScratchFolder();
const reference = referenceClip();

for (const decoder of await runnableDecoders()) {
  describe(`startDecoding with ${decoder}`, () => {
    it.each(FORMATS)('gives the speech of $file', async (expected) => {
      const path = formatFixture(expected.file);
      const waveformPath = scratch.file('waveform');
      const { samples, truncated } = await decodeAll(path, { waveformPath, decoder });

      expect(Math.abs(samples.length - expected.samples)).toBeLessThanOrEqual(expected.tolerance);
      const { correlation } = bestCorrelation(samples, reference, expected.maxLag);
      expect(correlation).toBeGreaterThan(expected.correlation);
      expect(truncated).toBe(false);
    });

    it('keeps the level: 48 kHz stereo of equal channels is as loud as the mono clip', async () => {
      const path = formatFixture('stereo_48k.wav');
      const { samples } = await decodeAll(path, {
        waveformPath: scratch.file('waveform'),
        decoder,
      });
      // ffmpeg made two channels of the mono clip without changing them.
      const ratio = rootMeanSquare(samples) / rootMeanSquare(reference.subarray(0, 6400));
      expect(ratio).toBeGreaterThan(0.98);
      expect(ratio).toBeLessThan(1.02);
    });

    it('mixes stereo to the average of its channels', async () => {
      const path = formatFixture('left_only.wav');
      const { samples } = await decodeAll(path, {
        waveformPath: scratch.file('waveform'),
        decoder,
      });
      const expected = reference.subarray(0, 8000).map((x) => x / 2);
      const worst = samples.reduce((most, x, i) => Math.max(most, Math.abs(x - expected[i]!)), 0);
      expect(worst).toBeLessThan(1e-4);
    });

    it('follows a stream that changes its sample rate and channels on the way', async () => {
      const path = formatFixture('changing.mp3');
      const { samples } = await decodeAll(path, {
        waveformPath: scratch.file('waveform'),
        decoder,
      });
      // Each part brings its encoder's padding, about 0.1 s.
      expect(Math.abs(samples.length - 32_000)).toBeLessThan(5000);
      const firstPart = bestCorrelation(samples.subarray(0, 15_000), reference, 1200);
      expect(firstPart.correlation).toBeGreaterThan(0.95);
      const secondPart = bestCorrelation(
        samples.subarray(20_000),
        reference.subarray(20_000),
        4000,
      );
      expect(secondPart.correlation).toBeGreaterThan(0.95);
    });

    it.each([0, 0x7fffffff, 0xffffffff])(
      'takes a WAV of unknown length (%i) as complete',
      async (size) => {
        const bytes = readFileSync(formatFixture('clip.wav'));
        bytes.writeUInt32LE(size, bytes.indexOf('data', 0, 'latin1') + 4);
        const path = scratch.file('streamed');
        await writeFile(path, bytes);
        const waveformPath = scratch.file('waveform');
        const { samples, truncated } = await decodeAll(path, { waveformPath, decoder });
        expect(samples.length).toBe(32_000);
        expect(truncated).toBe(false);
      },
    );

    it.each([0.3, 0.5, 0.9])(
      'says that a FLAC file is truncated when %d of it came',
      async (share) => {
        const bytes = readFileSync(formatFixture('../en_harbor.flac'));
        const path = scratch.file('cut.flac');
        const decode = (name: string) =>
          decodeAll(path, { waveformPath: scratch.file(name), decoder });
        await writeFile(path, bytes);
        const whole = await decode('whole');
        await writeFile(path, bytes.subarray(0, Math.floor(bytes.length * share)));
        const cut = await decode('cut');
        expect([whole.truncated, cut.truncated]).toEqual([false, true]);
        expect(cut.samples.length).toBeLessThan(whole.samples.length);
      },
    );

    it('says that a WAV file is truncated when it ends at a packet', async () => {
      const bytes = readFileSync(formatFixture('clip.wav'));
      const start = bytes.indexOf('data', 0, 'latin1') + 8;
      const path = scratch.file('cut.wav');
      await writeFile(path, bytes.subarray(0, start + 4 * 4096));
      const waveformPath = scratch.file('waveform');
      expect(await decodeAll(path, { waveformPath, decoder })).toMatchObject({ truncated: true });
    });

    it.each(['truncated.mp3', 'truncated.webm', 'truncated_moov_at_start.mp4', 'short.wav'])(
      'takes what %s still holds and says that it is truncated',
      async (file) => {
        const waveformPath = scratch.file('waveform');
        const { samples, truncated } = await decodeAll(formatFixture(file), {
          waveformPath,
          decoder,
        });
        expect(truncated).toBe(true);
        expect(samples.length).toBeGreaterThan(800);
        expect(samples.length).toBeLessThan(24_000);
        expect(bestCorrelation(samples, reference, 8).correlation).toBeGreaterThan(0.9);
      },
    );
  });
}
