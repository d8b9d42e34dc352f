/** The least app in workerd: settings and the name of the app come with each request, so that one Worker plays many. */
import { createAuthApp } from '#test/support/auth-app.ts';

const apps = new Map<string, ReturnType<typeof createAuthApp>>();

const worker = {
  async fetch(request: Request): Promise<Response> {
    const { env, appId } = JSON.parse(atob(request.headers.get('x-test-app') ?? ''));
    const app = apps.get(appId) ?? createAuthApp(env);
    apps.set(appId, app);
    return await app.fetch(request);
  },
};

// biome-ignore lint/style/noDefaultExport: workerd looks for it
export default worker;
