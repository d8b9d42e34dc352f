/** `npm run doctor [-- --json]`: looks at everything the service needs on this machine. Exit code 1 on a fault. */
import { parseArgs } from 'node:util';
import { openStore } from '#models/store.ts';
import { checkAudioDecoder } from '#origin/cli/checks/audio-decoder.ts';
import { type Finding, hasFault, renderFindings } from '#origin/cli/checks/finding.ts';
import { checkGpu } from '#origin/cli/checks/gpu.ts';
import {
  checkDefaultModel,
  checkModelFiles,
  checkRecordingModels,
} from '#origin/cli/checks/models.ts';
import { checkPort } from '#origin/cli/checks/port.ts';
import type { Probes } from '#origin/cli/checks/probes.ts';
import { checkMemory, checkNode, checkProcessor } from '#origin/cli/checks/runtime.ts';
import { checkSettings } from '#origin/cli/checks/settings.ts';
import { checkStorage } from '#origin/cli/checks/storage.ts';
import { systemProbes } from '#origin/cli/checks/system-probes.ts';

const HELP = `Looks at everything the service needs on this machine.

  npm run doctor              a line for each check; exit code 1 on a fault
  npm run -s doctor -- --json the same as JSON
`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { json: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return;
  }
  const findings = await examine(systemProbes(process.env));
  const isFaulty = hasFault(findings);
  const text = values.json
    ? `${JSON.stringify({ ok: !isFaulty, findings }, null, 2)}\n`
    : renderFindings(findings);
  process.stdout.write(text);
  if (isFaulty) process.exitCode = 1;
}

async function examine(probes: Probes): Promise<Finding[]> {
  const settings = checkSettings(probes);
  const { config } = settings;
  const store = openStore(config.modelsDir);
  const gpu = await checkGpu(probes, config);
  const model = checkDefaultModel(store, config, gpu.canUseCuda);
  return [
    checkNode(probes),
    checkProcessor(probes),
    ...(model.need === null ? [] : [checkMemory(probes, model.need)]),
    ...settings.findings,
    await checkPort(probes, config),
    ...(await checkStorage(probes, config)),
    await checkAudioDecoder(),
    ...(await checkModelFiles(store)),
    ...checkRecordingModels(store, config),
    model.finding,
    ...gpu.findings,
  ];
}

main().catch((error: unknown) => {
  process.stderr.write(`doctor: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 2;
});
