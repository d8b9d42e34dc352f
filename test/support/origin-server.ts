/**
 * A real origin on a free port whose transcriber is driven by the test: what is tested here is everything between
 * the socket and the pipeline. The pipeline itself has its own tests, with real models.
 */
import { EventEmitter, once } from 'node:events';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Admission } from '#origin/admission/admission.ts';
import { createOriginApp } from '#origin/app.ts';
import { loadConfig } from '#origin/config.ts';
import { type Clock, systemClock } from '#origin/engine/clock.ts';
import { createGate } from '#origin/gate.ts';
import type { Jobs } from '#origin/jobs/jobs.ts';
import { openJobs } from '#origin/jobs/open-jobs.ts';
import { createLogger } from '#origin/logger.ts';
import { createMetrics } from '#origin/metrics/metrics.ts';
import type { TranscribeRequest, Transcriber } from '#origin/pipeline/transcriber.ts';
import type { OriginDependencies } from '#origin/routes/origin-env.ts';
import { type RunningServer, startServer } from '#origin/server.ts';
import { prepareSpool } from '#origin/spool.ts';
import type { Transcript } from '#shared/contracts/transcript.ts';
import { SttException } from '#shared/errors.ts';

export const TRANSCRIPT: Transcript = {
  text: 'Hello there.',
  language: 'en',
  languages: [{ language: 'en', probability: 0.98765 }],
  model: 'base',
  durationSeconds: 1.23456,
  segments: [
    {
      text: 'Hello there.',
      startSeconds: 0.1,
      endSeconds: 1.2,
      words: [
        { text: 'Hello', startSeconds: 0.1, endSeconds: 0.5, score: 0.91239 },
        { text: 'there.', startSeconds: 0.6, endSeconds: 1.2, score: 0.8 },
      ],
    },
  ],
  hasWordTimes: true,
  coverage: { speechSeconds: 1.1, transcribedSeconds: 1.1, recovered: [], missing: [] },
  warnings: [],
  timingsMs: { decode: 12.4 },
};

/** Work under way, which the test ends. */
export interface Job {
  readonly request: TranscribeRequest;
  finish(transcript?: Transcript): void;
  fail(error: unknown): void;
}

/** Answers at once, or holds each request until the test ends it. */
export class DrivenTranscriber implements Transcriber {
  readonly jobs: Job[] = [];
  readonly events = new EventEmitter();
  readonly seenBytes: number[] = [];
  holds = false;
  isClosed = false;

  async transcribe(request: TranscribeRequest): Promise<Transcript> {
    this.seenBytes.push((await stat(request.path)).size);
    const { promise, resolve, reject } = Promise.withResolvers<Transcript>();
    request.signal.addEventListener('abort', () => {
      this.events.emit('aborted');
      reject(new SttException({ kind: 'client_gone' }));
    });
    this.jobs.push({ request, finish: (it = TRANSCRIPT) => resolve(it), fail: reject });
    this.events.emit('job');
    if (!this.holds) {
      resolve(TRANSCRIPT);
    }
    return promise;
  }

  /** Waits until so many requests have reached the transcriber. */
  async job(count: number): Promise<Job> {
    while (this.jobs.length < count) {
      await once(this.events, 'job');
    }
    return this.jobs[count - 1]!;
  }

  models() {
    return { whisper: ['base', 'tiny'], defaultWhisper: 'base', loaded: ['base'], aligners: {} };
  }

  health() {
    return { whisperLoaded: true, engine: 'ready' as const, device: 'cpu' };
  }

  async close(): Promise<void> {
    this.isClosed = true;
    const retryAfterSeconds = 10;
    for (const job of this.jobs) {
      job.fail(new SttException({ kind: 'shutting_down', retryAfterSeconds }));
    }
  }
}

export interface TestOrigin {
  readonly url: string;
  readonly port: number;
  readonly server: RunningServer;
  readonly transcriber: DrivenTranscriber;
  readonly admission: Admission;
  readonly spoolDir: string;
  readonly dataDir: string;
  readonly jobs: Jobs;
  readonly dependencies: OriginDependencies;
  /** Lines of the log, parsed; emits `line`. */
  readonly log: Record<string, unknown>[];
  readonly logEvents: EventEmitter;
  listSpool(): Promise<string[]>;
  stop(): Promise<void>;
}

export interface TestOriginOptions {
  /** Of an earlier origin, whose jobs are to be found. */
  readonly dataDir?: string;
  /** For jobs: `now` is milliseconds since 1970. */
  readonly jobClock?: Clock;
  readonly principalId?: OriginDependencies['principalId'];
  /** Of one request to mana-auth. */
  readonly authTimeoutMs?: number;
  /** For limits per day: milliseconds since 1970. */
  readonly wallNow?: () => number;
}

export async function startTestOrigin(
  environment: Record<string, string> = {},
  options: TestOriginOptions = {},
): Promise<TestOrigin> {
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), 'mana-stt-test-')));
  const config = loadConfig({ PORT: '0', DATA_DIR: dataDir, DRAIN_TIMEOUT: '5', ...environment });
  await prepareSpool(config.spoolDir);
  const log: Record<string, unknown>[] = [];
  const logEvents = new EventEmitter();
  const logger = createLogger('debug', {
    write: (line) => {
      log.push(JSON.parse(line));
      logEvents.emit('line');
    },
  });
  const transcriber = new DrivenTranscriber();
  const now = () => performance.now();
  const { maxConcurrentRequests: maxRunning, maxQueue } = config;
  const admission = new Admission({ maxRunning, maxQueue, now });
  const metrics = createMetrics();
  const clock = options.jobClock ?? { ...systemClock, now: Date.now };
  const { principalId, authTimeoutMs: timeoutMs, wallNow = Date.now } = options;
  const gate = createGate(config, {
    ...{ now, wallNow, fetch },
    ...(timeoutMs !== undefined && { timeoutMs }),
  });
  const { chargeAudio } = gate;
  const jobs = await openJobs({
    ...{ config, logger, metrics, transcriber, admission, clock, chargeAudio },
  });
  const deps = {
    ...{ gate, config, logger, metrics, transcriber, admission, jobs, now },
    ...(principalId !== undefined && { principalId }),
  };
  const server = await startServer(createOriginApp(deps), deps);
  const listSpool = () => readdir(config.spoolDir);
  return {
    url: `http://127.0.0.1:${server.port}`,
    port: server.port,
    server,
    transcriber,
    admission,
    spoolDir: config.spoolDir,
    dataDir,
    jobs,
    dependencies: deps,
    log,
    logEvents,
    listSpool,
    stop: async () => {
      for (const job of transcriber.jobs) {
        job.finish();
      }
      await server.drain();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

/** Waits for the log line of a request that ended in a way the test describes. */
export async function logLine(
  origin: TestOrigin,
  matches: (line: Record<string, unknown>) => boolean,
): Promise<Record<string, unknown>> {
  for (;;) {
    const found = origin.log.find(matches);
    if (found !== undefined) {
      return found;
    }
    await once(origin.logEvents, 'line');
  }
}
