/** Tries again where that may help: cut connections, stalls, hosts that are down or busy. */
import { setTimeout as wait } from 'node:timers/promises';

import { ModelError, type ModelErrorCode } from '#models/model-error.ts';

export interface RetryPolicy {
  /** Attempts in a row that got nowhere before the error is given up on. Default 5. */
  readonly maxAttempts?: number;
  /** Wait before the second attempt, in milliseconds; doubled for each further one. Default 1,000. */
  readonly backoffMs?: number;
}

const DEFAULT_ATTEMPTS = 5;
const DEFAULT_BACKOFF_MS = 1_000;
const MAX_WAIT_MS = 60_000;
/** However much progress each attempt makes. */
const MAX_ATTEMPTS_IN_ALL = 100;

const WORTH_RETRYING: ReadonlySet<ModelErrorCode> = new Set([
  'offline',
  'timeout',
  'cut-off',
  'server',
]);

/**
 * Runs `attempt` until it succeeds or fails for good. `attempt` gets its own way of saying that it made progress, which
 * starts the count anew.
 */
export async function withRetries<T>(
  attempt: (madeProgress: () => void) => Promise<T>,
  policy: RetryPolicy & { readonly signal?: AbortSignal | undefined },
): Promise<T> {
  const { maxAttempts = DEFAULT_ATTEMPTS, backoffMs = DEFAULT_BACKOFF_MS, signal } = policy;
  let inVain = 0;
  for (let tries = 1; ; tries++) {
    let progressed = false;
    try {
      return await attempt(() => {
        progressed = true;
      });
    } catch (error) {
      inVain = progressed ? 1 : inVain + 1;
      const retryable = error instanceof ModelError && WORTH_RETRYING.has(error.code);
      if (!retryable || inVain >= maxAttempts || tries >= MAX_ATTEMPTS_IN_ALL) throw error;
      await pause(error.retryAfterMs ?? backoffMs * 2 ** (inVain - 1), signal);
    }
  }
}

async function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await wait(
      Math.min(milliseconds, MAX_WAIT_MS),
      undefined,
      signal === undefined ? {} : { signal },
    );
  } catch (cause) {
    throw new ModelError('cancelled', 'The download was cancelled.', { cause });
  }
}
