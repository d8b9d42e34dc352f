import type { EdgeContext } from '#edge-worker/edge-env.ts';

/**
 * Keeps the Worker alive for work that nobody waits for, after the answer and when the client has left. Faults are
 * the work's own business. Outside of a Worker (`app.fetch` in a test) nothing has to be kept alive.
 */
export function afterwards(c: EdgeContext): (work: Promise<unknown>) => void {
  return (work) => {
    const settled = work.catch(() => {});
    try {
      c.executionCtx.waitUntil(settled);
    } catch {
      // Hono throws where there is no context.
    }
  };
}
