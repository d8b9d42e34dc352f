/** What the tests of the decoders share: fixtures, a scratch folder, both decoders, and how alike two waveforms are. */
import { readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach } from 'vitest';
import { type DecodeOptions, startDecoding } from '#origin/audio/decode-audio.ts';
import { DecodeFailure } from '#origin/audio/decode-failure.ts';
import type { DecoderCommand } from '#origin/audio/decoder-command.ts';
import { findFfmpeg } from '#origin/audio/ffmpeg.ts';

const FORMATS = fileURLToPath(new URL('../fixtures/formats/', import.meta.url));

/** Path of a file in test/fixtures/formats. */
export function formatFixture(name: string): string {
  return join(FORMATS, name);
}

/** The decoders that run here; a missing ffmpeg is said once per test file. */
export async function runnableDecoders(): Promise<readonly ('ffmpeg' | 'node-av')[]> {
  if ((await findFfmpeg()) !== null) return ['ffmpeg', 'node-av'];
  console.warn('ffmpeg is not on PATH: its half of these tests is skipped, node-av is tested');
  return ['node-av'];
}

/** The 2 s that every format fixture was made from, read without any decoder: 16-bit PCM at the end of clip.wav. */
export function referenceClip(): Float32Array {
  const bytes = readFileSync(formatFixture('clip.wav'));
  const start = bytes.indexOf('data', 0, 'latin1') + 8;
  const samples = new Float32Array((bytes.length - start) / 2);
  for (let i = 0; i < samples.length; i++) samples[i] = bytes.readInt16LE(start + 2 * i) / 32768;
  return samples;
}

/** A fresh folder for each test of a file; gone afterwards. */
export function useScratchFolder(): { file(name: string): string } {
  let folder = '';
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mana-stt-audio-'));
  });
  afterEach(async () => {
    await rm(folder, { recursive: true, force: true });
  });
  return { file: (name) => join(folder, name) };
}

/** Decodes a whole file and gives its samples. */
export async function decodeAll(
  path: string,
  options: Pick<DecodeOptions, 'waveformPath' | 'decoder' | 'command'>,
): Promise<{ readonly samples: Float32Array; readonly truncated: boolean }> {
  const limits = { maxSeconds: 3600, timeoutMs: 30_000 };
  const waveform = startDecoding({ path }, { ...limits, ...options });
  try {
    await waveform.available(Number.POSITIVE_INFINITY);
    return { samples: await readSamples(waveform.path), truncated: waveform.truncated };
  } finally {
    await waveform.dispose();
  }
}

export async function readSamples(path: string): Promise<Float32Array> {
  const bytes = await readFile(path);
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
}

/** The failure that `promise` rejects with; fails the test if it does not, or not with a DecodeFailure. */
export async function failureOf(promise: Promise<unknown>): Promise<DecodeFailure> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof DecodeFailure) return error;
    throw error;
  }
  throw new Error('expected a DecodeFailure, but decoding succeeded');
}

/** A decoder written in JavaScript: `script` sees `inputPath`. */
export function scriptedDecoder(script: string): DecoderCommand {
  const prelude =
    "const fs = require('node:fs'); const inputPath = process.argv[1]; const hang = () => setInterval(() => {}, 1e6);";
  return {
    name: 'scripted',
    file: process.execPath,
    args: (inputPath) => ['-e', prelude + script, inputPath],
    probeArgs: (inputPath) => ['-e', prelude + script, inputPath],
  };
}

/** Normalised correlation of `a` with `b` moved by up to `maxLag` samples; the best of all. */
export function bestCorrelation(
  a: Float32Array,
  b: Float32Array,
  maxLag: number,
): { readonly correlation: number; readonly lag: number } {
  let best = { correlation: -1, lag: 0 };
  for (let lag = -maxLag; lag <= maxLag; lag++) {
    const correlation = correlationAt(a, b, lag);
    if (correlation > best.correlation) best = { correlation, lag };
  }
  return best;
}

/** Correlation of a[i] with b[i + lag], every second sample. */
function correlationAt(a: Float32Array, b: Float32Array, lag: number): number {
  let [ab, aa, bb] = [0, 0, 0];
  const end = Math.min(a.length, b.length - lag);
  for (let i = Math.max(0, -lag); i < end; i += 2) {
    const [x, y] = [a[i]!, b[i + lag]!];
    ab += x * y;
    aa += x * x;
    bb += y * y;
  }
  return ab / Math.sqrt(aa * bb + 1e-12);
}

export function rootMeanSquare(samples: Float32Array): number {
  return Math.sqrt(samples.reduce((sum, x) => sum + x * x, 0) / samples.length);
}
