import { afterAll, beforeAll } from 'vitest';
import { CASE_PATH } from '#test/support/auth-cases/auth-case.ts';
import type { AuthGroup } from '#test/support/auth-cases.ts';
import { type AuthTarget, describeAuthentication } from '#test/support/auth-conformance.ts';
import { type AuthWorld, createAuthWorld } from '#test/support/auth-world.ts';
import { type StartedWorker, startWorker } from '#test/support/started-worker.ts';

/** The cases of authentication against a Worker that reads its settings from `x-test-app`. */
export function describeAuthenticationInWorker(
  title: string,
  entry: string,
  isChosen: (group: AuthGroup) => boolean,
): void {
  let world: AuthWorld;
  let worker: StartedWorker;
  let url: URL;
  beforeAll(async () => {
    world = await createAuthWorld();
    worker = await startWorker('auth-under-test', entry);
    url = new URL(CASE_PATH, worker.url);
  });
  afterAll(async () => {
    await worker?.stop();
    await world?.close();
  });
  const send: AuthTarget['send'] = (app, headers) =>
    fetch(url, { headers: { ...headers, 'x-test-app': btoa(JSON.stringify(app)) } });
  describeAuthentication(title, () => ({ world, send }), isChosen);
}
