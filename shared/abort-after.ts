/** A time limit as an `AbortSignal`, joined with the signal of whoever waits. */

export interface TimeLimit {
  /** Aborted by the parent, with its reason, or when the time is over, with a `TimeoutError`. */
  readonly signal: AbortSignal;
  /** The time ran out first. */
  hasExpired(): boolean;
  /** Lets go of timer and parent; call it in `finally`. */
  dispose(): void;
}

/** Runs `action` once after `delayMs`; the function returned takes it back. */
export type After = (delayMs: number, action: () => void) => () => void;

export const systemAfter: After = (delayMs, action) => {
  const timer = setTimeout(action, Math.min(delayMs, LONGEST_TIMER_MS));
  return () => clearTimeout(timer);
};

export function abortAfter(
  delayMs: number,
  parent: AbortSignal | undefined,
  after: After = systemAfter,
): TimeLimit {
  const controller = new AbortController();
  let isExpired = false;
  const onParent = () => controller.abort(parent?.reason);
  const takeBack = after(Math.max(0, delayMs), () => {
    if (controller.signal.aborted) return;
    isExpired = true;
    controller.abort(new DOMException('The time is over', 'TimeoutError'));
  });
  if (parent?.aborted === true) onParent();
  else parent?.addEventListener('abort', onParent, { once: true });
  return {
    signal: controller.signal,
    hasExpired: () => isExpired,
    dispose() {
      takeBack();
      parent?.removeEventListener('abort', onParent);
    },
  };
}

/** Fulfils with `promise`, or rejects with the signal's reason as soon as it is aborted. */
export async function untilAborted<Value>(
  promise: Promise<Value>,
  signal: AbortSignal,
): Promise<Value> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(signal.reason);
  if (signal.aborted) onAbort();
  signal.addEventListener('abort', onAbort, { once: true });
  // What comes after the abort is nobody's business any more.
  promise.catch(() => {});
  try {
    return await Promise.race([aborted, promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

const LONGEST_TIMER_MS = 2 ** 31 - 1;
