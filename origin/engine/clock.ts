/** Time as the engine's parts see it, so that tests can move it by hand. */
export interface Clock {
  /** Milliseconds since any fixed moment; never goes backwards. */
  now(): number;
  /** Runs `action` once after `delayMs`; the function returned takes it back. */
  after(delayMs: number, action: () => void): () => void;
}

/** The real clock. */
export const systemClock: Clock = {
  now: () => performance.now(),
  after: (delayMs, action) => {
    const timer = setTimeout(action, delayMs);
    return () => clearTimeout(timer);
  },
};
