/** That uploads can be decoded, shown on a second of sound made here. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DecodeOptions, startDecoding } from '#origin/audio/decode-audio.ts';
import { findFfmpeg } from '#origin/audio/ffmpeg.ts';
import { SAMPLE_RATE } from '#origin/audio/waveform.ts';
import { type Finding, fault, ok } from '#origin/cli/checks/finding.ts';

/** @param decoding instead of the machine's own choice; for tests */
export async function checkAudioDecoder(
  decoding: Pick<DecodeOptions, 'decoder' | 'command'> = {},
): Promise<Finding> {
  const version = decoding.decoder === 'node-av' ? null : await findFfmpeg();
  const name =
    version === null ? 'node-av (no ffmpeg in PATH; npm brought this one)' : `ffmpeg ${version}`;
  const problem = await tryToDecode(decoding);
  if (problem === null) return ok('decoder', `${name} decodes`);
  const action =
    version === null
      ? 'Run npm ci again, or install ffmpeg.'
      : 'Reinstall ffmpeg, or take it out of PATH so that the built-in decoder is used.';
  return fault('decoder', `${name} failed: ${problem}`, action);
}

const DECODE_TIMEOUT_MS = 20_000;

async function tryToDecode(
  decoding: Pick<DecodeOptions, 'decoder' | 'command'>,
): Promise<string | null> {
  const folder = await mkdtemp(join(tmpdir(), 'mana-stt-doctor-'));
  try {
    const path = join(folder, 'tone.wav');
    await writeFile(path, toneWav());
    const waveform = startDecoding(
      { path },
      {
        ...decoding,
        waveformPath: join(folder, 'tone.f32'),
        maxSeconds: 10,
        timeoutMs: DECODE_TIMEOUT_MS,
      },
    );
    try {
      const { sampleCount } = await waveform.available(Number.POSITIVE_INFINITY);
      // A resampler may give or take a few samples at the ends.
      const isWhole = Math.abs(sampleCount - SAMPLE_RATE) < SAMPLE_RATE / 100;
      return isWhole ? null : `${sampleCount} samples instead of ${SAMPLE_RATE}`;
    } finally {
      await waveform.dispose();
    }
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const TONE_RATE = 48_000;
const TONE_HZ = 440;
const HEADER_BYTES = 44;

/** A second of 440 Hz, 48 kHz, 16 bit, mono: another rate than ours, so that the resampler is used too. */
function toneWav(): Uint8Array {
  const dataBytes = 2 * TONE_RATE;
  const wav = Buffer.alloc(HEADER_BYTES + dataBytes);
  wav.write('RIFF', 0);
  wav.writeUInt32LE(HEADER_BYTES - 8 + dataBytes, 4);
  wav.write('WAVEfmt ', 8);
  wav.writeUInt32LE(16, 16);
  wav.writeUInt16LE(1, 20);
  wav.writeUInt16LE(1, 22);
  wav.writeUInt32LE(TONE_RATE, 24);
  wav.writeUInt32LE(2 * TONE_RATE, 28);
  wav.writeUInt16LE(2, 32);
  wav.writeUInt16LE(16, 34);
  wav.write('data', 36);
  wav.writeUInt32LE(dataBytes, 40);
  for (let i = 0; i < TONE_RATE; i++) {
    const value = Math.sin((2 * Math.PI * TONE_HZ * i) / TONE_RATE);
    wav.writeInt16LE(Math.round(value * 8000), HEADER_BYTES + 2 * i);
  }
  return wav;
}
