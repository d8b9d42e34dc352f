import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readWhisperConfig } from '#models/architectures/whisper-config.ts';
import { openSafetensors } from '#models/safetensors.ts';
import {
  type AudioFeatures,
  CHUNK_SAMPLES,
  type WhisperGraphs,
} from '#origin/engine/graphs/whisper-graphs.ts';
import {
  isReferencePresent,
  loadWhisperBase,
  promptOf,
  REFERENCE_TENSORS,
  readReferenceClip,
  readWhisperReference,
  referenceSearch,
  START_OF_TRANSCRIPT,
  WHISPER_BASE,
} from '#test/support/whisper-reference.ts';

if (!isReferencePresent) console.warn('Skipped: ../shared with Whisper base is absent.');

const CLIPS = ['jfk.flac', 'en_quilter.wav', 'de.wav', 'es.wav', 'fr.wav'] as const;
/** Those whose log-mel and features the reference holds. */
const CLIPS_WITH_TENSORS = ['jfk.flac', 'de.wav'] as const;

describe.skipIf(!isReferencePresent)('buildModel, against the reference programs', () => {
  const dir = mkdtempSync(join(tmpdir(), 'mana-stt-'));
  const reference = isReferencePresent ? readWhisperReference() : {};
  const waveforms = new Map<string, Float32Array>();
  const features = new Map<string, AudioFeatures>();
  let graphs: WhisperGraphs;

  beforeAll(async () => {
    graphs = await loadWhisperBase(join(dir, 'cpu-f32'), 'cpu-f32');
    for (const clip of CLIPS) {
      const waveform = await readReferenceClip(clip);
      const [encoded] = await graphs.encode([waveform]);
      if (encoded === undefined) throw new Error('nothing was encoded');
      waveforms.set(clip, waveform);
      features.set(clip, encoded);
    }
  });
  afterAll(async () => {
    await graphs?.release();
    rmSync(dir, { recursive: true, force: true });
  });

  const clipOf = (name: string) => existing(reference[name]);
  const featuresOf = (name: string) => existing(features.get(name));
  const decode = async (from: WhisperGraphs, clip: string, beamWidth: number) => {
    const [chunk] = await from.decode({
      features: [featuresOf(clip)],
      prompts: [promptOf(clipOf(clip).language)],
      sotIndex: 0,
      search: referenceSearch({ beamWidth }),
    });
    return existing(chunk);
  };

  it.each(CLIPS)('reads as many samples of %s as the reference', (clip) => {
    expect(waveforms.get(clip)).toHaveLength(clipOf(clip).samples_16k);
  });

  it.each(CLIPS_WITH_TENSORS)('gives the log-mel of %s within 1e-4', async (clip) => {
    const logMel = await runLogMel(join(dir, 'cpu-f32'), existing(waveforms.get(clip)));
    expect(largestDifference(logMel, readReferenceTensor(`${clip}.log_mel`))).toBeLessThan(1e-4);
  });

  it.each(CLIPS_WITH_TENSORS)('gives the audio features of %s within 2e-3', (clip) => {
    const expected = readReferenceTensor(`${clip}.audio_features_first100`);
    const found = featuresOf(clip).data.subarray(0, expected.length);
    expect(largestDifference(found, expected)).toBeLessThan(2e-3);
  });

  it.each(CLIPS)('gives the language probabilities of %s within 1e-3', async (clip) => {
    const row = await graphs.languageProbabilities([featuresOf(clip)], START_OF_TRANSCRIPT);
    const { languages } = readWhisperConfig(WHISPER_BASE);
    expect(row).toHaveLength(languages.length);
    for (const [code, probability] of clipOf(clip).language_probs) {
      const found = row[languages.findIndex((language) => language.code === code)];
      expect(Math.abs(existing(found) - probability)).toBeLessThan(1e-3);
    }
    expect(row.reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 5);
  });

  it.each(CLIPS)('gives the greedy tokens of %s', async (clip) => {
    const { tokenIds } = await decode(graphs, clip, 1);
    expect([...tokenIds]).toEqual(clipOf(clip).beam1.tokens);
  });

  it.each(CLIPS)('gives the beam-5 tokens of %s', async (clip) => {
    const { tokenIds } = await decode(graphs, clip, 5);
    expect([...tokenIds]).toEqual(clipOf(clip).beam5.tokens);
  });

  it.each(CLIPS)('gives the mean token log-probability of %s within 1e-4', async (clip) => {
    const [chunk] = await graphs.decode({
      features: [featuresOf(clip)],
      prompts: [promptOf(clipOf(clip).language)],
      sotIndex: 0,
      search: referenceSearch({ beamWidth: 1, suppressTokens: [], suppressAtBegin: [] }),
    });
    const { tokenIds, tokenLogProbs } = existing(chunk);
    // Unsuppressed greedy search finds the same text, so the reference's mean is over the same tokens.
    expect([...tokenIds]).toEqual(clipOf(clip).beam1.tokens);
    const mean = tokenLogProbs.reduce((sum, x) => sum + x, 0) / tokenLogProbs.length;
    expect(Math.abs(mean - clipOf(clip).beam1.mean_logprob_unsuppressed)).toBeLessThan(1e-4);
  });

  it('gives the beam-5 tokens of float32 with float16 weights and maths, on the CPU provider', async () => {
    const half = await loadWhisperBase(join(dir, 'cuda-f16'), 'cuda-f16');
    try {
      const encoded = await half.encode(CLIPS.map((clip) => existing(waveforms.get(clip))));
      const found = await half.decode({
        features: encoded,
        prompts: CLIPS.map((clip) => promptOf(clipOf(clip).language)),
        sotIndex: 0,
        search: referenceSearch(),
      });
      expect(found.map(({ tokenIds }) => [...tokenIds])).toEqual(
        CLIPS.map((clip) => clipOf(clip).beam5.tokens),
      );
    } finally {
      await half.release();
    }
  });
});

/** Row-major (80, 3000). */
async function runLogMel(modelDir: string, waveform: Float32Array): Promise<Float32Array> {
  const session = await InferenceSession.create(join(modelDir, 'encoder.onnx'));
  try {
    const samples = new Float32Array(CHUNK_SAMPLES);
    samples.set(waveform);
    const input = new Tensor('float32', samples, [1, CHUNK_SAMPLES]);
    const { log_mel } = await session.run({ waveform: input }, ['log_mel']);
    if (!(log_mel?.data instanceof Float32Array)) throw new Error('no log-mel');
    return log_mel.data;
  } finally {
    await session.release();
  }
}

function readReferenceTensor(name: string): Float32Array {
  const store = openSafetensors(REFERENCE_TENSORS);
  try {
    return store.readFloat32(name);
  } finally {
    store.close();
  }
}

function largestDifference(a: Float32Array, b: Float32Array): number {
  expect(a).toHaveLength(b.length);
  return a.reduce((largest, x, i) => Math.max(largest, Math.abs(x - existing(b[i]))), 0);
}

function existing<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('nothing here');
  return value;
}
