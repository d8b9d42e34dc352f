import { freemem } from 'node:os';
import { type ChildExit, ChildLink } from './child-link.ts';
import type { EngineLog } from './child-output.ts';
import { type Clock, systemClock } from './clock.ts';
import { describeExit } from './describe-exit.ts';
import { EngineFailure } from './engine-failure.ts';
import type { EngineCallName, RequestOf, ResultOf } from './messages.ts';
import type {
  DecodedChunk,
  DecodeRequest,
  DetectLanguageRequest,
  DetectLanguageResult,
  EmbedSpeakersRequest,
  EmbedSpeakersResult,
  Emissions,
  EmissionsRequest,
  EncodeRequest,
  EngineCalls,
  LoadResult,
  SegmentRequest,
  SegmentResult,
} from './protocol.ts';
import { DEFAULT_RESTART_LIMITS, decideRestart, type RestartLimits } from './restart-policy.ts';

/**
 * - `idle`: no process; the first call starts one.
 * - `starting`: a process is coming up; calls wait for it.
 * - `ready`: calls are served.
 * - `restarting`: the process was lost; calls wait for the next one, which starts after a short delay.
 * - `failed`: it could not start, or was lost too often; calls are refused until `retryAfterSeconds` have passed.
 */
export type EngineState = 'idle' | 'starting' | 'ready' | 'restarting' | 'failed';

export interface EngineStatus {
  readonly state: EngineState;
  /** Why it is not ready, in words for the log and the operator; null when all is well. */
  readonly reason: string | null;
  /** What the loaded sessions run on; null before the first load. */
  readonly device: string | null;
  /** The models whose sessions are up. */
  readonly models: readonly LoadResult[];
  /** Processes lost since the service started. */
  readonly crashes: number;
  /** Resident memory when the process last answered, in bytes; null without a process. */
  readonly rssBytes: number | null;
  /** Null without a process. */
  readonly pid: number | null;
}

/** A call that was answered. */
export interface EngineAnswer {
  readonly call: EngineCallName;
  /** That the call named; null: those of the settings. */
  readonly model: string | null;
  readonly pid: number | null;
  /** Resident memory of the process after the call, in bytes. */
  readonly rssBytes: number | null;
}

export interface EngineProcessOptions {
  /** Handed to `createEngineCalls` in the child; plain data. */
  readonly settings: object;
  /** `file:` URL of the module that exports `createEngineCalls`. Default: `graphs/sessions.ts`. */
  readonly graphsModule?: string;
  /** VRAM_IDLE_TIMEOUT: seconds without work after which the process is ended; -1 never, 0 at once. */
  readonly idleTimeoutSeconds: number;
  readonly log: EngineLog;
  readonly clock?: Clock;
  readonly restart?: Partial<RestartLimits>;
  /** Default 60 s. */
  readonly startTimeoutSeconds?: number;
  /** A call that runs longer than this ends the process. Generous: a hang, not slowness. Default 600 s. */
  readonly callTimeoutSeconds?: number;
  /** How long a process that is asked to end may take before it is killed. Default 5 s. */
  readonly stopGraceSeconds?: number;
  readonly onState?: (status: EngineStatus) => void;
  readonly onLoaded?: (result: LoadResult) => void;
  readonly onAnswer?: (answer: EngineAnswer) => void;
  /** The process has ended because it was idle, and is gone. */
  readonly onUnloaded?: () => void;
  /** Memory in use on the device, in bytes, for the log of an unload; null where it cannot be told. */
  readonly readDeviceMemory?: () => Promise<number | null>;
}

const DEFAULT_GRAPHS_MODULE = new URL('./graphs/sessions.ts', import.meta.url).href;

/**
 * The engine as the service sees it: the calls of the protocol, served by a child process that is started on
 * demand, restarted after a crash and ended when idle. Every call rejects with an `EngineFailure` or succeeds.
 */
export class EngineProcess implements EngineCalls {
  readonly #options: EngineProcessOptions;
  readonly #clock: Clock;
  readonly #restartLimits: RestartLimits;
  #state: EngineState = 'idle';
  #reason: string | null = null;
  #link: ChildLink | null = null;
  /** The process that is coming up, or will after a delay. */
  #upcoming: Promise<ChildLink> | null = null;
  #ending: Promise<void> = Promise.resolve();
  #abortDelay: (failure: EngineFailure) => void = () => undefined;
  #models = new Map<string, LoadResult>();
  #quickCrashes = 0;
  #crashes = 0;
  #retryAt = 0;
  /** Calls and holds that keep the process up. */
  #users = 0;
  #takeBackUnload: () => void = () => undefined;
  #isStopped = false;

  constructor(options: EngineProcessOptions) {
    const { idleTimeoutSeconds } = options;
    if (!(idleTimeoutSeconds >= 0 || idleTimeoutSeconds === -1)) {
      throw new RangeError(`idleTimeoutSeconds is ${idleTimeoutSeconds}; use -1, 0 or more`);
    }
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#restartLimits = { ...DEFAULT_RESTART_LIMITS, ...options.restart };
  }

  segment(request: SegmentRequest): Promise<SegmentResult> {
    return this.#call('segment', request);
  }

  encode(request: EncodeRequest): Promise<void> {
    return this.#call('encode', request);
  }

  detectLanguage(request: DetectLanguageRequest): Promise<DetectLanguageResult> {
    return this.#call('detectLanguage', request);
  }

  decode(request: DecodeRequest): Promise<readonly DecodedChunk[]> {
    return this.#call('decode', request);
  }

  embedSpeakers(request: EmbedSpeakersRequest): Promise<EmbedSpeakersResult> {
    return this.#call('embedSpeakers', request);
  }

  emissions(request: EmissionsRequest): Promise<readonly Emissions[]> {
    return this.#call('emissions', request);
  }

  load(request: { readonly model: string }): Promise<LoadResult> {
    return this.#call('load', request);
  }

  /** Brings the process up before the first call. */
  async start(): Promise<void> {
    await this.#use(() => this.#ensureUp());
  }

  /** Keeps the process from being unloaded until disposed: held by a request from its first call to its last. */
  hold(): Disposable {
    this.#enter();
    let isHeld = true;
    return {
      [Symbol.dispose]: () => {
        if (isHeld) this.#leave();
        isHeld = false;
      },
    };
  }

  /**
   * Ends the process now, for memory that somebody else needs; fulfils when it is gone. The next call starts another.
   * Open calls reject with `stopped`, so whoever asks knows that there are none.
   */
  async unload(): Promise<void> {
    this.#takeBackUnload();
    if (this.#state === 'restarting' && this.#link === null) {
      this.#abortDelay(new EngineFailure('stopped', 'the engine process was ended'));
      this.#setState('idle', null);
    }
    this.#upcoming = null;
    this.#endLink();
    await this.#ending;
  }

  /** Ends the process for good; open calls reject with `stopped`. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#takeBackUnload();
    this.#abortDelay(stoppedFailure());
    this.#endLink();
    await this.#ending;
  }

  status(): EngineStatus {
    const models = [...this.#models.values()];
    return {
      state: this.#state,
      reason: this.#reason,
      device: models[0]?.device ?? null,
      models,
      crashes: this.#crashes,
      rssBytes: this.#link?.rssBytes ?? null,
      pid: this.#link?.pid ?? null,
    };
  }

  #call<Name extends EngineCallName>(
    name: Name,
    request: RequestOf<Name>,
  ): Promise<ResultOf<Name>> {
    return this.#use(async (): Promise<ResultOf<Name>> => {
      const link = await this.#ensureUp();
      const result = await link.call(name, request);
      const model = 'model' in request ? request.model : null;
      const { pid = null, rssBytes } = link;
      this.#options.onAnswer?.({ call: name, model, pid, rssBytes });
      return result;
    });
  }

  async #use<Value>(work: () => Promise<Value>): Promise<Value> {
    this.#enter();
    try {
      return await work();
    } finally {
      this.#leave();
    }
  }

  #enter(): void {
    this.#users += 1;
    this.#takeBackUnload();
  }

  #leave(): void {
    this.#users -= 1;
    this.#scheduleUnload();
  }

  async #ensureUp(): Promise<ChildLink> {
    if (this.#isStopped) throw stoppedFailure();
    if (this.#state === 'ready' && this.#link !== null) return this.#link;
    const waitMs = this.#retryAt - this.#clock.now();
    if (this.#state === 'failed' && waitMs > 0) {
      const retryAfterSeconds = wholeSeconds(waitMs);
      throw new EngineFailure('start_failed', this.#reason ?? 'failed', { retryAfterSeconds });
    }
    this.#upcoming ??= this.#launch();
    return this.#upcoming;
  }

  async #launch(): Promise<ChildLink> {
    await this.#ending;
    if (this.#isStopped) throw stoppedFailure();
    this.#setState('starting', this.#reason);
    const link = this.#openLink();
    this.#link = link;
    await link.ready;
    this.#upcoming = null;
    this.#options.log.info({ pid: link.pid }, 'engine process ready');
    this.#setState('ready', null);
    this.#scheduleUnload();
    return link;
  }

  #openLink(): ChildLink {
    const options = this.#options;
    return new ChildLink({
      graphsModule: options.graphsModule ?? DEFAULT_GRAPHS_MODULE,
      settings: options.settings,
      log: options.log,
      clock: this.#clock,
      startTimeoutMs: (options.startTimeoutSeconds ?? 60) * 1000,
      callTimeoutMs: (options.callTimeoutSeconds ?? 600) * 1000,
      onLoaded: (result) => this.#afterLoad(result),
      onGone: (exit) => this.#afterGone(exit),
    });
  }

  #afterLoad(result: LoadResult): void {
    this.#models.set(result.model, result);
    const level = result.note === null ? 'info' : 'warn';
    this.#options.log[level]({ ...result }, 'model loaded');
    this.#options.onLoaded?.(result);
    this.#options.onState?.(this.status());
  }

  /** Decides, once a process is gone, what comes next, and gives the failure of its open calls. */
  #afterGone(exit: ChildExit): EngineFailure {
    const { reason, message } = describeExit(exit);
    if (exit.cause === 'ended') return new EngineFailure(reason, message);
    const livedMs = this.#clock.now() - (this.#link?.startedAt ?? 0);
    this.#link = null;
    this.#upcoming = null;
    this.#models.clear();
    this.#crashes += 1;
    const decision = decideRestart(this.#quickCrashes, livedMs, this.#restartLimits);
    this.#quickCrashes = decision.quickCrashes;
    this.#retryAt = this.#clock.now() + decision.delayMs;
    const retryAfterSeconds = wholeSeconds(decision.delayMs);
    this.#options.log.error({ ...exit, retryAfterSeconds }, message);
    // What never came up is tried again when somebody asks; what worked before is brought back at once.
    if (decision.givesUp || !exit.wasReady) this.#setState('failed', message);
    else this.#relaunch(decision.delayMs, message);
    return new EngineFailure(reason, message, { retryAfterSeconds });
  }

  #relaunch(delayMs: number, reason: string): void {
    this.#setState('restarting', reason);
    this.#upcoming = this.#delay(delayMs).then(() => this.#launch());
    this.#upcoming.catch(() => undefined);
  }

  #delay(delayMs: number): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const takeBack = this.#clock.after(delayMs, resolve);
    this.#abortDelay = (failure) => {
      takeBack();
      reject(failure);
    };
    return promise;
  }

  #scheduleUnload(): void {
    const { idleTimeoutSeconds } = this.#options;
    this.#takeBackUnload();
    if (idleTimeoutSeconds === -1 || this.#users > 0 || this.#state !== 'ready') return;
    const delayMs = idleTimeoutSeconds * 1000;
    this.#takeBackUnload = this.#clock.after(delayMs, () => void this.#unload());
  }

  async #unload(): Promise<void> {
    const { log, readDeviceMemory } = this.#options;
    const rssBytes = this.#link?.rssBytes ?? null;
    const freeBytesBefore = freemem();
    const deviceBytesBefore = (await readDeviceMemory?.()) ?? null;
    if (this.#users > 0 || this.#state !== 'ready') return;
    this.#endLink();
    await this.#ending;
    const deviceBytesAfter = (await readDeviceMemory?.()) ?? null;
    const freeBytesAfter = freemem();
    log.info(
      { rssBytes, freeBytesBefore, freeBytesAfter, deviceBytesBefore, deviceBytesAfter },
      'engine process ended, because it was idle',
    );
    this.#options.onUnloaded?.();
  }

  #endLink(): void {
    const link = this.#link;
    if (link === null) return;
    this.#link = null;
    this.#models.clear();
    this.#setState('idle', null);
    this.#ending = link.end((this.#options.stopGraceSeconds ?? 5) * 1000);
  }

  #setState(state: EngineState, reason: string | null): void {
    this.#state = state;
    this.#reason = reason;
    this.#options.onState?.(this.status());
  }
}

function stoppedFailure(): EngineFailure {
  return new EngineFailure('stopped', 'the service is shutting down');
}

function wholeSeconds(ms: number): number {
  return Math.max(1, Math.ceil(ms / 1000));
}
