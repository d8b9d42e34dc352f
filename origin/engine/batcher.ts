/**
 * Many requests' work → one engine. Each call is chosen anew when the one before has ended (`choose-step.ts`), from
 * all waiting work in fair order (`fair-queue.ts`).
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { chooseStep, type Step, type StepLimits } from './choose-step.ts';
import { type Clock, systemClock } from './clock.ts';
import { CostModel } from './cost-model.ts';
import { EncodedSpans } from './encoded-spans.ts';
import { cancelledFailure, EngineFailure, lostProcess } from './engine-failure.ts';
import { FairQueue } from './fair-queue.ts';
import type {
  DecodedChunk,
  DetectLanguageRequest,
  DetectLanguageResult,
  EmbedSpeakersRequest,
  EmbedSpeakersResult,
  Emissions,
  EngineCalls,
  SegmentRequest,
  SegmentResult,
} from './protocol.ts';
import type { WatchCalls } from './running-requests.ts';
import { learnFrom } from './step-costs.ts';
import {
  batchKeyOf,
  type DecodeWorkRequest,
  type EmissionsWorkRequest,
  type Work,
  type WorkContext,
} from './work.ts';

/** The engine as a request sees it. Every call may reject with an `EngineFailure`. */
export interface EngineScheduler {
  segment(request: SegmentRequest, context: WorkContext): Promise<SegmentResult>;
  detectLanguage(
    request: DetectLanguageRequest,
    context: WorkContext,
  ): Promise<DetectLanguageResult>;
  /**
   * One chunk; decoded together with others whose model, prompt length and search are equal, but for
   * temperature and seed (each keeps its own; but sampled and searched chunks do not mix) and the length limit (the
   * largest counts, so a loop may run longer than its own limit).
   */
  decode(request: DecodeWorkRequest, context: WorkContext): Promise<DecodedChunk>;
  embedSpeakers(request: EmbedSpeakersRequest, context: WorkContext): Promise<EmbedSpeakersResult>;
  /** One chunk; run together with others for the same aligner. */
  emissions(request: EmissionsWorkRequest, context: WorkContext): Promise<Emissions>;
  /** Fulfils when the queue takes more work of this request; to be awaited before making it. */
  capacity(context: WorkContext): Promise<void>;
}

export interface SchedulerOptions {
  /** Most chunks of a decode call. */
  readonly batchSize: number;
  /** Most chunks of an encode call; 1 on the CPU, where a larger one is no faster and delays who arrives. */
  readonly encodeBatchSize: number;
  /** Most waiting items; as many again for requests that have none yet, so that a long one cannot fill the queue. */
  readonly maxQueuedItems: number;
  /** A request that was not served for this long goes first, at every other turn. */
  readonly agePromotionSeconds: number;
  /** Milliseconds. */
  readonly now: () => number;
  readonly after?: Clock['after'];
  /** Requests with more audio ahead are in the background. Default 120 s. */
  readonly backgroundSeconds?: number;
  /** Longest decode call for background work, by estimate. Default 2.2 s. */
  readonly backgroundCallSeconds?: number;
  /** Share of a batch's own time by which others' preparation may delay it. Default 0.5. */
  readonly delayShare?: number;
  /**
   * How long a decode call waits for a request that just got an answer and has more to ask. Its next question is
   * a matter of microseconds; a decode call in between would cost it seconds. Default 50 ms.
   */
  readonly followUpMs?: number;
  /** Chunks whose audio features the engine's cache can hold. Default: 4 batches. */
  readonly encodedSpanCapacity?: number;
  readonly watchCalls?: WatchCalls;
}

/** Forms batches across requests, chunk by chunk. One call runs at a time: the engine's process has one thread. */
export function createScheduler(engine: EngineCalls, options: SchedulerOptions): EngineScheduler {
  if (options.batchSize < 1 || options.encodeBatchSize < 1 || options.maxQueuedItems < 1) {
    throw new RangeError('batchSize, encodeBatchSize and maxQueuedItems must be 1 or more');
  }
  return new Scheduler(engine, options);
}

interface RoomWaiter {
  readonly context: WorkContext;
  readonly letIn: () => void;
}

class Scheduler implements EngineScheduler {
  readonly #engine: EngineCalls;
  readonly #options: SchedulerOptions;
  readonly #limits: StepLimits;
  readonly #queue: FairQueue<Work>;
  readonly #costs = new CostModel();
  readonly #encoded: EncodedSpans;
  readonly #roomWaiters = new Set<RoomWaiter>();
  /** Requests that got an answer and have more to ask, but have not asked yet. */
  readonly #expected = new Set<symbol>();
  #followUpCame: () => void = () => undefined;
  #isWorking = false;
  #nextOrder = 0;

  constructor(engine: EngineCalls, options: SchedulerOptions) {
    this.#engine = engine;
    this.#options = options;
    this.#limits = {
      batchSize: options.batchSize,
      encodeBatchSize: options.encodeBatchSize,
      backgroundSeconds: options.backgroundSeconds ?? 120,
      backgroundCallSeconds: options.backgroundCallSeconds ?? 2.2,
      delayShare: options.delayShare ?? 0.5,
    };
    this.#queue = new FairQueue(options);
    this.#encoded = new EncodedSpans(options.encodedSpanCapacity ?? 4 * options.batchSize);
  }

  segment(request: SegmentRequest, context: WorkContext): Promise<SegmentResult> {
    const done = Promise.withResolvers<SegmentResult>();
    return this.#submit({ ...this.#newWork(context), kind: 'segment', request, done }, done);
  }

  detectLanguage(
    request: DetectLanguageRequest,
    context: WorkContext,
  ): Promise<DetectLanguageResult> {
    const done = Promise.withResolvers<DetectLanguageResult>();
    return this.#submit({ ...this.#newWork(context), kind: 'detect', request, done }, done);
  }

  decode(request: DecodeWorkRequest, context: WorkContext): Promise<DecodedChunk> {
    const done = Promise.withResolvers<DecodedChunk>();
    const batchKey = batchKeyOf(request);
    return this.#submit(
      { ...this.#newWork(context), kind: 'decode', request, batchKey, done },
      done,
    );
  }

  embedSpeakers(request: EmbedSpeakersRequest, context: WorkContext): Promise<EmbedSpeakersResult> {
    const done = Promise.withResolvers<EmbedSpeakersResult>();
    return this.#submit({ ...this.#newWork(context), kind: 'embed', request, done }, done);
  }

  emissions(request: EmissionsWorkRequest, context: WorkContext): Promise<Emissions> {
    const done = Promise.withResolvers<Emissions>();
    return this.#submit({ ...this.#newWork(context), kind: 'emit', request, done }, done);
  }

  capacity(context: WorkContext): Promise<void> {
    const { signal } = context;
    if (signal.aborted) return Promise.reject(cancelledFailure(signal));
    if (this.#hasRoom(context)) return Promise.resolve();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiter: RoomWaiter = {
      context,
      letIn: () => {
        signal.removeEventListener('abort', leave);
        this.#roomWaiters.delete(waiter);
        resolve();
      },
    };
    const leave = () => {
      this.#roomWaiters.delete(waiter);
      reject(cancelledFailure(signal));
    };
    signal.addEventListener('abort', leave, { once: true });
    this.#roomWaiters.add(waiter);
    return promise;
  }

  #newWork(context: WorkContext) {
    const [order, arrivedAt] = [this.#nextOrder++, this.#options.now()];
    return { order, arrivedAt, context, ...NOTHING_TRIED };
  }

  async #submit<Result>(work: Work, done: PromiseWithResolvers<Result>): Promise<Result> {
    const { signal, owner } = work.context;
    while (signal.aborted || !this.#hasRoom(work.context)) await this.capacity(work.context);
    const leave = () => {
      this.#queue.remove(work);
      this.#expected.delete(owner);
      work.done.reject(cancelledFailure(signal));
      this.#letIn();
    };
    signal.addEventListener('abort', leave, { once: true });
    this.#queue.add(work);
    if (this.#expected.delete(owner)) this.#followUpCame();
    if (!this.#isWorking) void this.#run();
    try {
      return await done.promise;
    } finally {
      signal.removeEventListener('abort', leave);
    }
  }

  #hasRoom({ owner }: WorkContext): boolean {
    const { maxQueuedItems } = this.#options;
    const isNew = this.#queue.count(owner) === 0;
    return this.#queue.size < (isNew ? 2 * maxQueuedItems : maxQueuedItems);
  }

  #letIn(): void {
    const ahead = (waiter: RoomWaiter) => waiter.context.remainingSeconds();
    for (const waiter of [...this.#roomWaiters].sort((a, b) => ahead(a) - ahead(b))) {
      if (this.#hasRoom(waiter.context)) waiter.letIn();
    }
  }

  async #run(): Promise<void> {
    this.#isWorking = true;
    while (this.#queue.size > 0) {
      // Whoever was just answered, or submits several items at once, gets to speak before the choice is made.
      await nextTurn();
      const isEncoded = this.#encoded.has.bind(this.#encoded);
      const tools = { limits: this.#limits, costs: this.#costs, isEncoded };
      const chosen = chooseStep(this.#queue.inOrder(), tools);
      if (chosen === null) continue;
      if (chosen.step.kind === 'decode' && (await this.#waitForFollowUp())) continue;
      if (chosen.delayed !== null) chosen.delayed.work.delayedSeconds += chosen.delayed.seconds;
      this.#queue.tookTurn();
      await this.#take(chosen.step);
    }
    this.#isWorking = false;
  }

  /** Whether it waited, so that the choice is to be made anew. */
  async #waitForFollowUp(): Promise<boolean> {
    if (this.#expected.size === 0) return false;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#followUpCame = resolve;
    const after = this.#options.after ?? systemClock.after;
    const takeBack = after(this.#options.followUpMs ?? 50, () => {
      this.#expected.clear();
      resolve();
    });
    await promise;
    takeBack();
    return true;
  }

  async #take(step: Step): Promise<void> {
    const works = worksOf(step);
    if (step.kind !== 'encode') {
      for (const work of works) this.#queue.remove(work);
      this.#letIn();
    }
    const requestIds = [...new Set(works.map(({ context }) => context.requestId))];
    const ended = this.#options.watchCalls?.({ kind: step.kind, requestIds });
    const began = this.#options.now();
    try {
      await this.#perform(step);
      learnFrom(step, (this.#options.now() - began) / 1000, this.#costs);
    } catch (error) {
      this.#afterFailure(works, asFailure(error));
    } finally {
      ended?.();
    }
    if (step.kind === 'encode') return;
    for (const { context } of works) {
      this.#queue.served(context.owner);
      this.#expectMore(context);
    }
  }

  async #perform(step: Step): Promise<void> {
    switch (step.kind) {
      case 'segment':
        return step.work.done.resolve(await this.#engine.segment(step.work.request));
      case 'embed':
        return step.work.done.resolve(await this.#engine.embedSpeakers(step.work.request));
      case 'emit':
        return this.#emit(step);
      case 'detect':
        return step.work.done.resolve(await this.#engine.detectLanguage(step.work.request));
      case 'encode':
        for (const work of step.works) work.encodeCalls += 1;
        await this.#engine.encode({ model: step.model, spans: step.spans });
        return this.#encoded.remember(step.model, step.spans);
      case 'decode':
        return this.#decode(step);
    }
  }

  async #decode({ works }: Extract<Step, { kind: 'decode' }>): Promise<void> {
    const [head] = works;
    if (head === undefined) return;
    const items = works.map(({ request: { item, search: own } }) => ({
      ...item,
      sampling: { temperature: own.temperature, seed: own.seed },
    }));
    const { model, search } = head.request;
    const maxNewTokens = Math.max(...works.map(({ request }) => request.search.maxNewTokens));
    const batch = { model, items, search: { ...search, maxNewTokens } };
    const chunks = await this.#engine.decode(batch);
    answerAll(works, chunks);
  }

  async #emit({ works }: Extract<Step, { kind: 'emit' }>): Promise<void> {
    const items = works.map(({ request }) => request.item);
    const model = works[0]?.request.model ?? '';
    answerAll(works, await this.#engine.emissions({ model, items }));
  }

  /**
   * Only the work of the failed call is affected. A lost process may be another item's fault, and so may the failure
   * of a call with company: such work is tried once more, alone.
   */
  #afterFailure(works: readonly Work[], failure: EngineFailure): void {
    if (lostProcess(failure)) this.#encoded.clear();
    for (const work of works) {
      this.#queue.remove(work);
      if (work.context.signal.aborted) continue;
      if (maySucceedAlone(work, works.length, failure)) {
        work.attempts += 1;
        work.alone = true;
        this.#queue.add(work);
      } else work.done.reject(failure);
    }
    this.#letIn();
  }

  #expectMore(context: WorkContext): void {
    const { owner, signal } = context;
    if (signal.aborted || this.#queue.count(owner) > 0) return;
    if (context.remainingSeconds() > 0) this.#expected.add(owner);
  }
}

const NOTHING_TRIED = { attempts: 0, alone: false, delayedSeconds: 0, encodeCalls: 0 };

function answerAll<Answer>(
  works: readonly { readonly done: PromiseWithResolvers<Answer> }[],
  answers: readonly Answer[],
): void {
  for (const [index, { done }] of works.entries()) {
    const answer = answers[index];
    if (answer === undefined) throw new Error(`${answers.length} answers for ${works.length}`);
    done.resolve(answer);
  }
}

function maySucceedAlone(work: Work, company: number, failure: EngineFailure): boolean {
  if (lostProcess(failure)) return work.attempts === 0;
  return failure.reason === 'call_failed' && company > 1;
}

function worksOf(step: Step): readonly Work[] {
  return 'works' in step ? step.works : [step.work];
}

function asFailure(error: unknown): EngineFailure {
  if (error instanceof EngineFailure) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new EngineFailure('call_failed', message, { cause: error });
}
