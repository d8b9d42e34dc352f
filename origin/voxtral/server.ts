/** A vLLM that serves one Voxtral model, whoever runs it: what the rest of the service knows of it. */
import type { VoxtralFailure } from '#origin/voxtral/failure.ts';
import type { StartProgress } from '#origin/voxtral/log-progress.ts';
import type { VoxtralModel } from '#origin/voxtral/models.ts';
import type { Result } from '#shared/result.ts';

/**
 * - `external`: somebody else's; nothing is known of it before it is asked.
 * - `off`: no process; the first use starts one.
 * - `starting`, `waking`: coming up; uses wait for it.
 * - `draining`, `resting`: it gives its memory back; uses wait, and then bring it up again.
 * - `asleep`: the process lives, its memory on the card is free.
 * - `restarting`: it was lost; the next one starts after a short delay.
 * - `failed`: it could not start, or was lost too often; uses are refused until `retryAfterSeconds` have passed.
 * - `stopped`: for good.
 */
export type VoxtralState =
  | 'external'
  | 'off'
  | 'starting'
  | 'ready'
  | 'draining'
  | 'resting'
  | 'asleep'
  | 'waking'
  | 'restarting'
  | 'failed'
  | 'stopped';

export interface VoxtralStatus {
  readonly state: VoxtralState;
  /** Why it is not ready, for the log and the operator, never for callers; null when all is well. */
  readonly reason: string | null;
  /** While it starts. */
  readonly progress: StartProgress | null;
  /** Processes lost since the service started. */
  readonly crashes: number;
  readonly pid: number | null;
}

/** Where to send requests, for as long as one use lasts. */
export interface ServerAddress {
  readonly baseUrl: string;
  readonly apiKey: string | null;
}

export interface UseOptions {
  readonly signal: AbortSignal;
  /** Longest wait for a server that is coming up, in milliseconds. */
  readonly maxWaitMs: number;
}

export interface VoxtralServer {
  readonly model: VoxtralModel;
  /**
   * Runs `work` when the server is up, and keeps it up meanwhile. Failures of `work` tell the supervisor how the server
   * is. `work` must heed the signal and must not throw.
   */
  use<Value>(
    work: (address: ServerAddress) => Promise<Result<Value, VoxtralFailure>>,
    options: UseOptions,
  ): Promise<Result<Value, VoxtralFailure>>;
  status(): VoxtralStatus;
  /** Whether a use would begin at once or after a wake or start that is likely to succeed. */
  isAvailable(): Promise<boolean>;
  /** Gives the memory on the card back as soon as running uses are over, at the latest after `graceMs`. */
  release(options: { readonly graceMs: number }): Promise<void>;
  /** Ends the process at once, whatever runs: its memory did not come back otherwise. The next use starts another. */
  kill(): Promise<void>;
  /** For good. Uses still running are cut off. */
  stop(): Promise<void>;
}
