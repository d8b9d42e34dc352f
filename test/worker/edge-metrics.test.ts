import { evictDurableObject, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import type { EdgeMetrics } from '#edge-worker/durable-objects/edge-metrics.ts';
import { MAX_SAMPLES, type MetricSample } from '#edge-worker/metrics/edge-metrics.ts';

const ONE: MetricSample = { metric: 'requests', labels: ['/transcribe', '200'], value: 1 };
const QUICK: MetricSample = { metric: 'requestDuration', labels: ['/transcribe'], value: 0.01 };

let stores = 0;
function openStore(): DurableObjectStub<EdgeMetrics> {
  stores += 1;
  return env.METRICS.get(env.METRICS.idFromName(`metrics-${stores}`));
}

describe('EdgeMetrics', () => {
  it('counts 200 reports at once exactly', async () => {
    const store = openStore();
    await Promise.all(Array.from({ length: 200 }, () => store.report([ONE, QUICK])));
    expect(await store.read()).toMatchObject([
      { metric: 'requests', labels: ['/transcribe', '200'], total: 200 },
      { metric: 'requestDuration', labels: ['/transcribe'] },
    ]);
  });

  it('goes on counting after an eviction', async () => {
    const store = openStore();
    await store.report([ONE, QUICK]);
    const before = await store.read();
    await evictDurableObject(store);
    const sorted = (await store.read()).toSorted((a) => (a.metric === 'requests' ? -1 : 1));
    expect(sorted).toEqual(before);
    await store.report([ONE]);
    expect(await store.read()).toContainEqual({ ...ONE, value: undefined, total: 2 });
  });

  it('reads no report beyond its bound', async () => {
    const store = openStore();
    await store.report(Array.from({ length: MAX_SAMPLES + 50 }, () => ONE));
    expect(await store.read()).toMatchObject([{ total: MAX_SAMPLES }]);
  });

  it('leaves out what an older version stored in another form', async () => {
    const store = openStore();
    await store.report([ONE, QUICK]);
    await runInDurableObject(store, (_instance, { storage }) => {
      const old = [
        { metric: 'requestDuration', labels: ['/x'], counts: [1, 2], sum: 3 },
        { metric: 'gone', labels: [], total: 3 },
        { metric: 'requests' },
      ];
      for (const [index, one] of old.entries()) {
        const json = JSON.stringify(one);
        storage.sql.exec('INSERT INTO series (key, json) VALUES (?, ?)', `old-${index}`, json);
      }
    });
    await evictDurableObject(store);
    expect(await store.read()).toHaveLength(2);
  });
});
