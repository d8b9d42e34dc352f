import { writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { countChannels } from '#origin/audio/count-channels.ts';
import { startDecoding } from '#origin/audio/decode-audio.ts';
import {
  failureOf,
  readSamples,
  rootMeanSquare,
  runnableDecoders,
  scriptedDecoder,
  useScratchFolder,
} from '#test/support/decoding.ts';

const decoders = await runnableDecoders();
const scratch = useScratchFolder();

describe.each(decoders)('channels by %s', (decoder) => {
  it.each([1, 2, 6])('counts %i', async (channels) => {
    const path = placeTones(channels);
    expect(await countChannels(path, { decoder, timeoutMs: 30_000 })).toBe(channels);
  });

  it('gives one channel alone, at its own level', async () => {
    const path = placeTones(2);
    const levels = await Promise.all([0, 1].map((channel) => levelOf(path, { decoder, channel })));
    expect(levels[0]).toBeCloseTo(0.25 * Math.SQRT1_2, 2);
    expect(levels[1]).toBeCloseTo(0.5 * Math.SQRT1_2, 2);
  });

  it('says of a file that is no audio what decoding would say', async () => {
    const path = scratch.file('text.wav');
    writeFileSync(path, 'RIFF but nothing of the kind follows, only words and words');
    const failure = await failureOf(countChannels(path, { decoder, timeoutMs: 30_000 }));
    expect(['not_audio', 'undecodable']).toContain(failure.reason);
  });
});

it('does not believe a number in the metadata', async () => {
  const command = scriptedDecoder("fs.writeSync(2, '    title : channels:9\\n'); process.exit(1)");
  const options = { command, timeoutMs: 30_000 };
  const failure = await failureOf(countChannels(placeTones(1), options));
  expect(failure.reason).toBe('undecodable');
});

async function levelOf(path: string, options: { decoder: 'ffmpeg' | 'node-av'; channel: number }) {
  const waveformPath = scratch.file(`waveform-${options.channel}`);
  const limits = { maxSeconds: 60, timeoutMs: 30_000 };
  const waveform = startDecoding({ path }, { waveformPath, ...limits, ...options });
  await waveform.available(Number.POSITIVE_INFINITY);
  const level = rootMeanSquare(await readSamples(waveformPath));
  await waveform.dispose();
  return level;
}

/** A WAV of 1 s with a tone of its own in each channel; channel `c` has the amplitude (c + 1) / 4 up to 1. */
function placeTones(channels: number): string {
  const frames = 16_000;
  const bytes = Buffer.alloc(44 + frames * channels * 2);
  bytes.write('RIFF', 0);
  bytes.writeUInt32LE(bytes.length - 8, 4);
  bytes.write('WAVEfmt ', 8);
  bytes.writeUInt32LE(16, 16);
  bytes.writeUInt16LE(1, 20);
  bytes.writeUInt16LE(channels, 22);
  bytes.writeUInt32LE(16_000, 24);
  bytes.writeUInt32LE(16_000 * channels * 2, 28);
  bytes.writeUInt16LE(channels * 2, 32);
  bytes.writeUInt16LE(16, 34);
  bytes.write('data', 36);
  bytes.writeUInt32LE(frames * channels * 2, 40);
  for (let frame = 0; frame < frames; frame++) {
    for (let channel = 0; channel < channels; channel++) {
      const amplitude = Math.min(1, (channel + 1) / 4);
      const tone = amplitude * Math.sin((2 * Math.PI * 220 * (channel + 1) * frame) / 16_000);
      bytes.writeInt16LE(Math.round(tone * 32_767), 44 + (frame * channels + channel) * 2);
    }
  }
  const path = scratch.file(`tones-${channels}.wav`);
  writeFileSync(path, bytes);
  return path;
}
