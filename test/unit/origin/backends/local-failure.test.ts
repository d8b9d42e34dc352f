import { describe, expect, it } from 'vitest';
import { toLocalFailure } from '#origin/backends/local-failure.ts';
import { SttException } from '#shared/errors.ts';

describe('toLocalFailure', () => {
  it('asks the next backend where the engine fails, and holds that against it', () => {
    const kind = 'engine_unavailable';
    const failed = new SttException({ kind, state: 'failed', retryAfterSeconds: 30 });
    expect(toLocalFailure(failed)).toMatchObject({
      result: { error: { move: 'next', code: kind, retryAfterSeconds: 30 } },
      outcome: { kind: 'failure' },
    });
  });

  it('asks the next backend where a model has no room, which says nothing against the engine', () => {
    const kind = 'no_memory_for_model';
    const refusal = { model: 'large-v3', neededMib: 9000, roomMib: 100, retryAfterSeconds: 10 };
    const refused = new SttException({ kind, ...refusal, isTooLarge: true });
    expect(toLocalFailure(refused)).toMatchObject({
      result: { error: { move: 'next', code: kind } },
      outcome: { kind: 'neutral' },
    });
  });

  it('ends with what is at fault everywhere', () => {
    const empty = new SttException({ kind: 'empty_file' });
    expect(toLocalFailure(empty)).toMatchObject({ result: { error: { move: 'final' } } });
  });

  it('passes on what nobody expected', () => {
    const fault = new Error('a bug');
    expect(() => toLocalFailure(fault)).toThrow(fault);
  });
});
