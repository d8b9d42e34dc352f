import { describeAuthenticationInWorker } from '#test/support/auth-in-worker.ts';

describeAuthenticationInWorker(
  'the edge',
  '../worker/support/edge-auth-worker.ts',
  ({ isOriginOnly }) => !isOriginOnly,
);
