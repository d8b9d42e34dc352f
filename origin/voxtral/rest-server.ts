/** How an idle vLLM gives its memory back, and the proof that it did. */
import type { Clock } from '#origin/engine/clock.ts';
import type { VllmControl } from '#origin/voxtral/control.ts';
import type { IdleAction } from '#origin/voxtral/voxtral-settings.ts';

export interface RestTools {
  readonly control: VllmControl;
  readonly clock: Clock;
  /** Of the model on the card. */
  readonly weightsMib: number;
  readonly readUsedMib: () => Promise<number | null>;
  readonly endProcess: () => Promise<void>;
}

export interface RestOutcome {
  readonly isAsleep: boolean;
  /** It did not go as wanted. */
  readonly isTrouble: boolean;
  readonly message: string;
  readonly usedMibBefore: number | null;
  readonly usedMibAfter: number | null;
}

/**
 * Sleep has left most of the memory taken in several versions (vLLM 32714, 16663), so the reading decides: when too
 * little came back, the process is ended, which is the one sure way.
 */
export async function restServer(action: IdleAction, tools: RestTools): Promise<RestOutcome> {
  const { control, weightsMib, readUsedMib, endProcess } = tools;
  const usedMibBefore = await readUsedMib();
  const end = async (message: string, isTrouble: boolean): Promise<RestOutcome> => {
    await endProcess();
    const usedMibAfter = await readUsedMib();
    return { isAsleep: false, isTrouble, message, usedMibBefore, usedMibAfter };
  };
  if (action === 'stop') return await end('vllm was ended, because it was idle', false);
  if (!(await control.sleep(action === 'sleep-2' ? 2 : 1))) {
    return await end('vllm did not fall asleep, so it was ended', true);
  }
  const usedMibAfter = await settledReading(usedMibBefore, tools);
  const reading = { usedMibBefore, usedMibAfter };
  if (usedMibBefore === null || usedMibAfter === null) {
    return {
      isAsleep: true,
      isTrouble: false,
      message: 'vllm sleeps; nobody can tell whether its memory came back',
      ...reading,
    };
  }
  if (usedMibBefore - usedMibAfter < MIN_SHARE * weightsMib) {
    return await end('vllm slept without giving its memory back, so it was ended', true);
  }
  return { isAsleep: true, isTrouble: false, message: 'vllm sleeps', ...reading };
}

/** Of the weights, that must be free; the cache comes on top, and other programs may have taken some meanwhile. */
const MIN_SHARE = 0.7;
/** The driver may be a moment behind. */
const SECOND_LOOK_MS = 2000;

async function settledReading(
  before: number | null,
  { clock, weightsMib, readUsedMib }: RestTools,
): Promise<number | null> {
  const first = await readUsedMib();
  if (before === null || first === null || before - first >= MIN_SHARE * weightsMib) return first;
  const { promise, resolve } = Promise.withResolvers<void>();
  clock.after(SECOND_LOOK_MS, resolve);
  await promise;
  return await readUsedMib();
}
