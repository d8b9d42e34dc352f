/**
 * Why work could not be done by the engine.
 *
 * - `crashed`: the process died, or was ended because a call took too long.
 * - `start_failed`: the process does not come up, or has died too often to be started again at once.
 * - `out_of_memory`: the process, or the device, ran out of memory.
 * - `call_failed`: the call itself was refused with an error; the process lives on.
 * - `stopped`: the service is shutting down.
 * - `cancelled`: the caller's own signal was aborted.
 */
export type EngineFailureReason =
  | 'crashed'
  | 'start_failed'
  | 'out_of_memory'
  | 'call_failed'
  | 'stopped'
  | 'cancelled';

export interface EngineFailureOptions {
  /** When trying again makes sense, in whole seconds; null when it does not. */
  readonly retryAfterSeconds?: number | null;
  readonly cause?: unknown;
}

/** An expected failure of the engine. `message` is for the log and may name files: never send it to a client. */
export class EngineFailure extends Error {
  readonly reason: EngineFailureReason;
  readonly retryAfterSeconds: number | null;

  constructor(reason: EngineFailureReason, message: string, options: EngineFailureOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = reason === 'cancelled' ? 'AbortError' : 'EngineFailure';
    this.reason = reason;
    this.retryAfterSeconds = options.retryAfterSeconds ?? null;
  }
}

/** The failure of work whose caller has left. */
export function cancelledFailure(signal: AbortSignal): EngineFailure {
  return new EngineFailure('cancelled', 'the request was cancelled', { cause: signal.reason });
}

/** Whether the engine's process was lost with the call, so that the call itself may be innocent. */
export function lostProcess(failure: EngineFailure): boolean {
  return failure.reason === 'crashed' || failure.reason === 'out_of_memory';
}
