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
import { multiChannelWav } from '#test/support/multi-channel-wav.ts';

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
  const tones = Array.from({ length: channels }, (_, channel) => {
    const amplitude = Math.min(1, (channel + 1) / 4);
    const step = (2 * Math.PI * 220 * (channel + 1)) / 16_000;
    return Float32Array.from({ length: 16_000 }, (_, frame) => amplitude * Math.sin(step * frame));
  });
  const path = scratch.file(`tones-${channels}.wav`);
  writeFileSync(path, multiChannelWav(tones));
  return path;
}
