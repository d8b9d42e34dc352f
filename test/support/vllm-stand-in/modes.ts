/** What the stand-in for vLLM does instead of all going well. */

export interface Modes {
  /** `wait`: stops half way until it gets SIGUSR2. `silent`: writes nothing and never serves. `port`: finds it taken. */
  readonly start: 'ok' | 'wait' | 'silent' | 'crash' | 'out_of_memory';
  /** Used up one per request; afterwards all goes well. */
  readonly transcribe: readonly TranscribeMode[];
  /** Events of a stream: as of chat, or OpenAI's own. */
  readonly shape: 'chunks' | 'events';
  /** `leak`: sleeps, and the memory stays taken. */
  readonly sleep: 'ok' | 'leak' | 'fail';
  readonly wake: 'ok' | 'fail';
  /** GET /health never answers, although the process lives. */
  readonly isDeaf: boolean;
  /** A child, like vLLM's engine, that outlives a crash of its parent. */
  readonly hasEngine: boolean;
  /** SIGTERM is not heeded. */
  readonly isStubborn: boolean;
}

export type TranscribeMode =
  | 'ok'
  /** The process ends in the middle of the request. */
  | 'crash'
  /** Takes the request and never answers. */
  | 'hang'
  /** Sends the first words and then nothing more. */
  | 'stall'
  | 'blank'
  /** As an answer with status 200. */
  | 'error'
  /** Ends a stream without its end; JSON comes in half. */
  | 'cut'
  | 'length'
  | 'status_500'
  | 'status_429';

export const GOOD_MODES: Modes = {
  start: 'ok',
  transcribe: [],
  shape: 'chunks',
  sleep: 'ok',
  wake: 'ok',
  isDeaf: false,
  hasEngine: false,
  isStubborn: false,
};

/** The variable that holds `Partial<Modes>` as JSON. */
export const MODES_VARIABLE = 'VLLM_STAND_IN_MODES';
/** Path of a module that exports `hear`, a {@link Hear}. Default: `spoken-words.ts`. */
export const BRAIN_VARIABLE = 'VLLM_STAND_IN_BRAIN';

/** @param samples 16 kHz, mono, -1..1 */
export type Hear = (samples: Float32Array, language: string | null) => Promise<string> | string;
