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
   * ends the engine and a vLLM of our own. Jobs that are not done by then are left to the next start. A second call joins the first.
   * @returns true when every request inside had finished in time
   */
  drain(): Promise<boolean>;
}

/**
 * Listens on the configured address, then takes up the jobs.
 * @throws Error in one line when the address cannot be had
 */
export async function startServer(
  app: Hono<OriginEnv>,
  deps: Pick<
    OriginDependencies,
    'config' | 'gate' | 'admission' | 'transcriber' | 'backends' | 'jobs' | 'vram' | 'tracing'
  >,
): Promise<RunningServer> {
  const { host, port } = deps.config;
  const listener = getRequestListener(app.fetch, { overrideGlobalObjects: false });
  const server = createServer(SERVER_OPTIONS, listener);
  // Without this Node invites the body (100 Continue) before anyone has looked whether it is wanted.
  server.on('checkContinue', (request, response) => server.emit('request', request, response));
  const answers = watchAnswers(server);
  deps.gate?.beginsToListen();
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(explainListenError(error, { host, port })));
    server.listen({ host, port }, resolve);
  });
  deps.jobs?.start();
  let drained: Promise<boolean> | null = null;
  return {
    // A TCP server's address is an object; only pipes have a string.
    port: (server.address() as AddressInfo).port,
    drain: () => {
      drained ??= drainServer(server, { ...deps, answers });
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

interface DrainTools
  extends Pick<
    OriginDependencies,
    'config' | 'admission' | 'transcriber' | 'backends' | 'jobs' | 'vram' | 'tracing'
  > {
  readonly answers: OpenAnswers;
}

async function drainServer(server: Server, tools: DrainTools): Promise<boolean> {
  const closed = new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
  const { admission, jobs, vram } = tools;
  vram?.manager.drain();
  const emptied = Promise.all([admission.close(), jobs?.stop()]);
  const isEmpty = await endsWithin(emptied, tools.config.drainTimeoutSeconds * 1000);
  const { running, waiting } = admission.counts();
  const isInTime = isEmpty || running + waiting === jobs?.placesHeld();
  const handedBack = jobs?.handBack();
  // Whatever is still running is rejected by this, and its answer says so.
  await Promise.all([tools.transcriber.close(), tools.backends?.close()]);
  await endsWithin(Promise.all([handedBack, tools.answers.allSent()]), SEND_GRACE_MS);
  // What is left: kept-alive connections, ones that never asked anything, and clients that do not read.
  server.closeAllConnections();
  await closed;
  jobs?.close();
  vram?.manager.close();
  await tools.tracing?.close();
  return isInTime;
}

/** For answers to leave, not for work. */
const SEND_GRACE_MS = 5000;

interface OpenAnswers {
  /** Resolves when no request is without its complete answer. */
  allSent(): Promise<void>;
}

function watchAnswers(server: Server): OpenAnswers {
  let open = 0;
  let whenNone: (() => void)[] = [];
  server.on('request', (_request, response) => {
    open++;
    response.once('close', () => {
      open--;
      if (open === 0) {
        for (const resolve of whenNone) {
          resolve();
        }
        whenNone = [];
      }
    });
  });
  return {
    allSent: async () => {
      if (open > 0) {
        await new Promise<void>((resolve) => whenNone.push(resolve));
      }
    },
  };
}

async function endsWithin(work: Promise<unknown>, limitMs: number): Promise<boolean> {
  const { promise: expired, resolve } = Promise.withResolvers<false>();
  const timer = setTimeout(() => resolve(false), limitMs);
  const isDone = await Promise.race([work.then(() => true), expired]);
  clearTimeout(timer);
  return isDone;
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
