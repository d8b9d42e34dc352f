import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fail, ok, type Result } from '#shared/result.ts';
import type { AttemptFailure } from '#shared/routing/try-in-order.ts';
import { type TryOptions, tryInOrder } from '#shared/routing/try-in-order.ts';
import { ManualClock } from '#test/support/manual-clock.ts';

type Answer = Result<string, AttemptFailure<string>>;

const BOTH = [{ backend: 'a' }, { backend: 'b' }];

function failure(move: 'final' | 'next' | 'again', retryAfterSeconds?: number): Answer {
  return fail({
    error: `${move} error`,
    move,
    code: `${move}_code`,
    ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
  });
}

/** Each backend gives its answers in turn. */
async function run(answers: Record<string, Answer[]>, options: Partial<TryOptions> = {}) {
  const asked: string[] = [];
  const clock = new ManualClock();
  const result = await tryInOrder(
    BOTH,
    async ({ backend }) => {
      asked.push(backend);
      return answers[backend]!.shift()!;
    },
    { now: clock.now, after: clock.after, timeoutMs: 1000, ...options },
  );
  return { asked, result };
}

describe('tryInOrder', () => {
  it('stops at the first answer and says who gave it', async () => {
    const { asked, result } = await run({ a: [ok('text')], b: [] });
    expect(asked).toEqual(['a']);
    expect(result).toMatchObject({ ok: true, value: { value: 'text', backend: 'a' } });
  });

  it('goes on after a failure of the backend and keeps the record', async () => {
    const { result } = await run({ a: [failure('next')], b: [ok('text')] });
    expect(result.ok && result.value.tried).toEqual([
      { backend: 'a', code: 'next_code', outcome: 'next', tookMs: 0 },
      { backend: 'b', code: 'ok', outcome: 'ok', tookMs: 0 },
    ]);
  });

  it('does not go on after a fault of the caller', async () => {
    const { asked, result } = await run({ a: [failure('final')], b: [ok('text')] });
    expect(asked).toEqual(['a']);
    expect(result).toMatchObject({ ok: false, error: { kind: 'final', error: 'final error' } });
  });

  it('gives the last error and the shortest wait when all have failed', async () => {
    const { result } = await run({ a: [failure('next', 7)], b: [failure('next', 20)] });
    expect(result).toMatchObject({
      ok: false,
      error: { kind: 'exhausted', error: 'next error', retryAfterSeconds: 7 },
    });
  });

  it('says when there was nobody to ask', async () => {
    const clock = new ManualClock();
    const options = { now: clock.now, after: clock.after, timeoutMs: 1 };
    const result = await tryInOrder([], async () => ok('never'), options);
    expect(result).toEqual({ ok: false, error: { kind: 'no_backend', tried: [] } });
  });

  it('asks a backend again only when both the failure and the caller permit it', async () => {
    const again = () => ({ a: [failure('again'), ok('second')], b: [ok('other')] });
    expect((await run(again())).asked).toEqual(['a', 'b']);
    expect((await run(again(), { retriesPerBackend: 1 })).asked).toEqual(['a', 'a']);
    const next = { a: [failure('next'), ok('second')], b: [ok('other')] };
    expect((await run(next, { retriesPerBackend: 3 })).asked).toEqual(['a', 'b']);
  });

  it('stops when the recording cannot be sent once more', async () => {
    const { asked, result } = await run(
      { a: [failure('next')], b: [ok('text')] },
      { canRepeat: () => false },
    );
    expect(asked).toEqual(['a']);
    expect(result).toMatchObject({ ok: false, error: { kind: 'exhausted' } });
  });

  it('gives up at the overall deadline, even when an attempt does not heed its signal', async () => {
    const clock = new ManualClock();
    const options = { now: clock.now, after: clock.after, timeoutMs: 1000 };
    const result = tryInOrder(BOTH, () => new Promise<Answer>(() => {}), options);
    await clock.until(1000);
    clock.advance(1000);
    expect(await result).toEqual({
      ok: false,
      error: {
        kind: 'timeout',
        tried: [{ backend: 'a', code: 'timeout', outcome: 'timeout', tookMs: 1000 }],
      },
    });
    expect(clock.pending()).toEqual([]);
  });

  it('aborts the attempt when the caller is gone', async () => {
    const caller = new AbortController();
    const clock = new ManualClock();
    const seen: AbortSignal[] = [];
    const result = tryInOrder(
      BOTH,
      (_, signal) => {
        seen.push(signal);
        caller.abort();
        return new Promise<Answer>(() => {});
      },
      { now: clock.now, after: clock.after, timeoutMs: 1000, signal: caller.signal },
    );
    expect(await result).toMatchObject({ ok: false, error: { kind: 'aborted' } });
    expect(seen.map(({ aborted }) => aborted)).toEqual([true]);
  });

  it('asks nobody for a caller that is already gone', async () => {
    const { asked, result } = await run({ a: [], b: [] }, { signal: AbortSignal.abort() });
    expect(asked).toEqual([]);
    expect(result).toMatchObject({ ok: false, error: { kind: 'aborted', tried: [] } });
  });

  it('throws on what an attempt throws, since that is a fault of the program', async () => {
    const clock = new ManualClock();
    const options = { now: clock.now, after: clock.after, timeoutMs: 1000 };
    const broken = async (): Promise<Answer> => {
      throw new TypeError('oops');
    };
    await expect(tryInOrder(BOTH, broken, options)).rejects.toThrow('oops');
    expect(clock.pending()).toEqual([]);
  });

  it('never asks a backend twice without leave, whatever they answer', async () => {
    const move = fc.constantFrom<'final' | 'next' | 'again'>('final', 'next', 'again');
    await fc.assert(
      fc.asyncProperty(
        fc.array(move, { minLength: 12, maxLength: 12 }),
        fc.nat(2),
        async (moves, retriesPerBackend) => {
          const script = moves.map((it) => failure(it));
          const given: string[] = [];
          const clock = new ManualClock();
          await tryInOrder(
            [...BOTH, { backend: 'a' }],
            async ({ backend }) => {
              const before = given.findLast((it) => it.startsWith(`${backend}:`));
              expect(before === undefined || before.endsWith(':again')).toBe(true);
              const answer = script.shift()!;
              given.push(`${backend}:${answer.ok ? 'ok' : answer.error.move}`);
              return answer;
            },
            { now: clock.now, after: clock.after, timeoutMs: 1, retriesPerBackend },
          );
          if (retriesPerBackend === 0)
            expect(new Set(given.slice(0, 2)).size).toBe(Math.min(2, given.length));
        },
      ),
      { seed: 3, numRuns: 200 },
    );
  });
});
