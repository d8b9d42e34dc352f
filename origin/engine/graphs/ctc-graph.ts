/** One loaded aligner: waveforms to the log-probabilities of the signs asked for. */
import { join } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { CTC_GRAPH } from '#models/architectures/wav2vec2.ts';
import {
  frameSamplesOf,
  readWav2Vec2Config,
  receptiveFieldOf,
} from '#models/architectures/wav2vec2-config.ts';
import type { Emissions } from '../protocol.ts';
import { planRuns } from './plan-runs.ts';

/** 30 s at 16 kHz. */
export const MAX_ITEM_SAMPLES = 480_000;
/**
 * Most samples of one run, padding included. On CUDA attention takes 150 MB for each 30 s. On the CPU items run alone:
 * company makes them no faster there, and 8-bit builds would let it matter.
 */
const RUN_SAMPLES = { cpu: 0, cuda: 16 * MAX_ITEM_SAMPLES } as const;

export interface CtcGraphOptions {
  /** Of the built model. */
  readonly folder: string;
  readonly provider: 'cpu' | 'cuda';
  readonly session: InferenceSession.SessionOptions;
}

export interface CtcItem {
  /** 16 kHz, at most 30 s. */
  readonly waveform: Float32Array;
  /** Token ids below the size of the vocabulary. */
  readonly columns: readonly number[];
}

export interface CtcGraph {
  /** One for each item, in their order. What an item gives does not depend on the others. */
  emissions(items: readonly CtcItem[]): Promise<readonly Emissions[]>;
  release(): Promise<void>;
}

export async function openCtcGraph(options: CtcGraphOptions): Promise<CtcGraph> {
  const { folder, provider } = options;
  const config = readWav2Vec2Config(folder);
  const session = await InferenceSession.create(join(folder, `${CTC_GRAPH}.onnx`), options.session);
  const limits: Limits = {
    minSamples: receptiveFieldOf(config),
    frameSamples: frameSamplesOf(config),
    vocabularySize: config.vocabularySize,
  };
  return {
    async emissions(items) {
      for (const item of items) check(item, limits);
      const lengths = items.map(({ waveform }) => Math.max(waveform.length, limits.minSamples));
      const found = new Array<Emissions | undefined>(items.length);
      for (const run of planRuns(lengths, RUN_SAMPLES[provider])) {
        const outputs = await session.run(feedsOf(run, items, lengths));
        for (const [row, item] of run.entries()) {
          found[item] = emissionsOf(outputs, row, items[item]?.columns.length ?? 0, limits);
        }
      }
      return found.map((emissions) => {
        if (!emissions) throw new Error('the aligner gave fewer emissions than items');
        return emissions;
      });
    },
    release: () => session.release(),
  };
}

interface Limits {
  /** What one frame sees: a shorter waveform is followed by silence. */
  readonly minSamples: number;
  readonly frameSamples: number;
  readonly vocabularySize: number;
}

/** onnxruntime would read beside the table where an id is too large. */
function check({ waveform, columns }: CtcItem, { vocabularySize }: Limits): void {
  if (waveform.length > MAX_ITEM_SAMPLES) {
    throw new RangeError(`an item has ${waveform.length} samples, at most ${MAX_ITEM_SAMPLES} fit`);
  }
  const wrong = columns.find((id) => !Number.isInteger(id) || id < 0 || id >= vocabularySize);
  if (wrong !== undefined) {
    throw new RangeError(`column ${wrong} is not among the ${vocabularySize} tokens`);
  }
}

/** `run` holds indices of items; shorter ones are followed by zeros, fewer columns by column 0. */
function feedsOf(
  run: readonly number[],
  items: readonly CtcItem[],
  lengths: readonly number[],
): Record<string, Tensor> {
  const batch = run.map((item) => ({ ...items[item], length: lengths[item] ?? 0 }));
  const samples = Math.max(...batch.map(({ length }) => length));
  const columns = Math.max(...batch.map((item) => item.columns?.length ?? 0));
  const waveform = new Float32Array(batch.length * samples);
  const ids = new BigInt64Array(batch.length * columns);
  for (const [row, item] of batch.entries()) {
    waveform.set(item.waveform ?? [], row * samples);
    ids.set((item.columns ?? []).map(BigInt), row * columns);
  }
  const own = BigInt64Array.from(batch, ({ length }) => BigInt(length));
  return {
    waveform: new Tensor('float32', waveform, [batch.length, samples]),
    lengths: new Tensor('int64', own, [batch.length]),
    columns: new Tensor('int64', ids, [batch.length, columns]),
  };
}

/** Takes an item's own frames and columns out of the padded ones; the wildcard's stays last. */
function emissionsOf(
  outputs: InferenceSession.OnnxValueMapType,
  row: number,
  columns: number,
  { frameSamples }: Limits,
): Emissions {
  const { emissions, frames } = outputs as Record<string, Tensor>;
  if (!emissions || !frames) throw new Error('the aligner gave no emissions');
  const [, allFrames = 0, width = 0] = emissions.dims;
  const ownFrames = Number(frames.data[row]);
  const data = emissions.data as Float32Array;
  const logProbs = new Float32Array(ownFrames * (columns + 1));
  for (let frame = 0; frame < ownFrames; frame++) {
    const from = (row * allFrames + frame) * width;
    const to = frame * (columns + 1);
    logProbs.set(data.subarray(from, from + columns), to);
    logProbs[to + columns] = data[from + width - 1] ?? 0;
  }
  return { logProbs, frames: ownFrames, frameSamples };
}
