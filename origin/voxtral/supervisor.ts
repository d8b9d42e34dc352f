import { type Clock, systemClock } from '#origin/engine/clock.ts';
import { createVllmControl, type VllmControl } from '#origin/voxtral/control.ts';
import { codeOf, describeExit } from '#origin/voxtral/describe-exit.ts';
import { isServerTrouble, type VoxtralFailure } from '#origin/voxtral/failure.ts';
import { readProgress, type StartProgress } from '#origin/voxtral/log-progress.ts';
import type { VoxtralModel } from '#origin/voxtral/models.ts';
import { restServer } from '#origin/voxtral/rest-server.ts';
import { Retries } from '#origin/voxtral/retries.ts';
import { endLeftovers, removeRunFile } from '#origin/voxtral/run-file.ts';
import type {
  ServerAddress,
  UseOptions,
  VoxtralServer,
  VoxtralState,
  VoxtralStatus,
} from '#origin/voxtral/server.ts';
import { beginRun, untilServing } from '#origin/voxtral/start-server.ts';
import type { SupervisorOptions } from '#origin/voxtral/supervisor-options.ts';
import type { VllmExit, VllmProcess } from '#origin/voxtral/vllm-process.ts';
import type { IdleAction } from '#origin/voxtral/voxtral-settings.ts';
import { waitAtMost } from '#origin/voxtral/wait-at-most.ts';
import { fail, type Result } from '#shared/result.ts';

const STOP_GRACE_MS = 20_000;
/** Failed uses in a row, with a server that says it is well, after which it is not believed. */
const MAX_TROUBLES = 3;
const NEVER = -1;
/** Why a process was ended on purpose. */
const IDLE = 'it was idle';
/** A process that is lost then is not missed: the next use starts another. */
const GIVING_BACK: readonly VoxtralState[] = ['draining', 'resting', 'asleep', 'waking'];

/**
 * Runs vLLM as a child: started on demand, restarted after a crash, put to sleep or ended when idle, and brought back by
 * the next use. The manner is that of `EngineProcess`.
 */
export class VllmSupervisor implements VoxtralServer {
  readonly model: VoxtralModel;
  readonly #options: SupervisorOptions;
  readonly #clock: Clock;
  readonly #control: VllmControl;
  readonly #address: ServerAddress;
  readonly #retries: Retries;
  #state: VoxtralState = 'off';
  #reason: string | null = null;
  #progress: StartProgress | null = null;
  #process: VllmProcess | null = null;
  /** What brings it up; null when nobody does. */
  #coming: Promise<VoxtralFailure | null> | null = null;
  /** Draining, falling asleep or ending. */
  #going: Promise<void> = Promise.resolve();
  #cleaning: Promise<void> | null = null;
  #users = 0;
  #working = 0;
  #idle: (() => void) | null = null;
  #takeBackRest: () => void = () => undefined;
  #abortDelay: () => void = () => undefined;
  #crashes = 0;
  #troubles = 0;
  #isStopped = false;

  constructor(options: SupervisorOptions) {
    this.model = options.model;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#retries = new Retries(options.restart, this.#clock);
    const baseUrl = `http://127.0.0.1:${options.launch.port}`;
    this.#address = { baseUrl, apiKey: null };
    this.#control = createVllmControl({
      baseUrl,
      fetch: options.fetch ?? fetch,
      clock: this.#clock,
    });
  }

  /** Ends what a killed service left behind. For the start of the service; later it does nothing. */
  async cleanUp(): Promise<void> {
    if (this.#state === 'off') await this.#endLeftovers();
  }

  async use<Value>(
    work: (address: ServerAddress) => Promise<Result<Value, VoxtralFailure>>,
    options: UseOptions,
  ): Promise<Result<Value, VoxtralFailure>> {
    this.#users += 1;
    this.#takeBackRest();
    try {
      // It may be lost again, or asked to rest, between the moment it is up and this one.
      do {
        const refusal = await this.#untilUp(options);
        if (refusal !== null) return fail(refusal);
      } while (this.#state !== 'ready');
      const result = await this.#work(work);
      await this.#learn(result);
      return result;
    } finally {
      this.#users -= 1;
      this.#scheduleRest();
    }
  }

  status(): VoxtralStatus {
    return {
      state: this.#state,
      reason: this.#reason,
      progress: this.#progress,
      crashes: this.#crashes,
      pid: this.#process?.pid ?? null,
    };
  }

  async isAvailable(): Promise<boolean> {
    if (this.#state === 'ready') return await this.#control.isHealthy();
    return this.#state !== 'stopped' && !(this.#state === 'failed' && this.#retries.waitMs() > 0);
  }

  async release({ graceMs }: { readonly graceMs: number }): Promise<void> {
    if (this.#coming !== null) await this.#coming;
    if (this.#state === 'ready') {
      const { idleAction } = this.#options.launch;
      this.#going = this.#drain(graceMs).then(() => this.#rest(idleAction));
    }
    await this.#going;
  }

  async kill(): Promise<void> {
    await this.#process?.end(IDLE, 0);
    await this.#going;
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#takeBackRest();
    this.#abortDelay();
    await this.#endProcess('the service is going down');
    await this.#coming;
    await this.#going;
    await removeRunFile(this.#options.runFile);
    this.#setState('stopped', null);
  }

  // --- coming up ---

  /** @returns null when it is up, else why not. */
  #untilUp({ signal, maxWaitMs }: UseOptions): Promise<VoxtralFailure | null> {
    const onCut = (why: 'aborted' | 'late'): VoxtralFailure =>
      why === 'aborted' ? { kind: 'aborted' } : this.#unavailable();
    return waitAtMost(this.#ensureUp(), { signal, maxWaitMs, clock: this.#clock, onCut });
  }

  #ensureUp(): Promise<VoxtralFailure | null> {
    if (this.#isStopped) return Promise.resolve(this.#unavailable());
    if (this.#state === 'ready') return Promise.resolve(null);
    if (this.#state === 'failed' && this.#retries.waitMs() > 0)
      return Promise.resolve(this.#unavailable());
    return this.#bringUp(async () => {
      await this.#going;
      if (this.#state === 'ready') return null;
      if (this.#state === 'asleep' && (await this.#wake())) return null;
      return await this.#launch();
    });
  }

  #bringUp(steps: () => Promise<VoxtralFailure | null>): Promise<VoxtralFailure | null> {
    const attempt = async () => {
      try {
        return await steps();
      } catch (error) {
        // A disk, or a system without memory for one more process: the service lives on without vllm.
        this.#options.log.error({ err: error }, 'vllm cannot be started');
        return this.#failStart(`vllm cannot be started (${codeOf(error)})`, 0);
      }
    };
    this.#coming ??= attempt().finally(() => {
      this.#coming = null;
      this.#scheduleRest();
    });
    return this.#coming;
  }

  async #launch(): Promise<VoxtralFailure | null> {
    if (this.#isStopped) return this.#unavailable();
    this.#setState('starting', this.#reason);
    await this.#endLeftovers();
    const started = await beginRun(this.#options, {
      clock: this.#clock,
      onLine: (line) => this.#readLine(line),
    });
    if (!started.ok) return this.#failStart(started.error, 0);
    const process = started.value;
    this.#process = process;
    void process.gone.then((exit) => this.#afterGone(process, exit));
    if (this.#isStopped) await this.#endProcess('the service is going down');
    const startMs = this.#clock.now();
    const isServing = await untilServing(process, {
      control: this.#control,
      model: this.model,
      clock: this.#clock,
      silenceMs: this.#options.launch.startTimeoutSeconds * 1000,
      stopGraceMs: this.#stopGraceMs(),
    });
    if (!isServing || this.#process !== process) return this.#unavailable();
    this.#troubles = 0;
    const startSeconds = Math.round(this.#clock.now() - startMs) / 1000;
    this.#options.log.info({ pid: process.pid, startSeconds }, 'vllm is ready');
    this.#setState('ready', null);
    return null;
  }

  /** Never while a run of ours is being noted: it would be taken for one. */
  #endLeftovers(): Promise<void> {
    this.#cleaning ??= endLeftovers(this.#options.runFile, (ms) => this.#pause(ms))
      .then((ended) => {
        if (ended.length === 0) return;
        this.#options.log.warn({ ended }, 'ended a vllm that an earlier run of the service left');
      })
      .finally(() => {
        this.#cleaning = null;
      });
    return this.#cleaning;
  }

  async #wake(): Promise<boolean> {
    const { idleAction } = this.#options.launch;
    const process = this.#process;
    this.#setState('waking', null);
    const isAwake = await this.#control.wake(idleAction === 'sleep-2' ? 2 : 1);
    if (process === null || this.#process !== process) return false;
    if (isAwake) {
      this.#setState('ready', null);
      return true;
    }
    // Most often the card has no room; the memory that a failed wake has mapped comes back with the process only.
    this.#options.log.warn({}, 'vllm did not wake up, so it is started anew');
    await this.#endProcess('it did not wake up');
    return false;
  }

  #readLine(line: string): void {
    if (this.#state !== 'starting') return;
    const progress = readProgress(line);
    if (progress === null) return;
    this.#progress = progress;
    this.#tell();
  }

  // --- work ---

  async #work<Value>(
    work: (address: ServerAddress) => Promise<Result<Value, VoxtralFailure>>,
  ): Promise<Result<Value, VoxtralFailure>> {
    this.#working += 1;
    try {
      return await work(this.#address);
    } finally {
      this.#working -= 1;
      if (this.#working === 0) this.#idle?.();
    }
  }

  /** Believes a server that says it is well only so often; ends one that says nothing, which starts the next. */
  async #learn(result: Result<unknown, VoxtralFailure>): Promise<void> {
    if (result.ok) this.#troubles = 0;
    if (result.ok || !isServerTrouble(result.error)) return;
    const process = this.#process;
    this.#troubles += 1;
    const isWell = this.#troubles < MAX_TROUBLES && (await this.#control.isHealthy());
    if (isWell || this.#isStopped || this.#process !== process || this.#state !== 'ready') return;
    this.#troubles = 0;
    await process?.end('it did not answer any more', 0);
  }

  // --- going ---

  #scheduleRest(): void {
    this.#takeBackRest();
    const { idleTimeoutSeconds, idleAction } = this.#options.launch;
    if (idleTimeoutSeconds === NEVER || this.#users > 0 || this.#state !== 'ready') return;
    this.#takeBackRest = this.#clock.after(idleTimeoutSeconds * 1000, () => {
      if (this.#users > 0 || this.#state !== 'ready') return;
      this.#going = this.#rest(idleAction);
    });
  }

  /** Waits until nothing is in work, at most for the grace. New uses wait meanwhile. */
  async #drain(graceMs: number): Promise<void> {
    this.#takeBackRest();
    this.#setState('draining', null);
    if (this.#working === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#idle = resolve;
    const takeBack = this.#clock.after(graceMs, resolve);
    await promise;
    takeBack();
    this.#idle = null;
  }

  async #rest(action: IdleAction): Promise<void> {
    const process = this.#process;
    if (process === null) return;
    this.#setState('resting', null);
    const { log, readUsedMib } = this.#options;
    const outcome = await restServer(action, {
      control: this.#control,
      clock: this.#clock,
      weightsMib: this.model.weightsMib,
      readUsedMib: async () => (await readUsedMib?.().catch(() => null)) ?? null,
      endProcess: () => process.end(IDLE, this.#stopGraceMs()),
    });
    const { message, isTrouble, ...fields } = outcome;
    log[isTrouble ? 'warn' : 'info'](fields, message);
    if (this.#process === process && outcome.isAsleep) this.#setState('asleep', null);
  }

  async #endProcess(cause: string): Promise<void> {
    await this.#process?.end(cause, this.#stopGraceMs());
  }

  /** Every end of a process comes by here, wanted or not. */
  #afterGone(process: VllmProcess, exit: VllmExit): void {
    if (this.#process !== process) return;
    this.#process = null;
    const before = this.#state;
    const livedMs = this.#clock.now() - process.startedAt;
    const reason = describeExit(exit);
    const isAsked = this.#isStopped || exit.cause === IDLE;
    if (!isAsked) this.#crashes += 1;
    if (!isAsked) this.#options.log.error({ ...exit }, reason);
    if (isAsked || GIVING_BACK.includes(before)) {
      this.#setState('off', isAsked ? null : reason);
      return;
    }
    if (before === 'starting') this.#failStart(reason, livedMs);
    else this.#startAgain(reason, livedMs);
  }

  /** What never came up is tried again only when somebody asks, and not at once. */
  #failStart(reason: string, livedMs: number): VoxtralFailure {
    this.#retries.lost(livedMs);
    this.#setState('failed', reason);
    return this.#unavailable();
  }

  /** What worked before is brought back. */
  #startAgain(reason: string, livedMs: number): void {
    const { givesUp, delayMs } = this.#retries.lost(livedMs);
    this.#setState(givesUp ? 'failed' : 'restarting', reason);
    if (givesUp) return;
    void this.#bringUp(async () => {
      await this.#pause(delayMs);
      return await this.#launch();
    });
  }

  // --- small things ---

  #pause(ms: number): Promise<void> {
    if (this.#isStopped && ms > 0) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    const takeBack = this.#clock.after(ms, resolve);
    this.#abortDelay = () => {
      takeBack();
      resolve();
    };
    return promise;
  }

  #unavailable(): VoxtralFailure {
    const retryAfterSeconds = Math.max(1, Math.ceil(this.#retries.waitMs() / 1000));
    return { kind: 'unavailable', state: this.#publicState(), retryAfterSeconds };
  }

  #publicState(): Extract<VoxtralFailure, { kind: 'unavailable' }>['state'] {
    if (this.#isStopped) return 'stopped';
    return this.#state === 'failed' || this.#state === 'restarting' ? this.#state : 'starting';
  }

  #stopGraceMs(): number {
    return this.#options.stopGraceMs ?? STOP_GRACE_MS;
  }

  #setState(state: VoxtralState, reason: string | null): void {
    this.#state = state;
    this.#reason = reason;
    this.#progress = null;
    this.#tell();
  }

  #tell(): void {
    this.#options.onState?.(this.status());
  }
}
