/** `npm start`: settings → dependencies → listen → drain on SIGTERM or SIGINT. */
import { constants } from 'node:os';
import { createOriginApp } from '#origin/app.ts';
import { loadConfig } from '#origin/config.ts';
import { createDependencies } from '#origin/dependencies.ts';
import type { Logger } from '#origin/logger.ts';
import { type RunningServer, startServer } from '#origin/server.ts';

async function main(): Promise<void> {
  const config = loadConfig(process.env);
  const deps = await createDependencies(config);
  const { logger } = deps;
  stopOnCrash(logger);
  const server = await startServer(createOriginApp(deps), deps).catch(async (error: unknown) => {
    await Promise.all([deps.transcriber.close(), deps.backends?.close()]);
    deps.jobs?.close();
    deps.vram?.manager.close();
    throw error;
  });
  const stop = stopOnce(server, logger);
  stopOnSignals(stop);
  stopWithNpm(stop);
  logger.info({ host: config.host, port: server.port }, 'listening');
  const { access, explanation } = deps.gate;
  logger[access === 'open' ? 'warn' : 'info']({ host: config.host, access }, explanation);
}

type Stop = (cause: string) => boolean;

/** Makes what ends the process once running requests have finished; false when that is under way already. */
function stopOnce(server: RunningServer, logger: Logger): Stop {
  let isStopping = false;
  return (cause) => {
    if (isStopping) {
      return false;
    }
    isStopping = true;
    logger.info({ cause }, 'draining');
    server.drain().then((isDone) => {
      logger.info({ in_time: isDone }, 'stopped');
      process.exit(isDone ? 0 : 1);
    });
    return true;
  };
}

/** The first signal lets running requests finish; a second one ends the process at once. */
function stopOnSignals(stop: Stop): void {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (!stop(signal)) {
        process.exit(128 + constants.signals[signal]);
      }
    });
  }
}

/**
 * `npm start` puts npm and a shell in between. A signal to npm ends the shell, which does not pass it on: without
 * this the service would stay behind with its port, unknown to anyone.
 */
function stopWithNpm(stop: Stop): void {
  const parent = process.ppid;
  if (process.env['npm_lifecycle_event'] === undefined) {
    return;
  }
  const watch = setInterval(() => {
    if (process.ppid !== parent) {
      clearInterval(watch);
      stop('npm has ended');
    }
  }, PARENT_CHECK_MS);
  watch.unref();
}

const PARENT_CHECK_MS = 500;

/** An unexpected fault leaves unknown state behind: say what it was and let the supervisor start afresh. */
function stopOnCrash(logger: Logger): void {
  process.on('uncaughtException', (err) => {
    logger.fatal({ err }, 'ending after an unexpected failure');
    process.exit(1);
  });
}

main().catch((error: unknown) => {
  process.stderr.write(`mana-stt: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
