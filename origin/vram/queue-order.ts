/**
 * Who is served next. Pure. Higher priority first; among equals each owner in turn, then by age. Who was overtaken too
 * often, or waits too long, goes before all others and lets nobody pass: so every wait has an end.
 */
import type { Waiting } from '#origin/vram/lease.ts';

export interface QueueRules {
  /** So often a demand may see somebody who came later be served before it. */
  readonly maxOvertaken: number;
  /** After so long nobody passes any more. */
  readonly dueMs: number;
}

/** Nobody may pass this one on a device that it could use. */
export function isDue(waiting: Waiting, rules: QueueRules, nowMs: number): boolean {
  return waiting.overtaken >= rules.maxOvertaken || nowMs - waiting.sinceMs >= rules.dueMs;
}

/** All of the queue in the order in which they are tried. `queue` is in order of arrival. */
export function inOrder(queue: readonly Waiting[], rules: QueueRules, nowMs: number): Waiting[] {
  const rounds = new Map<string, number>();
  const ranked = queue.map((waiting) => {
    const round = rounds.get(waiting.demand.owner) ?? 0;
    rounds.set(waiting.demand.owner, round + 1);
    const { priority } = waiting.demand;
    return { waiting, round, priority, isDue: isDue(waiting, rules, nowMs) };
  });
  ranked.sort((a, b) => {
    if (a.isDue || b.isDue) {
      return Number(b.isDue) - Number(a.isDue) || a.waiting.sequence - b.waiting.sequence;
    }
    return b.priority - a.priority || a.round - b.round || a.waiting.sequence - b.waiting.sequence;
  });
  return ranked.map(({ waiting }) => waiting);
}
