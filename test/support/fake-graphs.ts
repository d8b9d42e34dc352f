/**
 * Stands in for the engine's graphs inside a real engine process, to bring about what real ones do rarely. The
 * model's name says what a call does.
 */
import type { EngineImplementation } from '#origin/engine/messages.ts';
import type { DecodedChunk, Emissions } from '#origin/engine/protocol.ts';

export interface FakeGraphsSettings {
  readonly device: string;
  /** Message with which making the engine fails. */
  readonly refuseWith?: string;
}

/** The same contract as the real graphs' function of this name. */
export function createEngineCalls(settings: FakeGraphsSettings): EngineImplementation {
  if (settings.refuseWith !== undefined) throw new Error(settings.refuseWith);
  return {
    load: async ({ model }) => {
      act(model);
      return { model, device: settings.device, loadSeconds: 0.25, note: null };
    },
    segment: async ({ windows }) => ({
      activations: Float32Array.from(windows, (window) => window.startSample),
      frames: 1,
      speakers: 1,
    }),
    encode: async () => undefined,
    detectLanguage: async () => ({ languages: ['en'], probabilities: Float32Array.of(1) }),
    decode: async ({ items, search }) => {
      if (search.seed === THROW_SEED) throw new Error('bad chunk');
      return items.map(({ span }) => chunkOf([span.startSample, process.pid]));
    },
    embedSpeakers: async ({ samples }) => ({
      embeddings: Float32Array.from(samples, (spans) => spans[0]?.startSample ?? 0),
      dimensions: 1,
    }),
    emissions: async ({ items }) => items.map(({ span }) => emissionsOf(span.startSample)),
    unload: () => undefined,
  };
}

/** A decode call with this seed throws, and the process lives on. */
export const THROW_SEED = 666;

/** One frame of one column. */
export function emissionsOf(logProb: number): Emissions {
  return { logProbs: Float32Array.of(logProb, 0), frames: 1, frameSamples: 320 };
}

/** What a decoder would answer with these tokens. */
export function chunkOf(tokenIds: readonly number[]): DecodedChunk {
  return {
    tokenIds: Int32Array.from(tokenIds),
    tokenLogProbs: new Float32Array(tokenIds.length),
    avgLogProb: -0.1,
    noSpeechProb: 0,
    alignment: null,
  };
}

function act(model: string): void {
  switch (model) {
    case 'exit':
      console.error('about to end');
      process.exit(7);
      break;
    case 'abort':
      process.abort();
      break;
    case 'killed':
      process.kill(process.pid, 'SIGKILL');
      break;
    case 'device-full':
      throw new Error('Failed to allocate memory for requested buffer of size 1048576');
    case 'hang':
      for (;;);
    case 'chatty':
      for (let line = 0; line < 500; line += 1) console.error('x'.repeat(5000));
      break;
    case 'unknown':
      throw new Error('no such model');
  }
}
