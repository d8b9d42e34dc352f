/** The start of vLLM: free port → note on disk → process → health. */
import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import type { EngineLog } from '#origin/engine/child-output.ts';
import type { Clock } from '#origin/engine/clock.ts';
import type { VllmControl } from '#origin/voxtral/control.ts';
import type { VoxtralModel } from '#origin/voxtral/models.ts';
import { writeRunFile } from '#origin/voxtral/run-file.ts';
import { toVllmCommand } from '#origin/voxtral/vllm-command.ts';
import { VllmProcess } from '#origin/voxtral/vllm-process.ts';
import type { VllmLaunch } from '#origin/voxtral/voxtral-settings.ts';
import { fail, ok, type Result } from '#shared/result.ts';

export interface RunSettings {
  readonly model: VoxtralModel;
  readonly launch: VllmLaunch;
  readonly runFile: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly log: EngineLog;
}

/** Makes the process, unless somebody else has its port; the error says what to do. */
export async function beginRun(
  { model, launch, runFile, environment, log }: RunSettings,
  { clock, onLine }: { readonly clock: Clock; readonly onLine: (line: string) => void },
): Promise<Result<VllmProcess, string>> {
  // Its answers would be taken for ours.
  if (await isPortTaken(launch.port)) {
    return fail(`another program listens on 127.0.0.1:${launch.port}: end it, or set VLLM_PORT`);
  }
  const runId = randomBytes(16).toString('hex');
  const place = { wsl: launch.wsl };
  const startedAt = new Date().toISOString();
  try {
    await writeRunFile(runFile, { runId, ...place, startedAt, model: model.repository });
  } catch (error) {
    const why = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
    return fail(`the note of the run cannot be written to DATA_DIR (${why})`);
  }
  const command = toVllmCommand(model, launch, { runId, environment });
  log.info({ program: command.program, args: command.args }, 'starting vllm');
  return ok(new VllmProcess({ command, runId, place, log, clock, onLine }));
}

export interface StartWatch {
  readonly control: VllmControl;
  readonly model: VoxtralModel;
  readonly clock: Clock;
  /** A start that writes nothing for so long is ended. */
  readonly silenceMs: number;
  readonly stopGraceMs: number;
}

/** @returns whether it serves the model; false once its process is gone. */
export async function untilServing(process: VllmProcess, watch: StartWatch): Promise<boolean> {
  const { control, model, clock, silenceMs, stopGraceMs } = watch;
  let isGone = false;
  const gone = process.gone.then(() => {
    isGone = true;
  });
  for (;;) {
    const isUp =
      (await control.isHealthy()) && (await control.models())?.includes(model.repository);
    if (isGone) return false;
    if (isUp === true) return true;
    if (clock.now() - process.lastSignOfLife > silenceMs) {
      await process.end(
        `it wrote nothing for ${Math.round(silenceMs / 1000)} s while starting`,
        stopGraceMs,
      );
    }
    const next = Promise.withResolvers<void>();
    const takeBack = clock.after(POLL_MS, next.resolve);
    await Promise.race([next.promise, gone]);
    takeBack();
    if (isGone) return false;
  }
}

const POLL_MS = 250;
const CONNECT_TIMEOUT_MS = 1000;

function isPortTaken(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect({ host: '127.0.0.1', port, timeout: CONNECT_TIMEOUT_MS });
  const answer = (isTaken: boolean) => {
    socket.destroy();
    resolve(isTaken);
  };
  socket.once('connect', () => answer(true));
  socket.once('timeout', () => answer(false));
  socket.once('error', () => answer(false));
  return promise;
}
