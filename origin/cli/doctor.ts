/** `npm run doctor [-- --json]`: looks at everything the service needs on this machine. Exit code 1 on a fault. */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { hasFault, renderFindings } from '#origin/cli/checks/finding.ts';
import { systemProbes } from '#origin/cli/checks/system-probes.ts';
import { examine } from '#origin/cli/examine.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url)).replace(/[/\\]$/, '');

const HELP = `Looks at everything the service needs on this machine.

  npm run doctor              a line for each check; exit code 1 on a fault
  npm run -s doctor -- --json the same as JSON: {ok, findings: [{check, state, message, action?}]}

A warning is worth a look and does not change the exit code. 2: doctor itself failed.
`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { json: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return;
  }
  const findings = await examine(systemProbes(process.env), { folder: ROOT });
  const isFaulty = hasFault(findings);
  const text = values.json
    ? `${JSON.stringify({ ok: !isFaulty, findings }, null, 2)}\n`
    : renderFindings(findings);
  process.stdout.write(text);
  if (isFaulty) process.exitCode = 1;
}

main().catch((error: unknown) => {
  process.stderr.write(`doctor: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 2;
});
