/** How the supervisor of vLLM gives memory back and takes it again, with a stand-in as a process of its own. */
import { describe, expect, it } from 'vitest';
import { ok } from '#shared/result.ts';
import { HeldClock } from '#test/support/held-clock.ts';
import { ANSWER, ask, isRunning, useVllm } from '#test/support/vllm-world.ts';

const makeVllm = useVllm();
/** As in the sources. */
const SECOND_LOOK_MS = 2000;

describe('VllmSupervisor: giving memory back', () => {
  it.each(['sleep-1', 'sleep-2'] as const)(
    'sleeps by %s, gives the memory back and wakes for the next use',
    async (idleAction) => {
      const { vllm, until, states, log } = await makeVllm({
        launch: { idleAction, idleTimeoutSeconds: 0 },
      });
      await ask(vllm);
      const { pid } = vllm.status();
      await until((status) => status.state === 'asleep');
      expect(log.find(({ message }) => message === 'vllm sleeps')?.fields).toMatchObject({
        usedMibBefore: 14_000,
        usedMibAfter: 700,
      });
      expect(await ask(vllm)).toEqual(ANSWER);
      expect(vllm.status().pid).toBe(pid);
      expect(states.slice(0, 6)).toEqual([
        'starting',
        'ready',
        'resting',
        'asleep',
        'waking',
        'ready',
      ]);
    },
  );

  it('ends the process when its memory does not come back', async () => {
    const clock = new HeldClock(SECOND_LOOK_MS);
    const { vllm, log } = await makeVllm({ modes: { sleep: 'leak' }, clock });
    await ask(vllm);
    const { pid } = vllm.status();
    const released = vllm.release({ graceMs: 0 });
    await clock.fire(SECOND_LOOK_MS);
    await released;
    expect(vllm.status()).toMatchObject({ state: 'off', crashes: 0 });
    expect(isRunning(pid!)).toBe(false);
    expect(log.findLast(({ level }) => level === 'warn')).toMatchObject({
      message: 'vllm slept without giving its memory back, so it was ended',
      fields: { usedMibBefore: 14_000, usedMibAfter: 0 },
    });
  });

  it('ends the process when it does not fall asleep', async () => {
    const { vllm, until } = await makeVllm({
      modes: { sleep: 'fail' },
      launch: { idleTimeoutSeconds: 0 },
    });
    await ask(vllm);
    await until((status) => status.state === 'off');
    expect(await ask(vllm)).toEqual(ANSWER);
  });

  it('believes sleep where nobody can read the memory', async () => {
    const { vllm, until } = await makeVllm({
      launch: { idleTimeoutSeconds: 0 },
      readUsedMib: async () => null,
    });
    await ask(vllm);
    expect(await until((status) => status.state === 'asleep')).toMatchObject({ crashes: 0 });
  });

  it('takes a reading that fails for none', async () => {
    const { vllm } = await makeVllm({ readUsedMib: () => Promise.reject(new Error('no driver')) });
    await ask(vllm);
    await vllm.release({ graceMs: 0 });
    expect(vllm.status()).toMatchObject({ state: 'asleep', crashes: 0 });
  });

  it('can be killed asleep, and the next use starts another', async () => {
    const { vllm } = await makeVllm();
    await ask(vllm);
    const { pid } = vllm.status();
    await vllm.release({ graceMs: 0 });
    await vllm.kill();
    expect(isRunning(pid!)).toBe(false);
    expect(vllm.status()).toMatchObject({ state: 'off', crashes: 0 });
    expect(await ask(vllm)).toEqual(ANSWER);
  });

  it('starts anew when it does not wake up', async () => {
    const { vllm, until } = await makeVllm({
      modes: { wake: 'fail' },
      launch: { idleTimeoutSeconds: 0 },
    });
    await ask(vllm);
    const { pid } = vllm.status();
    await until((status) => status.state === 'asleep');
    expect(await ask(vllm)).toEqual(ANSWER);
    expect(isRunning(pid!)).toBe(false);
  });

  it('ends it instead where that is asked for, and offers no routes for sleep', async () => {
    const { vllm, until, baseUrl } = await makeVllm({
      launch: { idleAction: 'stop', idleTimeoutSeconds: 0 },
    });
    const status = await vllm.use(async () => ok((await fetch(`${baseUrl}/is_sleeping`)).status), {
      signal: new AbortController().signal,
      maxWaitMs: 60_000,
    });
    expect(status).toEqual({ ok: true, value: 404 });
    await until(({ state }) => state === 'off');
    expect(await ask(vllm)).toEqual(ANSWER);
  });

  it('never rests as long as somebody uses it', async () => {
    const { vllm, states } = await makeVllm({ launch: { idleTimeoutSeconds: 0 } });
    const signal = new AbortController().signal;
    const result = await vllm.use(
      async () => {
        await ask(vllm);
        return ok(vllm.status().state);
      },
      { signal, maxWaitMs: 60_000 },
    );
    expect(result).toEqual({ ok: true, value: 'ready' });
    expect(states).toEqual(['starting', 'ready']);
  });

  it('finishes running uses before it is released, and lets later ones wait', async () => {
    const { vllm, states, until } = await makeVllm();
    const running = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    const options = { signal: new AbortController().signal, maxWaitMs: 60_000 };
    const first = vllm.use(async () => {
      begun.resolve();
      await running.promise;
      return ok(vllm.status().state);
    }, options);
    await begun.promise;
    const released = vllm.release({ graceMs: 60_000 });
    await until(({ state }) => state === 'draining');
    const second = ask(vllm);
    running.resolve();
    expect(await first).toEqual({ ok: true, value: 'draining' });
    await released;
    expect(await second).toEqual(ANSWER);
    expect(states).toEqual([
      'starting',
      'ready',
      'draining',
      'resting',
      'asleep',
      'waking',
      'ready',
    ]);
  });

  it('waits for running uses only so long', async () => {
    const clock = new HeldClock(777);
    const { vllm } = await makeVllm({ clock });
    const running = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    const options = { signal: new AbortController().signal, maxWaitMs: 60_000 };
    const use = vllm.use(async () => {
      begun.resolve();
      await running.promise;
      return ok('late');
    }, options);
    await begun.promise;
    const released = vllm.release({ graceMs: 777 });
    await clock.fire(777);
    await released;
    expect(vllm.status().state).toBe('asleep');
    running.resolve();
    await use;
  });
});
