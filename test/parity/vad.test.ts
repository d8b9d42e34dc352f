import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { InferenceSession } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import type { SampleRange, SpeechChunk } from '#origin/vad/cut-and-merge.ts';
import { detectSpeech, type Segment } from '#origin/vad/detect-speech.ts';
import { readWav } from '#test/support/read-wav.ts';
import { loadSegmentation, segmentWindows } from '#test/support/segmentation.ts';
import { useTempDirs } from '#test/support/temp-dir.ts';
import { wholeSource } from '#test/support/waveform-source.ts';

const SHARED = join(import.meta.dirname, '../../../shared');
const MODEL = join(SHARED, 'models/pyannote-segmentation');
const AUDIO = join(SHARED, 'audio');
const isPresent = existsSync(MODEL) && existsSync(AUDIO);
if (!isPresent) console.warn('Skipped: ../shared with the segmentation model is absent.');

const AMI_CLIPS = ['dev00', 'dev01', 'trn01', 'trn02', 'trn03', 'trn04', 'trn05'];

function segmentOf(session: InferenceSession, waveform: Float32Array): Segment {
  return async (windows) => {
    const starts = windows.map(({ startSample }) => startSample);
    const activations = await segmentWindows(session, waveform, starts);
    return { activations, frames: 293, speakers: 3 };
  };
}

async function chunksOf(session: InferenceSession, waveform: Float32Array): Promise<SpeechChunk[]> {
  const chunks: SpeechChunk[] = [];
  const source = wholeSource(waveform.length);
  for await (const chunk of detectSpeech(source, segmentOf(session, waveform))) chunks.push(chunk);
  return chunks;
}

/** Turns of all speakers of one recording: `SPEAKER id channel start duration …`, in seconds. */
function readRttm(name: string, id: string): SampleRange[] {
  return readFileSync(join(AUDIO, name), 'utf8')
    .trim()
    .split('\n')
    .map((line) => line.split(' '))
    .filter((fields) => fields[1] === id)
    .map(([, , , start, duration]) => ({
      startSample: Math.round(Number(start) * 16_000),
      endSample: Math.round((Number(start) + Number(duration)) * 16_000),
    }));
}

function maskOf(ranges: readonly SampleRange[], length: number): Uint8Array {
  const mask = new Uint8Array(length);
  for (const { startSample, endSample } of ranges) mask.fill(1, startSample, endSample);
  return mask;
}

interface Errors {
  speech: number;
  missed: number;
  falseAlarm: number;
}

function countErrors(truth: Uint8Array, found: Uint8Array): Errors {
  const errors = { speech: 0, missed: 0, falseAlarm: 0 };
  truth.forEach((isSpeech, i) => {
    errors.speech += isSpeech;
    if (isSpeech && !found[i]) errors.missed += 1;
    if (!isSpeech && found[i]) errors.falseAlarm += 1;
  });
  return errors;
}

describe.skipIf(!isPresent)('detectSpeech with the real model', () => {
  const tempDir = useTempDirs();

  it('misses ≤ 0.5 % and invents ≤ 2 % of the speech of a telephone call', async () => {
    const session = await loadSegmentation(MODEL, tempDir());
    const waveform = readWav(join(AUDIO, 'two_speakers.wav'));
    const chunks = await chunksOf(session, waveform);
    const truth = maskOf(readRttm('two_speakers.rttm', 'sample'), waveform.length);
    const regions = chunks.flatMap((chunk) => chunk.regions);
    const { speech, missed, falseAlarm } = countErrors(truth, maskOf(regions, waveform.length));
    expect(missed / speech).toBeLessThanOrEqual(0.005);
    expect(falseAlarm / speech).toBeLessThanOrEqual(0.02);
    expect(countErrors(truth, maskOf(chunks, waveform.length)).missed).toBe(0);
  });

  it('misses ≤ 7 % and invents ≤ 3 % of the speech of seven stretches of meetings', async () => {
    const session = await loadSegmentation(MODEL, tempDir());
    const total = { speech: 0, missed: 0, falseAlarm: 0 };
    for (const clip of AMI_CLIPS) {
      const waveform = readWav(join(AUDIO, `ami_${clip}.wav`));
      const regions = (await chunksOf(session, waveform)).flatMap((chunk) => chunk.regions);
      const truth = maskOf(readRttm('ami.rttm', clip), waveform.length);
      const errors = countErrors(truth, maskOf(regions, waveform.length));
      total.speech += errors.speech;
      total.missed += errors.missed;
      total.falseAlarm += errors.falseAlarm;
    }
    expect(total.missed / total.speech).toBeLessThanOrEqual(0.07);
    expect(total.falseAlarm / total.speech).toBeLessThanOrEqual(0.03);
  });

  it('finds no speech in 60 s of digital silence, white noise or a hum', async () => {
    const session = await loadSegmentation(MODEL, tempDir());
    let seed = 1;
    const noise = () => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fffffff;
      return seed / 0x7fffffff - 0.5;
    };
    const kinds = [() => 0, () => 0.1 * noise(), (i: number) => 0.2 * Math.sin(i * 0.0196)];
    for (const kind of kinds) {
      const waveform = Float32Array.from({ length: 960_000 }, (_, i) => kind(i));
      expect(await chunksOf(session, waveform)).toEqual([]);
    }
  });
});
