/** The app on a TCP port, and how it goes down without dropping what it has accepted. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import type { Hono } from 'hono';
import type { OriginDependencies, OriginEnv } from '#origin/routes/origin-env.ts';

/** A server that listens. */
export interface RunningServer {
  readonly port: number;
  /**
   * Takes no new requests, lets those inside finish for at most `drainTimeoutSeconds`, then cuts what is left and
   * ends the engine. A second call joins the first.
   * @returns true when everything inside had finished in time
   */
  drain(): Promise<boolean>;
}

/**
 * Listens on the configured address.
 * @throws Error in one line when the address cannot be had
 */
export async function startServer(
  app: Hono<OriginEnv>,
  deps: Pick<OriginDependencies, 'config' | 'admission' | 'transcriber'>,
): Promise<RunningServer> {
  const { host, port } = deps.config;
  const listener = getRequestListener(app.fetch, { overrideGlobalObjects: false });
  const server = createServer(SERVER_OPTIONS, listener);
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(explainListenError(error, { host, port })));
    server.listen({ host, port }, resolve);
  });
  let drained: Promise<boolean> | null = null;
  return {
    // A TCP server's address is an object; only pipes have a string.
    port: (server.address() as AddressInfo).port,
    drain: () => {
      drained ??= drainServer(server, deps);
      return drained;
    },
  };
}

const SERVER_OPTIONS = {
  // The head of a request is small: 15 s stop clients that dribble it. The body has a limit of its own, on
  // silence and not on duration, since 100 MB over a slow line are legitimate.
  headersTimeout: 15_000,
  requestTimeout: 0,
  connectionsCheckingInterval: 5000,
  maxHeaderSize: 16 * 1024,
  // Longer than the 60 s of common proxies, so that it is they who close an idle connection.
  keepAliveTimeout: 75_000,
};

async function drainServer(
  server: Server,
  deps: Pick<OriginDependencies, 'config' | 'admission' | 'transcriber'>,
): Promise<boolean> {
  const closed = new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
  const timeout = startTimer(deps.config.drainTimeoutSeconds * 1000);
  const work = deps.admission.close().then(() => true);
  const isDone = await Promise.race([work, timeout.expired]);
  timeout.clear();
  await deps.transcriber.close();
  if (isDone) {
    // Answers are on their way; connections without a request go at once.
    server.closeIdleConnections();
  } else {
    server.closeAllConnections();
  }
  const grace = startTimer(CLOSE_GRACE_MS);
  const isClosed = await Promise.race([closed.then(() => true), grace.expired]);
  grace.clear();
  if (!isClosed) {
    server.closeAllConnections();
  }
  return isDone;
}

const CLOSE_GRACE_MS = 1000;

function startTimer(ms: number) {
  const { promise: expired, resolve } = Promise.withResolvers<false>();
  const timer = setTimeout(() => resolve(false), ms);
  return { expired, clear: () => clearTimeout(timer) };
}

function explainListenError(error: Error, address: { host: string; port: number }): Error {
  const { host, port } = address;
  const code = 'code' in error ? error.code : undefined;
  switch (code) {
    case 'EADDRINUSE':
      return new Error(`Port ${port} on ${host} is taken; stop the other program or set PORT.`);
    case 'EACCES':
      return new Error(`Port ${port} may not be used without more rights; set PORT above 1023.`);
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return new Error(`HOST=${host} is no address of this machine.`);
    default:
      return error;
  }
}
