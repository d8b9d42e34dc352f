import { cloudflareTest } from '@cloudflare/vitest-plugin';
import { defineConfig } from 'vitest/config';

// Wrangler keeps its state and its log inside the work tree, and tells nobody that it ran.
process.env['XDG_CONFIG_HOME'] = `${import.meta.dirname}/.wrangler/config`;
process.env['WRANGLER_SEND_METRICS'] = 'false';

export default defineConfig({
  test: {
    reporters: ['default', 'json'],
    outputFile: { json: 'build/test-report.json' },
    projects: [
      {
        test: {
          name: 'node',
          sequence: { groupOrder: 0 },
          include: ['test/**/*.test.ts'],
          exclude: ['test/worker/**', 'node_modules/**'],
          pool: 'forks',
          // One file waits for a process to start while the other one computes; more would starve each other.
          maxWorkers: 2,
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
      {
        // Inside workerd, with the Worker's own bindings.
        plugins: [
          cloudflareTest({
            wrangler: { configPath: './wrangler.toml', environment: 'dev' },
            miniflare: { bindings: { API_KEYS: 'sk-test:test' } },
          }),
        ],
        test: {
          name: 'workerd',
          sequence: { groupOrder: 1 },
          include: ['test/worker/**/*.test.ts'],
          fileParallelism: false,
          testTimeout: 30_000,
        },
      },
    ],
  },
});
