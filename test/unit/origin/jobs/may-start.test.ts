import { describe, expect, it } from 'vitest';
import { type Candidate, mayStart } from '#origin/jobs/may-start.ts';

const job = (isAwaited: boolean, crashes = 0): Candidate => ({ isAwaited, crashes });
const [AWAITED, BACKGROUND] = [job(true), job(false)];
const [SUSPECT_AWAITED, SUSPECT] = [job(true, 1), job(false, 1)];

describe('mayStart', () => {
  it.each([
    ['an awaited job beside any number of others', AWAITED, [AWAITED, AWAITED, BACKGROUND], true],
    ['a background job below its limit', BACKGROUND, [BACKGROUND, AWAITED, AWAITED], true],
    ['a background job at its limit', BACKGROUND, [BACKGROUND, BACKGROUND], false],
    ['a suspect with nobody else', SUSPECT, [], true],
    ['a suspect beside one of its kind', SUSPECT, [BACKGROUND], false],
    ['a job beside a suspect of its kind', BACKGROUND, [SUSPECT], false],
    ['an awaited job beside a suspect of its kind', AWAITED, [SUSPECT_AWAITED], false],
    ['an awaited job beside a suspect of the other kind', AWAITED, [SUSPECT], true],
    ['an awaited suspect beside jobs of the other kind', SUSPECT_AWAITED, [BACKGROUND], true],
    ['a suspect beside a suspect of the other kind', SUSPECT, [SUSPECT_AWAITED], false],
    ['an awaited suspect beside a suspect', SUSPECT_AWAITED, [SUSPECT], false],
  ])('%s', (_what, candidate, running, expected) => {
    expect(mayStart(candidate, running, { maxBackground: 2 })).toBe(expected);
  });
});
