/** A bounded memory: the entry that was used least recently goes first. Holds no timers. */
export interface ExpiringCache<Value> {
  /** The entry, also one past its time: the caller decides what that means. */
  get(key: string): CachedValue<Value> | undefined;
  set(key: string, value: Value, expiresMs: number): void;
  delete(key: string): void;
  readonly size: number;
}

export interface CachedValue<Value> {
  readonly value: Value;
  /** On the caller's clock, in ms. */
  readonly expiresMs: number;
}

/** Makes an empty one. `maxEntries` is at least 1. */
export function createExpiringCache<Value>(maxEntries: number): ExpiringCache<Value> {
  const entries = new Map<string, CachedValue<Value>>();
  return {
    get(key) {
      const entry = entries.get(key);
      if (entry !== undefined) {
        // A Map keeps the order of insertion: this makes the entry the youngest.
        entries.delete(key);
        entries.set(key, entry);
      }
      return entry;
    },
    set(key, value, expiresMs) {
      entries.delete(key);
      if (entries.size >= maxEntries) {
        const oldest = entries.keys().next();
        if (!oldest.done) {
          entries.delete(oldest.value);
        }
      }
      entries.set(key, { value, expiresMs });
    },
    delete: (key) => {
      entries.delete(key);
    },
    get size() {
      return entries.size;
    },
  };
}
