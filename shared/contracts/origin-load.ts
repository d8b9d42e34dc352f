/** How busy an origin is, as it says with every answer: `X-Mana-Load: free=2;waiting=0`. */
export interface OriginLoad {
  /** Recordings that it could begin at once. */
  readonly freeSlots: number;
  /** Recordings that wait for a slot, of jobs and of requests. */
  readonly waiting: number;
}

/** The header that carries it. */
export const LOAD_HEADER = 'X-Mana-Load';

/** Counts that are no whole number from 0 to `MAX_COUNT` are written as the nearest one. */
export function writeOriginLoad({ freeSlots, waiting }: OriginLoad): string {
  return `free=${bound(freeSlots)};waiting=${bound(waiting)}`;
}

/**
 * Reads the header. Members that a later origin may add are passed over.
 * @returns null when there is none, or one that no origin writes
 */
export function readOriginLoad(header: string | null | undefined): OriginLoad | null {
  if (header === null || header === undefined || header.length > MAX_CHARACTERS) return null;
  const counts = new Map<string, number>();
  for (const member of header.split(';')) {
    const [, name = '', digits = ''] = MEMBER.exec(member) ?? [];
    const count = Number(digits);
    if (name === '' || counts.has(name) || count > MAX_COUNT) return null;
    counts.set(name, count);
  }
  const [freeSlots, waiting] = [counts.get('free'), counts.get('waiting')];
  return freeSlots === undefined || waiting === undefined ? null : { freeSlots, waiting };
}

/** More than any machine has; keeps sums over origins exact. */
const MAX_COUNT = 1_000_000;
const MAX_CHARACTERS = 128;
const MEMBER = /^([a-z_]{1,20})=(\d{1,7})$/;

function bound(count: number): number {
  return Number.isNaN(count) ? 0 : Math.min(Math.max(Math.trunc(count), 0), MAX_COUNT);
}
