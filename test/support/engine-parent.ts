/**
 * A service with an engine and nothing else, for a test to kill. Makes one call, to load the model that the first
 * argument names, and tells the engine's process id.
 */
import { EngineProcess } from '#origin/engine/engine-process.ts';

const quiet = () => undefined;
const engine = new EngineProcess({
  settings: { device: 'cpu' },
  graphsModule: new URL('./fake-graphs.ts', import.meta.url).href,
  idleTimeoutSeconds: -1,
  log: {
    info: (fields: { readonly pid?: number }) => {
      if (fields.pid !== undefined) setImmediate(() => process.send?.({ pid: fields.pid }));
    },
    warn: quiet,
    error: quiet,
  },
});
await engine.load({ model: process.argv[2] ?? 'base' });
