/** The composition root: from settings to everything the app needs. */
import { Admission } from '#origin/admission/admission.ts';
import { openBackends } from '#origin/backends/open-backends.ts';
import type { OriginConfig } from '#origin/config.ts';
import { systemClock } from '#origin/engine/clock.ts';
import { createGate } from '#origin/gate.ts';
import { openJobs } from '#origin/jobs/open-jobs.ts';
import { createLogger } from '#origin/logger.ts';
import { createMetrics } from '#origin/metrics/metrics.ts';
import type { OriginDependencies } from '#origin/routes/origin-env.ts';
import { prepareSpool } from '#origin/spool.ts';
import { openTracing } from '#origin/tracing/open-tracing.ts';
import { openVram, type VramDependencies } from '#origin/vram/open-vram.ts';

/** With the gate, which only a library may leave out. */
export type RunningDependencies = OriginDependencies & Required<Pick<OriginDependencies, 'gate'>>;

/**
 * Makes the dependencies of a running origin. Whoever calls it closes `transcriber`, `backends`, `jobs` and `vram` at the end.
 * @throws ConfigError when the settings leave the service open to other machines
 * @throws Error when the spool folder, the jobs or the GPU leases cannot be used
 */
export async function createDependencies(config: OriginConfig): Promise<RunningDependencies> {
  const now = () => performance.now();
  const gate = createGate(config, { now, wallNow: Date.now, fetch });
  const logger = createLogger(config.logLevel);
  const removed = await prepareSpool(config.spoolDir);
  if (removed > 0) {
    logger.warn({ removed }, 'removed files that an earlier run left behind');
  }
  const metrics = createMetrics();
  const tracing = await openTracing(config.otlpEndpoint ?? null, logger);
  const traced = tracing === undefined ? {} : { tracing };
  const admission = new Admission({
    maxRunning: config.maxConcurrentRequests,
    maxQueue: config.maxQueue,
    now,
  });
  // Settings are checked before the pipeline and all that it loads.
  const { createTranscriber } = await import('#origin/pipeline/create-transcriber.ts');
  const clock = { ...systemClock, now: Date.now };
  const onEviction = ({ owner }: { readonly owner: string }) => metrics.countEviction(owner);
  const vram = await openLedger(config, { logger, clock, onEviction });
  const transcriber = createTranscriber(config, { logger, metrics, ...vram });
  const close = async () => {
    await transcriber.close();
    vram.vram?.manager.close();
  };
  const backends = await openBackends({
    ...{ config, transcriber, logger, metrics, now },
    environment: process.env,
  }).catch(async (error: unknown) => {
    await close();
    throw error;
  });
  const { chargeAudio } = gate;
  const jobs = await openJobs({
    ...{ config, admission, transcriber, backends, logger, metrics, clock, chargeAudio },
    ...traced,
  }).catch(async (error: unknown) => {
    await Promise.all([close(), backends.close()]);
    throw error;
  });
  const parts = { gate, config, logger, metrics, transcriber, backends, admission, jobs, now };
  return { ...parts, ...traced, ...vram };
}

async function openLedger(
  config: OriginConfig,
  tools: Pick<VramDependencies, 'logger' | 'clock' | 'onEviction'>,
): Promise<Pick<OriginDependencies, 'vram'>> {
  return config.gpuLedger === 'off' ? {} : { vram: await openVram({ ...tools, config, fetch }) };
}
