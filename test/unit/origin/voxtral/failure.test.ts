import { describe, expect, it } from 'vitest';
import {
  breakerOutcomeOf,
  describeVoxtralFailure,
  isServerTrouble,
  moveAfter,
  toAttemptFailure,
  type VoxtralFailure,
} from '#origin/voxtral/failure.ts';

const FAILURES: readonly VoxtralFailure[] = [
  { kind: 'unavailable', state: 'failed', retryAfterSeconds: 60 },
  { kind: 'unreachable' },
  { kind: 'timeout', limitMs: 300_000 },
  { kind: 'stalled', limitMs: 30_000 },
  { kind: 'overloaded', retryAfterSeconds: 3 },
  { kind: 'overloaded', retryAfterSeconds: null },
  { kind: 'server_error', status: 500 },
  { kind: 'error_in_answer' },
  { kind: 'broken_answer', problem: 'cut_off' },
  { kind: 'blank', speechSeconds: 12 },
  { kind: 'out_of_context' },
  { kind: 'refused', status: 400 },
  { kind: 'too_large' },
  { kind: 'unknown_model' },
  { kind: 'misconfigured', status: 401 },
  { kind: 'aborted' },
];

describe('failures of Voxtral', () => {
  it.each(FAILURES)('$kind has a sentence of our own for the caller', (failure) => {
    expect(describeVoxtralFailure(failure)).toMatch(/^[A-Z].*\.$/);
  });

  it.each(FAILURES)(
    '$kind leaves the recording to the next backend, unless the caller has gone',
    (failure) => {
      const { move, code } = toAttemptFailure(failure);
      expect(move).toBe(failure.kind === 'aborted' ? 'final' : 'next');
      expect(code).toMatch(/^[\w-]+$/);
    },
  );

  it('hands on how long to wait', () => {
    expect(toAttemptFailure(FAILURES[0]!).retryAfterSeconds).toBe(60);
    expect(breakerOutcomeOf(FAILURES[0]!)).toEqual({ kind: 'failure', retryAfterMs: 60_000 });
    expect(toAttemptFailure(FAILURES[5]!)).not.toHaveProperty('retryAfterSeconds');
    expect(breakerOutcomeOf(FAILURES[5]!)).toEqual({ kind: 'failure' });
  });

  it('blames the server only for what is not the fault of one recording', () => {
    const neutral = FAILURES.filter((failure) => breakerOutcomeOf(failure).kind === 'neutral');
    expect(neutral.map(({ kind }) => kind)).toEqual([
      'blank',
      'out_of_context',
      'too_large',
      'aborted',
    ]);
    const troubles = FAILURES.filter(isServerTrouble).map(({ kind }) => kind);
    expect(troubles).toEqual(['unreachable', 'timeout', 'stalled', 'server_error']);
  });

  it('sends a piece again only where that may help', () => {
    const again = FAILURES.filter((failure) => moveAfter(failure) === 'again').map(
      ({ kind }) => kind,
    );
    expect(new Set(again)).toEqual(
      new Set([
        'unreachable',
        'stalled',
        'overloaded',
        'server_error',
        'error_in_answer',
        'broken_answer',
        'blank',
      ]),
    );
  });
});
