import type { BenchContext, BenchOptions, FasterWhisperMode } from '#test/bench/lib/bench.ts';
import type { Contender } from '#test/bench/lib/contender.ts';
import { transcribeOverHttp } from '#test/bench/lib/http-client.ts';
import { withLock } from '#test/bench/lib/lock.ts';
import { withOtherLoad } from '#test/bench/lib/other-load.ts';
import { type Peer, startPeer } from '#test/bench/lib/peer.ts';
import { type RunningServer, startServer } from '#test/bench/lib/server.ts';

const PEER_SETTINGS = 'int8, beam 5';

export interface OwnedContext {
  readonly context: BenchContext;
  /** Stops everything that was started. */
  stop(): Promise<void>;
}

/** Starts the server and the peers when a bench first asks for them, and keeps them loaded. */
export function createContext(options: BenchOptions): OwnedContext {
  const shares: (number | null)[] = [];
  const stops: (() => Promise<void>)[] = [];
  const owned = <T extends { stop(): Promise<void> }>(start: () => Promise<T>) =>
    once(async () => {
      const started = await withLock(options.lock, 'shared', start);
      stops.push(() => started.stop());
      return started;
    });
  const server = owned(() => startServer(options));
  const fasterWhisper = owned(() => peer(options, 'faster_whisper_peer.py', options.peerPython));
  const whisperx = owned(() => peer(options, 'whisperx_peer.py', options.whisperxPython));
  const context: BenchContext = {
    options,
    server: () => {
      if (options.ours) return server();
      throw new Error('this bench measures the server only: leave out --no-ours');
    },
    ours: async () => (options.ours ? ourContender(await server(), options) : null),
    fasterWhisper: async (mode) =>
      options.peerPython ? fasterWhisperContender(await fasterWhisper(), mode, options) : null,
    whisperx: async () =>
      options.whisperxPython ? whisperxContender(await whisperx(), options) : null,
    alone: async (task) => {
      const measured = await withLock(options.lock, 'exclusive', () => withOtherLoad(task));
      shares.push(measured.otherShare);
      return measured.result;
    },
    otherLoad: () => otherLoadNote(shares.splice(0)),
    beside: (task) => withLock(options.lock, 'shared', task),
  };
  const stop = async () => {
    await Promise.all(stops.map((end) => end()));
  };
  return { context, stop };
}

function ourContender(server: RunningServer, { language, threads }: BenchOptions): Contender {
  return {
    name: 'mana-stt',
    settings: `over HTTP with word times, the server's defaults, ${threads} threads`,
    transcribe: (file) => transcribeOverHttp(server.baseUrl, file, { language }),
  };
}

function fasterWhisperContender(
  process: Peer,
  mode: FasterWhisperMode,
  { language, threads }: BenchOptions,
): Contender {
  const pipeline = {
    batched: 'BatchedInferencePipeline, batch 8, its voice activity detection, no word times',
    words: 'BatchedInferencePipeline, batch 8, its voice activity detection, word times',
    sequential:
      'WhisperModel.transcribe (timestamp tokens, previous text as context), no voice activity detection, no word times',
  }[mode];
  const name = `faster-whisper ${process.versions['faster-whisper']}`;
  return {
    name: mode === 'batched' ? name : `${name} (${mode})`,
    settings: `${pipeline}, ${PEER_SETTINGS}, ${threads} threads, ${versionList(process)}`,
    transcribe: (file) => process.run({ file, mode, language }),
  };
}

function whisperxContender(process: Peer, { language, threads }: BenchOptions): Contender {
  return {
    name: `whisperX ${process.versions['whisperx']}`,
    settings: `batch 8, pyannote voice activity detection, no alignment, ${PEER_SETTINGS}, ${threads} threads, ${versionList(process)}`,
    transcribe: (file) => process.run({ file, mode: 'batched', language }),
  };
}

function otherLoadNote(shares: readonly (number | null)[]): string {
  const known = shares.filter((share) => share !== null);
  if (known.length === 0) return 'How busy the rest of the machine was is not known.';
  const percent = (100 * Math.max(...known)).toFixed(0);
  return `Other work used at most ${percent}% of the cores' time during a timing.`;
}

function versionList(process: Peer): string {
  return Object.entries(process.versions)
    .map(([name, version]) => `${name} ${version}`)
    .join(', ');
}

function peer(options: BenchOptions, script: string, python: string | undefined): Promise<Peer> {
  if (python === undefined) throw new Error(`${script} was asked for without its Python`);
  if (options.peerModel === undefined) {
    throw new Error('a peer needs a model: give --peer-model DIR (see docs/benchmarks.md)');
  }
  return startPeer({ script, python, model: options.peerModel, threads: options.threads });
}

function once<T>(start: () => Promise<T>): () => Promise<T> {
  let started: Promise<T> | undefined;
  return () => {
    started ??= start();
    return started;
  };
}
