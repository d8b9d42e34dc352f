import { describeAuthenticationInWorker } from '#test/support/auth-in-worker.ts';

describeAuthenticationInWorker(
  'workerd',
  './auth-worker.ts',
  // Wrangler is a proxy in front of the Worker, and says so in its headers.
  ({ name }) => name !== 'nothing configured, on loopback',
);
