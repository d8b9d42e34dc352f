import { describe, expect, it } from 'vitest';
import { failOpen } from '#edge-worker/backends/breakers.ts';
import {
  BREAKER_IDLE_MS,
  BreakerTable,
  createMemoryBreakers,
  MAX_BREAKERS,
} from '#shared/routing/breaker-table.ts';
import { DEFAULT_BREAKER_OPTIONS } from '#shared/routing/circuit-breaker.ts';

const { failureThreshold, coolDownMs } = DEFAULT_BREAKER_OPTIONS;
const FAILURE = { kind: 'failure' } as const;
const SUCCESS = { kind: 'success' } as const;

function play() {
  const clock = { nowMs: 1_000_000 };
  const changes: [string, boolean][] = [];
  const table = new BreakerTable({
    now: () => clock.nowMs,
    random: () => 0,
    onChange: (backend, entry) => changes.push([backend, entry !== null]),
  });
  return { table, clock, changes };
}

/** As many failures as open it. */
function breakDown(table: BreakerTable, backend: string): void {
  for (let turn = 0; turn < failureThreshold; turn += 1) {
    const { permit } = table.admit(backend);
    table.report(backend, permit ?? -1, FAILURE);
  }
}

describe('BreakerTable', () => {
  it('lets a backend that nobody has heard of be asked, and then knows it as closed', () => {
    const { table } = play();
    expect(table.look()).toEqual([]);
    expect(table.admit('mistral')).toEqual({ permit: 0, retryAfterMs: 0 });
    const closed = { backend: 'mistral', state: 'closed', isOpen: false, last: null };
    expect(table.look()).toEqual([closed]);
  });

  it('keeps backends apart', () => {
    const { table } = play();
    breakDown(table, 'mistral');
    expect(table.admit('mistral')).toEqual({ permit: null, retryAfterMs: coolDownMs });
    expect(table.admit('whisperx').permit).not.toBeNull();
  });

  it('tells the last outcome that says something of the backend', () => {
    const { table, clock } = play();
    const { permit } = table.admit('mistral');
    table.report('mistral', permit ?? -1, SUCCESS);
    clock.nowMs += 5;
    table.report('mistral', permit ?? -1, { kind: 'neutral' });
    expect(table.look()[0]?.last).toEqual({ kind: 'success', atMs: 1_000_000 });
  });

  it('lets one probe out after the cool-down, and looking takes none', () => {
    const { table, clock } = play();
    breakDown(table, 'mistral');
    expect(table.look()[0]).toMatchObject({ state: 'open', isOpen: true });
    clock.nowMs += coolDownMs;
    expect(table.look()[0]).toMatchObject({ state: 'open', isOpen: false });
    const permits = Array.from({ length: 20 }, () => table.admit('mistral').permit);
    expect(permits.filter((permit) => permit !== null)).toHaveLength(1);
    expect(table.look()[0]).toMatchObject({ state: 'half-open', isOpen: true });
  });

  it('takes a wait that is no number for none', () => {
    const { table, clock } = play();
    const { permit } = table.admit('mistral');
    table.report('mistral', permit ?? -1, { kind: 'failure', retryAfterMs: Number.NaN });
    clock.nowMs += 1;
    expect(table.admit('mistral').permit).not.toBeNull();
  });

  it.each(['', 'a b', 'a/b', 'x'.repeat(65), 'ä', 'a\n'])('refuses the name %j', (backend) => {
    expect(() => play().table.admit(backend)).toThrow(TypeError);
    expect(() => play().table.report(backend, 0, SUCCESS)).toThrow(TypeError);
  });

  it('has room for 50, and forgets the one that was asked for longest ago', () => {
    const { table, clock, changes } = play();
    for (let index = 0; index <= MAX_BREAKERS; index += 1) {
      clock.nowMs += 1;
      table.admit(`backend-${index}`);
    }
    expect(table.look()).toHaveLength(MAX_BREAKERS);
    expect(changes).toContainEqual(['backend-0', false]);
    expect(table.look().map(({ backend }) => backend)).not.toContain('backend-0');
  });

  it('forgets what nobody asked for a day', () => {
    const { table, clock } = play();
    table.admit('old');
    clock.nowMs += 1;
    table.admit('new');
    clock.nowMs += BREAKER_IDLE_MS - 1;
    expect(table.forgetIdle()).toBe(1);
    expect(table.look()).toMatchObject([{ backend: 'new' }]);
  });
});

describe('failOpen', () => {
  const log: unknown[] = [];
  const logger = (...line: unknown[]) => void log.push(line);
  const never = () => new Promise<never>(() => {});
  const broken = () => Promise.reject(new Error('gone'));

  it.each([
    ['fails', { look: broken, admit: broken, report: broken }],
    ['says nothing in time', { look: never, admit: never, report: never }],
  ])('lets everything through when the board %s, and says so', async (_what, inner) => {
    log.length = 0;
    const at = (_delayMs: number, action: () => void) => {
      queueMicrotask(() => queueMicrotask(action));
      return () => {};
    };
    const board = failOpen(inner, logger, { after: at });
    expect(await board.look()).toEqual([]);
    const { permit, retryAfterMs } = await board.admit('mistral');
    expect([permit, retryAfterMs]).toEqual([-1, 0]);
    await board.report('mistral', -1, SUCCESS);
    expect(log).toHaveLength(3);
  });

  it('hands out a permit whose outcome no breaker heeds', () => {
    const { table } = play();
    for (let turn = 0; turn < 2 * failureThreshold; turn += 1) table.report('mistral', -1, FAILURE);
    expect(table.look()).toMatchObject([{ state: 'closed' }]);
  });
});

describe('createMemoryBreakers', () => {
  it('is a board', async () => {
    const board = createMemoryBreakers({ now: () => 0 });
    const { permit } = await board.admit('mistral');
    await board.report('mistral', permit ?? -1, SUCCESS);
    expect(await board.look()).toMatchObject([{ backend: 'mistral', state: 'closed' }]);
  });
});
