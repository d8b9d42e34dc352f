import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { ChildOutput, type EngineLog } from './child-output.ts';
import type { Clock } from './clock.ts';
import { EngineFailure } from './engine-failure.ts';
import type {
  ChildMessage,
  EngineCallName,
  ParentMessage,
  RequestOf,
  ResultOf,
} from './messages.ts';
import type { LoadResult } from './protocol.ts';

const CHILD_ENTRY = fileURLToPath(new URL('./child.ts', import.meta.url));

/** How a child ended, and why if that was our doing. */
export interface ChildExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly cause: 'ended' | 'too_slow' | 'out_of_memory' | 'start_refused' | 'by_itself';
  readonly wasReady: boolean;
  /** Its own words: a refusal to start, or the last lines it wrote. */
  readonly words: string;
}

export interface ChildLinkOptions {
  readonly graphsModule: string;
  readonly settings: object;
  readonly log: EngineLog;
  readonly clock: Clock;
  readonly startTimeoutMs: number;
  readonly callTimeoutMs: number;
  readonly onLoaded: (result: LoadResult) => void;
  /** Called once, when the process is gone; what it returns is the failure of every open call. */
  readonly onGone: (exit: ChildExit) => EngineFailure;
}

interface OpenCall {
  readonly resolve: (value: unknown) => void;
  readonly reject: (failure: EngineFailure) => void;
  readonly name: EngineCallName;
}

/** One engine process from birth to end. Made anew for every start; never used again once it is gone. */
export class ChildLink {
  readonly startedAt: number;
  /** Fulfils when calls are served; rejects if the process ends before. */
  readonly ready: Promise<void>;
  readonly #options: ChildLinkOptions;
  readonly #child: ChildProcess;
  readonly #output: ChildOutput;
  readonly #ready = Promise.withResolvers<void>();
  readonly #gone = Promise.withResolvers<void>();
  readonly #open = new Map<number, OpenCall>();
  #nextId = 1;
  #isReady = false;
  #failure: EngineFailure | null = null;
  #cause: ChildExit['cause'] = 'by_itself';
  #refusal: string | null = null;
  #rssBytes: number | null = null;
  #stopWatchdog: () => void;

  constructor(options: ChildLinkOptions) {
    this.#options = options;
    this.startedAt = options.clock.now();
    this.ready = this.#ready.promise;
    this.#output = new ChildOutput(options.log, options.clock.now);
    this.#child = fork(CHILD_ENTRY, [], {
      execPath: process.execPath,
      execArgv: [],
      serialization: 'advanced',
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    const stdoutRead = this.#output.follow(this.#child.stdout, 'stdout');
    const stderrRead = this.#output.follow(this.#child.stderr, 'stderr');
    this.#child.on('message', (message: ChildMessage) => this.#receive(message));
    this.#child.on('error', (error) => {
      if (this.#child.pid === undefined) this.#afterGone(null, null, error.message);
    });
    // Not 'close': Node never emits it once the channel was closed from this side.
    this.#child.on('exit', async (code, signal) => {
      await Promise.allSettled([stdoutRead, stderrRead]);
      this.#afterGone(code, signal);
    });
    this.#stopWatchdog = options.clock.after(options.startTimeoutMs, () => this.#kill('too_slow'));
    const { graphsModule, settings } = options;
    this.#send({ kind: 'init', graphsModule, settings });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Resident memory of the process when it last answered, in bytes. */
  get rssBytes(): number | null {
    return this.#rssBytes;
  }

  call<Name extends EngineCallName>(name: Name, request: RequestOf<Name>): Promise<ResultOf<Name>> {
    if (this.#failure !== null) return Promise.reject(this.#failure);
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const id = this.#nextId++;
    this.#open.set(id, { resolve, reject, name });
    if (this.#open.size === 1) this.#restartWatchdog();
    this.#send({ kind: 'call', id, name, request } as ParentMessage);
    return promise as Promise<ResultOf<Name>>;
  }

  /** Closes the channel, upon which the process ends itself; kills it when that takes longer than `graceMs`. */
  end(graceMs: number): Promise<void> {
    if (this.#failure !== null) return this.#gone.promise;
    this.#cause = 'ended';
    this.#stopWatchdog();
    if (this.#child.connected) this.#child.disconnect();
    const takeBack = this.#options.clock.after(graceMs, () => this.#child.kill('SIGKILL'));
    return this.#gone.promise.finally(takeBack);
  }

  #send(message: ParentMessage): void {
    if (!this.#child.connected) return;
    // A failed send means the process is ending; 'exit' follows and fails the open calls.
    this.#child.send(message, () => undefined);
  }

  #receive(message: ChildMessage): void {
    switch (message.kind) {
      case 'ready':
        this.#isReady = true;
        this.#stopWatchdog();
        this.#ready.resolve();
        break;
      case 'start_failed':
        this.#refusal = message.message;
        this.#kill('start_refused');
        break;
      case 'loaded':
        this.#options.onLoaded(message.result);
        break;
      case 'result':
        this.#rssBytes = message.rssBytes;
        this.#close(message.id)?.resolve(message.value);
        break;
      case 'error':
        this.#rssBytes = message.rssBytes;
        this.#afterError(message);
    }
  }

  #afterError(error: Extract<ChildMessage, { kind: 'error' }>): void {
    if (error.outOfMemory) {
      this.#refusal = error.message;
      this.#kill('out_of_memory');
      return;
    }
    const call = this.#close(error.id);
    const message = `engine call ${call?.name} failed: ${error.message}`;
    call?.reject(new EngineFailure('call_failed', message));
  }

  #close(id: number): OpenCall | undefined {
    const call = this.#open.get(id);
    this.#open.delete(id);
    this.#restartWatchdog();
    return call;
  }

  /** Calls are answered in order, so one timer, begun anew with each answer, watches the running call. */
  #restartWatchdog(): void {
    this.#stopWatchdog();
    if (this.#open.size === 0) return;
    const { clock, callTimeoutMs } = this.#options;
    this.#stopWatchdog = clock.after(callTimeoutMs, () => this.#kill('too_slow'));
  }

  #kill(cause: ChildExit['cause']): void {
    this.#cause = cause;
    this.#stopWatchdog();
    this.#child.kill('SIGKILL');
  }

  #afterGone(code: number | null, signal: NodeJS.Signals | null, spawnError?: string): void {
    if (this.#failure !== null) return;
    this.#stopWatchdog();
    const words = this.#refusal ?? spawnError ?? this.#output.lastLines();
    const exit = { code, signal, cause: this.#cause, wasReady: this.#isReady, words };
    const failure = this.#options.onGone(exit);
    this.#failure = failure;
    for (const call of this.#open.values()) call.reject(failure);
    this.#open.clear();
    this.#ready.promise.catch(() => undefined);
    this.#ready.reject(failure);
    this.#gone.resolve();
  }
}
