import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { COUNTERS, GAUGES, HISTOGRAMS } from '#origin/metrics/definitions.ts';
import type { AuthFailure } from '#shared/auth/auth-failure.ts';
import type { PrincipalKind } from '#shared/auth/principal.ts';
import type { SttError } from '#shared/errors.ts';

/** What the pipeline and the engine report. */
export interface StageMetrics {
  /** `stage` is one of a few fixed words, e.g. `decode`: every value makes a series of its own. */
  observeStage(stage: string, seconds: number): void;
  /** A batch that went to the engine. */
  observeBatch(items: number): void;
  observeModelLoad(model: string, seconds: number): void;
  setModelLoaded(model: string, loaded: boolean): void;
  countEngineRestart(): void;
  /** A call to the engine has ended. `call` is one of a few fixed words. */
  observeEngineCall?(call: string, seconds: number): void;
}

/** A transcription that was answered. */
export interface FinishedTranscription {
  readonly model: string;
  readonly language: string;
  readonly characters: number;
  readonly audioSeconds: number;
  /** Work only: neither upload nor waiting. */
  readonly workSeconds: number;
}

/** As `EngineProcess` tells it. */
export const ENGINE_STATES = ['idle', 'starting', 'ready', 'restarting', 'failed'] as const;
export type EngineState = (typeof ENGINE_STATES)[number];

/** Memory of the devices and who has it, in MiB. */
export interface GpuReading {
  /** One of a few fixed words; null: it could be read. */
  readonly problem: string | null;
  readonly devices: readonly {
    readonly id: string;
    readonly mib: Readonly<Record<GpuKind, number>>;
  }[];
  readonly leases: readonly {
    readonly owner: string;
    readonly device: string;
    readonly mib: number;
    readonly isInUse: boolean;
  }[];
  readonly waiting: number;
  readonly unreturned: readonly { readonly owner: string; readonly mib: number }[];
}

export type GpuKind = 'total' | 'used' | 'leased' | 'other' | 'room';

/** How an attempt at a job ended. */
export type JobOutcome = 'done' | 'failed' | 'cancelled' | 'retried' | 'handed_back' | 'crashed';

/** What HTTP reports, and the page that Prometheus reads. */
export interface OriginMetrics extends StageMetrics {
  setQueue(counts: { running: number; waiting: number }): void;
  /** How much fits at all. */
  setLimits(limits: { slots: number; queue: number }): void;
  setEngine(engine: { state: EngineState; rssBytes: number | null }): void;
  /** All of it anew: what is not named is gone. */
  setGpu(gpu: GpuReading): void;
  /** A lease was asked to make room. */
  countEviction(owner: string): void;
  observeUpload(sizeBytes: number): void;
  observeQueueWait(seconds: number): void;
  countTranscription(finished: FinishedTranscription): void;
  /** `model` must be a known name or `unknown`, never a caller's text. */
  countFailure(model: string): void;
  countError(code: SttError['kind']): void;
  setJobs(counts: Readonly<Record<string, number>>): void;
  countJobAttempt(outcome: JobOutcome): void;
  /** `code` is `ok` or one of ours, never a caller's text. */
  countBackendAttempt(backend: string, code: string): void;
  countCaller(kind: PrincipalKind): void;
  countRefusal(reason: AuthFailure['kind']): void;
  countLimited(limit: 'requests' | 'audio_seconds'): void;
  render(): Promise<{ contentType: string; text: string }>;
}

/** Makes metrics with a registry of their own, so that several apps can live in one process. */
export function createMetrics(): OriginMetrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, prefix: 'mana_stt_' });
  const registers = [registry];
  const counters = mapValues(COUNTERS, (it) => new Counter<string>({ ...it, registers }));
  const gauges = mapValues(GAUGES, (it) => new Gauge<string>({ ...it, registers }));
  const histograms = mapValues(
    HISTOGRAMS,
    (it) => new Histogram<string>({ ...it, buckets: [...it.buckets], registers }),
  );
  startAtZero(counters);
  const owners = new Set<string>();
  return {
    observeStage: (stage, seconds) => histograms.stage.observe({ stage }, seconds),
    observeBatch: (items) => histograms.batchItems.observe(items),
    observeModelLoad: (_model, seconds) => histograms.modelLoad.observe(seconds),
    setModelLoaded: (model, loaded) => gauges.modelLoaded.set({ model }, loaded ? 1 : 0),
    countEngineRestart: () => counters.engineRestarts.inc(),
    setQueue: ({ running, waiting }) => {
      gauges.activeRequests.set(running + waiting);
      gauges.queueWaiting.set(waiting);
    },
    observeEngineCall: (call, seconds) => histograms.engineCall.observe({ call }, seconds),
    setLimits: ({ slots, queue }) => {
      gauges.slots.set(slots);
      gauges.queueCapacity.set(queue);
    },
    setEngine: ({ state, rssBytes }) => {
      for (const each of ENGINE_STATES) {
        gauges.engineState.set({ state: each }, each === state ? 1 : 0);
      }
      gauges.memory.set({ part: 'service' }, process.memoryUsage.rss());
      gauges.memory.set({ part: 'engine' }, rssBytes ?? 0);
    },
    setGpu: (gpu) => setGpuGauges(gauges, gpu),
    countEviction: (owner) => {
      // Names come from other services: who makes up new ones must not fill the memory.
      const isKnown = owners.has(owner) || owners.size < MAX_OWNERS;
      if (isKnown) owners.add(owner);
      counters.gpuEvictions.inc({ owner: isKnown ? owner : 'other' });
    },
    observeUpload: (sizeBytes) => histograms.fileSize.observe(sizeBytes / BYTES_PER_MB),
    observeQueueWait: (seconds) => histograms.queueWait.observe(seconds),
    countTranscription: ({ model, language, characters, audioSeconds, workSeconds }) => {
      counters.requests.inc({ status: 'success', model, language });
      counters.characters.inc(characters);
      counters.audioSeconds.inc(audioSeconds);
      histograms.transcription.observe({ model }, workSeconds);
    },
    countFailure: (model) => counters.requests.inc({ status: 'error', model, language: 'unknown' }),
    countError: (code) => counters.errors.inc({ code }),
    setJobs: (counts) => {
      for (const [status, count] of Object.entries(counts)) gauges.jobs.set({ status }, count);
    },
    countJobAttempt: (outcome) => counters.jobAttempts.inc({ outcome }),
    countBackendAttempt: (backend, code) => counters.backendAttempts.inc({ backend, code }),
    countCaller: (kind) => counters.callers.inc({ kind }),
    countRefusal: (reason) => counters.refusals.inc({ reason }),
    countLimited: (limit) => counters.limited.inc({ limit }),
    render: async () => ({ contentType: registry.contentType, text: await registry.metrics() }),
  };
}

/** A series that begins with its first event looks to Prometheus as if nothing had happened: alerts would miss it. */
function startAtZero(counters: Readonly<Record<keyof typeof COUNTERS, Counter<string>>>): void {
  for (const code of ['internal', 'storage_full'] satisfies SttError['kind'][]) {
    counters.errors.inc({ code }, 0);
  }
  for (const outcome of ['done', 'failed', 'crashed'] satisfies JobOutcome[]) {
    counters.jobAttempts.inc({ outcome }, 0);
  }
}

function setGpuGauges(
  gauges: Readonly<Record<keyof typeof GAUGES, Gauge<string>>>,
  { problem, devices, leases, waiting, unreturned }: GpuReading,
): void {
  const { gpuProblem, gpuMemory, gpuLeased, gpuLeases, gpuUnreturned } = gauges;
  for (const it of [gpuProblem, gpuMemory, gpuLeased, gpuLeases, gpuUnreturned]) it.reset();
  if (problem !== null) gpuProblem.set({ problem }, 1);
  gauges.gpuWaiting.set(waiting);
  for (const { id: device, mib } of devices) {
    for (const [kind, value] of Object.entries(mib)) gpuMemory.set({ device, kind }, value);
  }
  for (const { owner, device, mib, isInUse } of leases) {
    gpuLeased.inc({ owner, device }, mib);
    gpuLeases.inc({ owner, state: isInUse ? 'in_use' : 'idle' });
  }
  for (const { owner, mib } of unreturned) gpuUnreturned.inc({ owner }, mib);
}

const MAX_OWNERS = 50;
const BYTES_PER_MB = 1024 * 1024;

function mapValues<Key extends string, From, To>(
  record: Readonly<Record<Key, From>>,
  map: (value: From) => To,
): Record<Key, To> {
  const entries = Object.entries<From>(record).map(([key, value]) => [key, map(value)]);
  // Object.fromEntries forgets the keys' names; they are those of `record`.
  return Object.fromEntries(entries) as Record<Key, To>;
}
