/** A Worker of the tests in workerd, behind wrangler's proxy, for as long as the tests of a file run. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unstable_startWorker } from 'wrangler';

export interface StartedWorker {
  readonly url: URL;
  /** Also removes its state. */
  stop(): Promise<void>;
}

/** @param entry of its module, from test/support */
export async function startWorker(name: string, entry: string): Promise<StartedWorker> {
  const stateDir = await mkdtemp(join(tmpdir(), `mana-stt-${name}-`));
  const worker = await unstable_startWorker({
    name,
    entrypoint: new URL(entry, import.meta.url).pathname,
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
  return {
    url: await worker.url,
    stop: async () => {
      await worker.dispose();
      await rm(stateDir, { recursive: true, force: true });
    },
  };
}
