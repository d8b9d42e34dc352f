import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  isFinished,
  isTransient,
  type JobEvent,
  type JobState,
  MAX_ATTEMPTS,
  NEW_JOB,
  nextState,
  toJobError,
} from '#origin/jobs/job-state.ts';
import { type SttError, SttException } from '#shared/errors.ts';

const ENGINE_LOST: SttError = {
  kind: 'engine_unavailable',
  state: 'restarting',
  retryAfterSeconds: 1,
};

const event: fc.Arbitrary<JobEvent> = fc.constantFrom<JobEvent>(
  { type: 'start' },
  { type: 'succeed' },
  { type: 'fail', error: { kind: 'empty_file' } },
  { type: 'fail', error: ENGINE_LOST },
  { type: 'hand_back' },
  { type: 'crash' },
  { type: 'cancel' },
);

/** The state after events, of which those without meaning change nothing. */
function stateAfter(events: readonly JobEvent[]): JobState {
  return events.reduce((state, it) => nextState(state, it) ?? state, NEW_JOB);
}

describe('nextState', () => {
  it('never leaves a finished state, whatever happens', () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 30 }), event, (events, late) => {
        const state = stateAfter(events);
        if (isFinished(state.status)) expect(nextState(state, late)).toBeNull();
      }),
    );
  });

  it('ends every job after a bounded number of starts, however often the service or the engine ends', () => {
    const loss = fc.constantFrom<JobEvent>({ type: 'crash' }, { type: 'fail', error: ENGINE_LOST });
    const losses = fc.array(loss, { minLength: 2 * MAX_ATTEMPTS, maxLength: 20 });
    fc.assert(
      fc.property(losses, (list) => {
        const state = stateAfter(list.flatMap((it) => [{ type: 'start' } as const, it]));
        expect(state.status).toBe('failed');
        expect(state.attempts).toBeLessThan(2 * MAX_ATTEMPTS);
      }),
    );
  });

  it('can bring every job that has not ended to its end', () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 30 }), (events) => {
        const state = stateAfter(events);
        if (isFinished(state.status)) return;
        const started = nextState(state, { type: 'start' }) ?? state;
        expect(nextState(started, { type: 'succeed' })?.status).toBe('done');
      }),
    );
  });

  it('keeps an error exactly with the failed', () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 30 }), (events) => {
        const { status, error } = stateAfter(events);
        expect(error !== null).toBe(status === 'failed');
      }),
    );
  });

  it('gives a job up at the third crash and says so', () => {
    const crash: JobEvent[] = [{ type: 'start' }, { type: 'crash' }];
    expect(stateAfter([...crash, ...crash])).toMatchObject({ status: 'queued', crashes: 2 });
    expect(stateAfter([...crash, ...crash, ...crash])).toMatchObject({
      status: 'failed',
      error: { kind: 'job_given_up', crashes: 3 },
    });
  });

  it('does not count a start that was handed back', () => {
    const handBack: JobEvent[] = [{ type: 'start' }, { type: 'hand_back' }];
    expect(stateAfter([...handBack, ...handBack, ...handBack, ...handBack])).toEqual(NEW_JOB);
  });

  it('tries again when the engine was lost, and fails at once for a fault of the recording', () => {
    expect(stateAfter([{ type: 'start' }, { type: 'fail', error: ENGINE_LOST }]).status).toBe(
      'queued',
    );
    const bad = stateAfter([{ type: 'start' }, { type: 'fail', error: { kind: 'empty_file' } }]);
    expect(bad).toMatchObject({ status: 'failed', error: { kind: 'empty_file' } });
  });

  it('tries again later where no backend could do it now, but not while somebody waits', () => {
    const starting = {
      kind: 'no_backend',
      explanation: 'It starts.',
      retryAfterSeconds: 9,
    } as const;
    const failed: SttError = { kind: 'backends_failed', tried: [], retryAfterSeconds: 9 };
    const statusAfter = (error: SttError, isAwaited: boolean) =>
      stateAfter([{ type: 'start' }, { type: 'fail', error, isAwaited }]).status;
    expect([statusAfter(starting, false), statusAfter(failed, false)]).toEqual([
      'queued',
      'queued',
    ]);
    expect([statusAfter(starting, true), statusAfter(failed, true)]).toEqual(['failed', 'failed']);
    expect(statusAfter({ ...starting, retryAfterSeconds: null }, false)).toBe('failed');
  });
});

describe('isTransient', () => {
  it('is false for what another attempt cannot mend', () => {
    expect(isTransient({ kind: 'internal' })).toBe(false);
    expect(isTransient({ kind: 'storage_full' })).toBe(true);
  });

  it('is true for a model without room, unless it fits nowhere here', () => {
    const kind = 'no_memory_for_model';
    const refusal = { model: 'base', neededMib: 600, roomMib: 100, retryAfterSeconds: 10 };
    expect(isTransient({ kind, ...refusal, isTooLarge: false })).toBe(true);
    expect(isTransient({ kind, ...refusal, isTooLarge: true })).toBe(false);
  });
});

describe('toJobError', () => {
  it('keeps what is expected and hides the rest', () => {
    expect(toJobError(new SttException({ kind: 'empty_file' }))).toEqual({ kind: 'empty_file' });
    expect(toJobError(new Error('/secret/path'))).toEqual({ kind: 'internal' });
  });

  it('never says that the client of a job has gone', () => {
    expect(toJobError(new SttException({ kind: 'client_gone' }))).toEqual({ kind: 'internal' });
  });
});
