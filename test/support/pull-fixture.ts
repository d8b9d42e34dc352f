/** A tiny model on a local hub, and a client that pulls it into a temporary store. */
import { join } from 'node:path';
import { afterEach } from 'vitest';

import { createHub, type HubOptions } from '#models/hub.ts';
import type { PullOptions, PullProgress } from '#models/pull.ts';
import type { ModelEntry } from '#models/registry/entry.ts';
import { findModel } from '#models/registry.ts';
import { openStore, sourceDirOf } from '#models/store.ts';
import {
  type HubContent,
  type HubRepository,
  type HubServer,
  sha256,
  startHubServer,
} from '#test/support/hub-server.ts';
import { useTempDirs } from '#test/support/temp-dir.ts';

export const REPOSITORY = 'openai/whisper-tiny';
export const COMMIT = 'a'.repeat(40);
export const WEIGHTS = Buffer.from(Uint8Array.from({ length: 900_000 }, (_, i) => (i * 7919) >> 3));
export const ENTRY: ModelEntry = {
  ...findModel('tiny', 'whisper'),
  revision: COMMIT,
  weights: { dtype: 'F32', sha256: sha256(WEIGHTS) },
};
export const SMALL_FILES = ['config.json', 'generation_config.json', 'tokenizer.json'];

/** Gives functions that start hubs and clients; both are cleaned up after each test. */
export function usePulls() {
  const tempDir = useTempDirs();
  const servers: HubServer[] = [];
  afterEach(async () => {
    await Promise.all(servers.splice(0).map((server) => server.close()));
  });
  const serve = async (change: Partial<HubRepository> = {}): Promise<HubServer> => {
    const repository = { commit: COMMIT, files: filesWith(), ...change };
    const server = await startHubServer({ [REPOSITORY]: repository });
    servers.push(server);
    return server;
  };
  const prepare = (
    server: HubServer,
    change: Partial<PullOptions> = {},
    hubOptions: HubOptions = {},
  ) => {
    const store = change.store ?? openStore(join(tempDir(), 'models'));
    const retry = { backoffMs: 1, maxAttempts: 3 };
    const hub = createHub({ endpoint: server.endpoint, retry, ...hubOptions });
    const options: PullOptions = { entry: ENTRY, hub, store, ...change };
    const dir = sourceDirOf(store, 'tiny');
    return { options, dir, weights: join(dir, 'model.safetensors') };
  };
  return { serve, prepare };
}

export function filesWith(extra: Record<string, HubContent> = {}): Record<string, HubContent> {
  const small = SMALL_FILES.map((path) => [path, { bytes: Buffer.from(`{"of": "${path}"}`) }]);
  const weights = { bytes: WEIGHTS, isLarge: true };
  const unwanted = { bytes: Buffer.from('x'), isLarge: true };
  return {
    ...Object.fromEntries(small),
    'model.safetensors': weights,
    'pytorch_model.bin': unwanted,
    ...extra,
  };
}

/** A pull's progress that can be waited for. */
export function watchProgress() {
  const waiting: { readonly bytes: number; readonly resolve: () => void }[] = [];
  let last = 0;
  return {
    onProgress: ({ doneBytes, file }: PullProgress) => {
      if (file !== 'model.safetensors') return;
      last = doneBytes - smallBytes();
      for (const { bytes, resolve } of waiting) if (last >= bytes) resolve();
    },
    reaches: (bytes: number) =>
      new Promise<void>((resolve) => {
        if (last >= bytes) resolve();
        else waiting.push({ bytes, resolve });
      }),
  };
}

export function smallBytes(): number {
  const files = filesWith();
  return SMALL_FILES.reduce((sum, path) => sum + (files[path]?.bytes.length ?? 0), 0);
}
