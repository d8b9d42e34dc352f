/** One process of vLLM with its children, from birth to end. Made anew for every start. */
import { type ChildProcess, spawn } from 'node:child_process';
import type { EngineLog } from '#origin/engine/child-output.ts';
import type { Clock } from '#origin/engine/clock.ts';
import { LogLines } from '#origin/voxtral/log-lines.ts';
import { endRun } from '#origin/voxtral/run-file.ts';
import { type RunPlace, signalRun } from '#origin/voxtral/run-processes.ts';
import type { VllmCommand } from '#origin/voxtral/vllm-command.ts';

export interface VllmExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Why we ended it; null when it ended by itself. */
  readonly cause: string | null;
  /** The last lines that it wrote. */
  readonly lastLines: string;
}

export interface VllmProcessOptions {
  readonly command: VllmCommand;
  readonly runId: string;
  readonly place: RunPlace;
  readonly log: EngineLog;
  readonly clock: Clock;
  readonly onLine: (line: string) => void;
}

export class VllmProcess {
  readonly startedAt: number;
  /** Fulfils once process and children are gone. */
  readonly gone: Promise<VllmExit>;
  readonly #options: VllmProcessOptions;
  readonly #child: ChildProcess;
  readonly #lines: LogLines;
  #cause: string | null = null;
  #lastSignOfLife: number;

  constructor(options: VllmProcessOptions) {
    const { command, clock } = options;
    this.#options = options;
    this.startedAt = clock.now();
    this.#lastSignOfLife = this.startedAt;
    this.#lines = new LogLines(options.log, clock, (line) => {
      this.#lastSignOfLife = clock.now();
      options.onLine(line);
    });
    this.#child = spawn(command.program, [...command.args], {
      env: command.env,
      // A group of its own: a Ctrl-C at the terminal is for the service, which ends vLLM in its own time.
      detached: process.platform !== 'win32',
      stdio: ['ignore', 'pipe', 'pipe'],
      windowsHide: true,
    });
    if (this.#child.stdout !== null) this.#lines.follow(this.#child.stdout);
    if (this.#child.stderr !== null) this.#lines.follow(this.#child.stderr);
    this.gone = this.#untilGone();
  }

  get pid(): number | null {
    return this.#child.pid ?? null;
  }

  /** When it began or last wrote a line, by the clock. */
  get lastSignOfLife(): number {
    return this.#lastSignOfLife;
  }

  /** Ends it; a second call may shorten the grace, e.g. to 0. */
  async end(cause: string, graceMs: number): Promise<void> {
    this.#cause ??= cause;
    const { runId, place, clock } = this.#options;
    if (graceMs > 0) {
      if (place.wsl === null) this.#signalGroup('SIGTERM');
      else await signalRun(runId, 'TERM', place);
      const over = Promise.withResolvers<void>();
      const takeBack = clock.after(graceMs, over.resolve);
      await Promise.race([this.gone, over.promise]);
      takeBack();
    }
    // Nothing happens where all are gone already.
    this.#signalGroup('SIGKILL');
    await signalRun(runId, 'KILL', place);
    this.#child.kill('SIGKILL');
    await this.gone;
  }

  async #untilGone(): Promise<VllmExit> {
    const ended = Promise.withResolvers<Pick<VllmExit, 'code' | 'signal'> & { words: string }>();
    this.#child.once('error', ({ message }) => {
      if (this.#child.pid === undefined)
        ended.resolve({ code: null, signal: null, words: message });
    });
    // Not 'close': children that live on hold the pipes open.
    this.#child.once('exit', (code, signal) => ended.resolve({ code, signal, words: '' }));
    const { code, signal, words } = await ended.promise;
    const { runId, place } = this.#options;
    // An engine without its server would keep the memory of the card.
    await endRun(runId, place, { graceMs: 0, pause: async () => undefined });
    await this.#outputRead();
    const lastLines = words === '' ? this.#lines.lastLines() : words;
    return { code, signal, cause: this.#cause, lastLines };
  }

  /** What it wrote last is mostly why it ended; but nobody waits for a pipe that somebody holds. */
  async #outputRead(): Promise<void> {
    const streams = [this.#child.stdout, this.#child.stderr].filter((it) => it !== null);
    const closed = Promise.all(
      streams.map(async (stream) => {
        if (stream.destroyed) return;
        const { promise, resolve } = Promise.withResolvers<void>();
        stream.once('close', resolve);
        await promise;
      }),
    );
    const over = Promise.withResolvers<void>();
    const takeBack = this.#options.clock.after(OUTPUT_GRACE_MS, over.resolve);
    await Promise.race([closed, over.promise]);
    takeBack();
    for (const stream of streams) stream.destroy();
  }

  #signalGroup(signal: NodeJS.Signals): void {
    const { pid } = this.#child;
    // The number is ours as long as nobody has collected the exit.
    if (pid === undefined || this.#child.exitCode !== null || this.#child.signalCode !== null)
      return;
    try {
      if (process.platform === 'win32') this.#child.kill(signal);
      else process.kill(-pid, signal);
    } catch {
      // It has ended in this moment.
    }
  }
}

const OUTPUT_GRACE_MS = 1000;
