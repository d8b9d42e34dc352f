/** The composition of Voxtral on this machine: from settings to a server that can be used. */
import { join } from 'node:path';
import { type Clock, systemClock } from '#origin/engine/clock.ts';
import { ExternalVllm } from '#origin/voxtral/external-server.ts';
import { endLeftovers } from '#origin/voxtral/run-file.ts';
import type { VoxtralServer } from '#origin/voxtral/server.ts';
import { VllmSupervisor } from '#origin/voxtral/supervisor.ts';
import type { SupervisorOptions } from '#origin/voxtral/supervisor-options.ts';
import type { VoxtralSettings } from '#origin/voxtral/voxtral-settings.ts';

export interface VoxtralDependencies
  extends Pick<SupervisorOptions, 'environment' | 'log' | 'readUsedMib' | 'onState'> {
  /** DATA_DIR; it must be there. */
  readonly dataDir: string;
  readonly clock?: Clock;
}

/**
 * Nothing is started before the first use. What an earlier run of the service left behind is ended in any case, also
 * where Voxtral is switched off by now. Whoever opens it calls `stop`.
 *
 * @param settings null: Voxtral is off
 */
export async function openVoxtral(
  settings: VoxtralSettings | null,
  { dataDir, clock = systemClock, ...dependencies }: VoxtralDependencies,
): Promise<VoxtralServer | null> {
  const runFile = join(dataDir, 'vllm-run.json');
  if (settings?.server.kind === 'supervised') {
    const { model, server } = settings;
    const { launch } = server;
    const supervisor = new VllmSupervisor({ model, launch, runFile, clock, ...dependencies });
    await supervisor.cleanUp();
    return supervisor;
  }
  const ended = await endLeftovers(runFile, pauseBy(clock));
  if (ended.length > 0) dependencies.log.warn({ ended }, 'ended a vllm that nobody uses any more');
  if (settings === null || settings.server.kind !== 'external') return null;
  const { baseUrl, apiKey } = settings.server;
  return new ExternalVllm({ model: settings.model, baseUrl, apiKey, clock });
}

function pauseBy(clock: Clock): (ms: number) => Promise<void> {
  return (ms) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    clock.after(ms, resolve);
    return promise;
  };
}
