import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { unstable_startWorker as startWorker } from 'wrangler';
import { CASE_PATH } from '#test/support/auth-cases/auth-case.ts';
import { describeAuthentication } from '#test/support/auth-conformance.ts';
import { type AuthWorld, createAuthWorld } from '#test/support/auth-world.ts';

let world: AuthWorld;
let stateDir: string;
let worker: Awaited<ReturnType<typeof startWorker>>;
let url: string;
beforeAll(async () => {
  world = await createAuthWorld();
  stateDir = await mkdtemp(join(tmpdir(), 'mana-stt-edge-auth-'));
  worker = await startWorker({
    name: 'edge-under-test',
    entrypoint: new URL('../worker/support/edge-auth-worker.ts', import.meta.url).pathname,
    compatibilityDate: '2026-10-15',
    dev: {
      server: { hostname: '127.0.0.1', port: 0 },
      inspector: false,
      watch: false,
      persist: stateDir,
      logLevel: 'none',
    },
  });
  await worker.ready;
  url = new URL(CASE_PATH, await worker.url).href;
});
afterAll(async () => {
  await worker?.dispose();
  await world?.close();
  await rm(stateDir, { recursive: true, force: true });
});

describeAuthentication(
  'the edge',
  () => ({
    world,
    send: (app, headers) =>
      fetch(url, { headers: { ...headers, 'x-test-app': btoa(JSON.stringify(app)) } }),
  }),
  ({ isOriginOnly }) => !isOriginOnly,
);
