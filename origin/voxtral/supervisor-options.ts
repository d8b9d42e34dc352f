import type { EngineLog } from '#origin/engine/child-output.ts';
import type { Clock } from '#origin/engine/clock.ts';
import type { RestartLimits } from '#origin/engine/restart-policy.ts';
import type { VoxtralModel } from '#origin/voxtral/models.ts';
import type { VoxtralStatus } from '#origin/voxtral/server.ts';
import type { VllmLaunch } from '#origin/voxtral/voxtral-settings.ts';

export interface SupervisorOptions {
  readonly model: VoxtralModel;
  readonly launch: VllmLaunch;
  /** Where the running vLLM is noted, for a next start of the service. */
  readonly runFile: string;
  /** Of the service. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly log: EngineLog;
  readonly fetch?: typeof fetch;
  readonly clock?: Clock;
  readonly restart?: Partial<RestartLimits>;
  /** How long a process that is asked to end may take before it is killed. Default 20 s. */
  readonly stopGraceMs?: number;
  /** Memory in use on the card by all programs, in MiB; null where it cannot be told. */
  readonly readUsedMib?: () => Promise<number | null>;
  readonly onState?: (status: VoxtralStatus) => void;
}
