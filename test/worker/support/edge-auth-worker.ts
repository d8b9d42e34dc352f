/** The edge's own app in workerd: settings and the name of the app come with each request, so that one Worker plays many. */
import { createEdgeApp } from '#edge-worker/app.ts';
import { OriginClient } from '#edge-worker/backends/origin.ts';
import { readBindings } from '#edge-worker/bindings.ts';
import { createDependencies } from '#edge-worker/dependencies.ts';

type App = ReturnType<typeof createEdgeApp>;

const apps = new Map<string, App>();

const worker = {
  async fetch(request: Request): Promise<Response> {
    const { env, appId } = JSON.parse(atob(request.headers.get('x-test-app') ?? ''));
    const app = apps.get(appId) ?? openApp(env);
    apps.set(appId, app);
    return await app.fetch(request);
  },
};

function openApp(env: object): App {
  const config = readBindings({ ORIGINS: 'played=https://origin.test', ...BINDINGS, ...env });
  if (!config.ok) throw new Error(config.error.join('\n'));
  const [address] = config.value.origins;
  if (address === undefined) throw new Error('no origin');
  const played = new OriginClient(address, {
    access: null,
    sign: null,
    fetch: async () => Response.json(MODELS),
  });
  return createEdgeApp({ ...createDependencies(config.value), origins: [played] });
}

const PASS = { isAllowed: true, limit: 1, remaining: 1, resetSeconds: 0, retryAfterSeconds: 0 };

const none = () => {
  throw new Error('not used here');
};

const BINDINGS = {
  IP_SHIELD: { limit: async () => ({ success: true }) },
  UPLOADS: { put: none },
  // Exact limits have their own tests.
  RATE_LIMITER: { idFromName: () => '', get: () => ({ take: async () => PASS }) },
  BREAKERS: { idFromName: none },
  METRICS: { idFromName: () => '', get: () => ({ report: async () => {} }) },
};

const MODELS = {
  whisper: ['base'],
  voxtral_vllm: [],
  default_whisper: 'base',
  loaded: ['base'],
  aligners: {},
};

// biome-ignore lint/style/noDefaultExport: workerd looks for it
export default worker;
