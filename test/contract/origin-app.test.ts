/** The app as a handler library: mounted without a server, with the dependencies of its host. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createOriginApp, type OriginDependencies } from '#origin/app.ts';
import { IndexResponse } from '#shared/contracts/service.ts';
import { fail } from '#shared/result.ts';
import { form, RECORDING } from '#test/support/forms.ts';
import { startTestOrigin, type TestOrigin } from '#test/support/origin-server.ts';

let origin: TestOrigin;

beforeEach(async () => {
  origin = await startTestOrigin();
});

afterEach(async () => {
  expect(await origin.listSpool()).toEqual([]);
  await origin.stop();
});

const refuseAll = (gate: OriginDependencies['gate']) => ({
  ...gate!,
  access: 'required' as const,
  authenticate: async () => fail({ kind: 'no_credential' as const }),
});

describe('createOriginApp', () => {
  it('transcribes a request that came by no socket', async () => {
    const app = createOriginApp(origin.dependencies);
    const body = form(['file', RECORDING], ['language', 'fr']);
    const response = await app.request('/transcribe', { method: 'POST', body });
    expect(response.status).toBe(200);
    expect(origin.transcriber.jobs[0]?.request.options.language).toBe('fr');
  });

  it('rejects a request without any body with 415', async () => {
    const response = await createOriginApp(origin.dependencies).request('/transcribe', {
      method: 'POST',
    });
    expect(response.status).toBe(415);
  });

  it('lists its routes', async () => {
    const response = await createOriginApp(origin.dependencies).request('/');
    const { routes } = IndexResponse.parse(await response.json());
    expect(routes).toContain('POST /transcribe');
  });

  it('asks authenticate before it takes a place, and never for /health', async () => {
    const app = createOriginApp({
      ...origin.dependencies,
      gate: refuseAll(origin.dependencies.gate),
    });
    const status = async (path: string, method = 'GET') =>
      (await app.request(path, { method })).status;
    expect(await status('/transcribe', 'POST')).toBe(401);
    expect(await status('/models')).toBe(401);
    expect(await status('/health')).toBe(200);
    expect(origin.admission.counts()).toEqual({ running: 0, waiting: 0 });
  });

  it('opens /metrics to nobody whose address it cannot see', async () => {
    const response = await createOriginApp(origin.dependencies).request('/metrics');
    expect(response.status).toBe(401);
  });

  it.each([['10.0.0.0/33'], ['localhost'], ['10.0.0.0/8/8'], ['::1/x']])(
    'refuses to be made with METRICS_ALLOW=%s',
    (entry) => {
      const config = { ...origin.dependencies.config, metricsAllow: [entry] };
      expect(() => createOriginApp({ ...origin.dependencies, config })).toThrow(entry);
    },
  );

  it.each([
    ['127.0.0.0/8', 200],
    ['0.0.0.0/0', 200],
    ['10.0.0.0/8', 401],
    ['::1', 401],
  ])('with METRICS_ALLOW=%s answers this machine %i', async (METRICS_ALLOW, status) => {
    const listening = await startTestOrigin({ METRICS_ALLOW });
    expect((await fetch(`${listening.url}/metrics`)).status).toBe(status);
    await listening.stop();
  });
});
