/** Runs one decoder process within limits: its output goes to `write`, at the speed of the disk. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import type { DecoderCommand } from '#origin/audio/decoder-command.ts';
import { BYTES_PER_SAMPLE, SAMPLE_RATE, type WaveformWriter } from '#origin/audio/waveform.ts';

/** Why we ended the process before its time. */
export type StopCause = 'timeout' | 'too_long' | 'cancelled';

export interface DecoderLimits {
  /** Longest audio, in seconds. */
  readonly maxSeconds: number;
  /** Longest run of the process. */
  readonly timeoutMs: number;
  /** Aborted when nobody wants the audio any more. */
  readonly cancelled: AbortSignal;
}

/** How the process ended; `judgeOutcome` says what it means. */
export interface DecoderOutcome {
  readonly byteCount: number;
  /** Null when the process was killed or could not be started. */
  readonly exitCode: number | null;
  readonly stopCause: StopCause | null;
  /** The program could not be started at all. */
  readonly missing: boolean;
  /** What the decoder said, shortened; for logs only, it holds paths. */
  readonly stderr: string;
}

/**
 * Runs `command` with `args` until it ends or a limit is reached; the process is gone when this
 * resolves. Rejects with what `write` threw, or when no process can be
 * started.
 */
export async function runDecoder(
  command: Pick<DecoderCommand, 'file'>,
  args: readonly string[],
  options: { readonly limits: DecoderLimits; readonly write: WaveformWriter },
): Promise<DecoderOutcome> {
  const { limits, write } = options;
  if (limits.cancelled.aborted) return { ...NOTHING, stopCause: 'cancelled' };
  const child = spawn(command.file, [...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    windowsHide: true,
  });
  const ending = watchEnding(child);
  if (child.pid === undefined) return notStarted((await ending).spawnError);
  const stderr = collectStderr(child.stderr);
  const stopper = createStopper(child, limits);
  try {
    const byteCount = await pump(child.stdout, write, {
      maxBytes: Math.ceil(limits.maxSeconds * SAMPLE_RATE) * BYTES_PER_SAMPLE,
      onTooLong: () => stopper.stop('too_long'),
    });
    const { exitCode } = await ending;
    return { byteCount, exitCode, missing: false, stopCause: stopper.cause(), stderr: stderr() };
  } finally {
    stopper.release();
    child.kill('SIGKILL');
    await ending;
  }
}

const NOTHING: DecoderOutcome = {
  byteCount: 0,
  exitCode: null,
  stopCause: null,
  missing: false,
  stderr: '',
};

/** Enough for the lines that matter: the first ones name the cause, the last ones the end. */
const STDERR_HEAD = 8192;
const STDERR_TAIL = 4096;

type DecoderProcess = ChildProcessByStdio<null, Readable, Readable>;

interface Ending {
  readonly exitCode: number | null;
  /** Set when there never was a process. */
  readonly spawnError: NodeJS.ErrnoException | null;
}

function watchEnding(child: DecoderProcess): Promise<Ending> {
  return new Promise((resolve) => {
    child.once('error', (error) => {
      if (child.pid === undefined) resolve({ exitCode: null, spawnError: error });
    });
    child.once('close', (exitCode) => resolve({ exitCode, spawnError: null }));
  });
}

/** No such program is an outcome; no memory or process left is the server's trouble and throws. */
function notStarted(error: NodeJS.ErrnoException | null): DecoderOutcome {
  if (error?.code === 'ENOENT' || error?.code === 'EACCES') return { ...NOTHING, missing: true };
  throw error ?? new Error('the decoder process did not start');
}

function createStopper(child: DecoderProcess, limits: DecoderLimits) {
  let cause: StopCause | null = null;
  const stop = (why: StopCause): void => {
    cause ??= why;
    child.kill('SIGKILL');
  };
  const onCancelled = (): void => stop('cancelled');
  const timer = setTimeout(() => stop('timeout'), limits.timeoutMs);
  limits.cancelled.addEventListener('abort', onCancelled, { once: true });
  return {
    stop,
    cause: () => cause,
    release(): void {
      clearTimeout(timer);
      limits.cancelled.removeEventListener('abort', onCancelled);
    },
  };
}

/** Reads on only when the last bytes are written, so a slow disk slows the decoder instead of filling memory. */
async function pump(
  stdout: Readable,
  write: WaveformWriter,
  limit: { readonly maxBytes: number; readonly onTooLong: () => void },
): Promise<number> {
  let byteCount = 0;
  for await (const chunk of stdout) {
    const bytes: Buffer = chunk;
    if (byteCount + bytes.byteLength > limit.maxBytes) {
      limit.onTooLong();
      break;
    }
    await write(bytes);
    byteCount += bytes.byteLength;
  }
  return byteCount;
}

function collectStderr(stream: Readable): () => string {
  let head = '';
  let tail = '';
  stream.setEncoding('utf8');
  stream.on('data', (text: string) => {
    const space = STDERR_HEAD - head.length;
    head += text.slice(0, space);
    tail = (tail + text.slice(space)).slice(-STDERR_TAIL);
  });
  return () => head + tail;
}
