/** `npm run verify:gpu`: runs on the machine with the GPU what no other machine can show. Exit code 1 on a fault. */
import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { type Finding, hasFault, renderFindings } from '#origin/cli/checks/finding.ts';
import { systemProbes } from '#origin/cli/checks/system-probes.ts';
import { readCardMemory } from '#origin/cli/verify-gpu/card.ts';
import { loadSpeech } from '#origin/cli/verify-gpu/speech.ts';
import { verifyVoxtral } from '#origin/cli/verify-gpu/voxtral.ts';
import type { EngineLog } from '#origin/engine/child-output.ts';
import { systemClock } from '#origin/engine/clock.ts';
import { createVllmControl } from '#origin/voxtral/control.ts';
import { VllmSupervisor } from '#origin/voxtral/supervisor.ts';
import { toVoxtralSettings, VoxtralEnvironment } from '#origin/voxtral/voxtral-settings.ts';

const HELP = `Starts vLLM as the service would, asks it for text, puts it to sleep, kills it, and reports.

  npm run verify:gpu                       a line for each check; exit code 1 on a fault
  npm run verify:gpu -- --model 4B         another model than VOXTRAL_MODEL
  npm run -s verify:gpu -- --json          the same as JSON

The settings are the service's: VLLM_COMMAND, VLLM_PYTHON, VLLM_WSL and so on. Stop the service before: it may hold the card.
`;

const ONE_HOUR_MS = 3_600_000;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      json: { type: 'boolean' },
      model: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return;
  }
  const given = Object.entries(process.env).filter(([, value]) => (value ?? '').trim() !== '');
  const environment = Object.fromEntries(given);
  const findings: Finding[] = [];
  const world = await openWorld({
    ...environment,
    USE_VLLM: 'true',
    ...(values.model !== undefined && { VOXTRAL_MODEL: values.model }),
  });
  if (!values.json) process.stdout.write(`The lines of vLLM go to ${world.logPath}\n\n`);
  for await (const finding of verifyVoxtral(world)) {
    findings.push(finding);
    if (!values.json) process.stderr.write(`${finding.check}: ${finding.state}\n`);
  }
  const isFaulty = hasFault(findings);
  const report = { ok: !isFaulty, model: world.vllm.model.id, findings };
  process.stdout.write(
    values.json ? `${JSON.stringify(report, null, 2)}\n` : renderFindings(findings),
  );
  if (isFaulty) process.exitCode = 1;
}

async function openWorld(environment: Readonly<Record<string, string | undefined>>) {
  const parsed = z.object(VoxtralEnvironment).safeParse(environment);
  if (!parsed.success) throw new Error(z.prettifyError(parsed.error));
  const settings = toVoxtralSettings(parsed.data, process.platform);
  if (settings === null || settings.server.kind === 'external') {
    throw new Error(
      'VLLM_URL is set, but only a vLLM that this program starts can be put to sleep and killed: unset it',
    );
  }
  const dataDir = resolve(environment['DATA_DIR'] ?? 'data');
  await mkdir(dataDir, { recursive: true });
  const logPath = join(dataDir, 'verify-gpu.log');
  const log = openLog(logPath);
  const probes = systemProbes(environment);
  const { port } = settings.server.launch;
  const readUsedMib = async () => (await readCardMemory(probes))?.usedMib ?? null;
  const vllm = new VllmSupervisor({
    model: settings.model,
    // Sleep is tried by hand here.
    launch: { ...settings.server.launch, idleTimeoutSeconds: -1, idleAction: 'sleep-1' },
    runFile: join(dataDir, 'verify-gpu-run.json'),
    environment,
    log,
    readUsedMib,
  });
  await vllm.cleanUp();
  const baseUrl = `http://127.0.0.1:${port}`;
  return {
    vllm,
    control: createVllmControl({ baseUrl, fetch, clock: systemClock }),
    timeoutMs: settings.timeoutMs,
    startMs: ONE_HOUR_MS,
    short: [await loadSpeech('en_harbor.flac'), await loadSpeech('de_bahnhof.flac')],
    long: await loadSpeech('en_long.flac'),
    readUsedMib,
    now: systemClock.now,
    log,
    logPath,
  };
}

function openLog(path: string): EngineLog {
  const file = createWriteStream(path, { mode: 0o600 });
  const write = (level: string) => (fields: object, message: string) =>
    void file.write(
      `${JSON.stringify({ time: new Date().toISOString(), level, message, ...fields })}\n`,
    );
  return { info: write('info'), warn: write('warn'), error: write('error') };
}

main().catch((error: unknown) => {
  process.stderr.write(`verify:gpu: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 2;
});
