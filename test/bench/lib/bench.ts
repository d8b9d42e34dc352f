import type { Contender } from '#test/bench/lib/contender.ts';
import type { Report } from '#test/bench/lib/report.ts';
import type { RunningServer } from '#test/bench/lib/server.ts';

export interface BenchOptions {
  /** Python with faster-whisper; absent: not compared. */
  readonly peerPython?: string | undefined;
  /** Python with whisperX; absent: not compared. */
  readonly whisperxPython?: string | undefined;
  /** CTranslate2 directory of the peers' model. */
  readonly peerModel?: string | undefined;
  /** False: only the peers run. */
  readonly ours: boolean;
  readonly entry: string;
  readonly threads: number;
  readonly runs: number;
  /** Hours of the long recording in `memory`. */
  readonly hours: number;
  /** Given to every contender; absent: each detects it. */
  readonly language?: string | undefined;
  /** File that gets every transcript of `wer` and `word-times`, a JSON line each. */
  readonly texts?: string | undefined;
  readonly lock?: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** How faster-whisper is asked: see test/bench/peers/faster_whisper_peer.py. */
export type FasterWhisperMode = 'batched' | 'words' | 'sequential';

/** What a bench may use. Whatever it starts is stopped when it ends. */
export interface BenchContext {
  readonly options: BenchOptions;
  /** The server under test, started at the first call. @throws with --no-ours. */
  server(): Promise<RunningServer>;
  /** Our server as a contender, or null with --no-ours. */
  ours(): Promise<Contender | null>;
  /** Null where --peer-python is absent. The process is shared by all modes. */
  fasterWhisper(mode: FasterWhisperMode): Promise<Contender | null>;
  whisperx(): Promise<Contender | null>;
  /** Runs a timing alone on the machine, as far as --lock reaches; what others used is told by `otherLoad`. */
  alone<T>(task: () => Promise<T>): Promise<T>;
  /** A sentence on the other work of the machine during the timings since the last call. */
  otherLoad(): string;
  /** Runs heavy work that is not timed, beside others. */
  beside<T>(task: () => Promise<T>): Promise<T>;
}

export interface Bench {
  readonly name: string;
  readonly summary: string;
  run(context: BenchContext): Promise<Report>;
}

/** The contenders that are there. @throws where there is none. */
export function present(contenders: readonly (Contender | null)[]): Contender[] {
  const found = contenders.filter((contender) => contender !== null);
  if (found.length > 0) return found;
  throw new Error('nothing to measure: give --peer-python, or leave out --no-ours');
}
