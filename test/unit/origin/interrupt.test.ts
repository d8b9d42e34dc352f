import { describe, expect, it } from 'vitest';
import { Interrupt } from '#origin/routes/interrupt.ts';

describe('Interrupt', () => {
  it('passes on what the work gives or throws', async () => {
    const interrupt = new Interrupt();
    await expect(interrupt.wait(Promise.resolve(7))).resolves.toBe(7);
    await expect(interrupt.wait(Promise.reject(new Error('own')))).rejects.toThrow('own');
  });

  it('reaches whoever waits', async () => {
    const interrupt = new Interrupt();
    const waiting = interrupt.wait(new Promise(() => {}));
    interrupt.trigger(new Error('stop'));
    await expect(waiting).rejects.toThrow('stop');
  });

  it('reaches whoever comes later, with the first reason', async () => {
    const interrupt = new Interrupt();
    interrupt.trigger(new Error('first'));
    interrupt.trigger(new Error('second'));
    await expect(interrupt.wait(Promise.resolve(7))).rejects.toThrow('first');
  });
});
