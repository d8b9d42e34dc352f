/** `npm run setup:cuda [-- --check]`: installs onnxruntime's CUDA provider and shows that it works. */
import { parseArgs } from 'node:util';
import { hasFault, renderFindings } from '#origin/cli/checks/finding.ts';
import { systemProbes } from '#origin/cli/checks/system-probes.ts';
import { installProvider } from '#origin/cli/cuda/install-provider.ts';
import { setUpCuda } from '#origin/cli/cuda/set-up.ts';

const HELP = `Installs onnxruntime's CUDA provider and shows that it works.

  npm run setup:cuda              checks, downloads what is missing, runs a small model on CUDA
  npm run setup:cuda -- --check   the same without the download
`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { check: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return;
  }
  const findings = await setUpCuda({
    probes: systemProbes(process.env),
    mayInstall: !values.check,
    install: (packageDir) => installProvider(packageDir, process.env),
  });
  process.stdout.write(renderFindings(findings));
  if (hasFault(findings)) {
    process.stdout.write('CUDA cannot be used yet. The service works on the CPU meanwhile.\n');
    process.exitCode = 1;
    return;
  }
  process.stdout.write('CUDA works. Next: npm run models -- pull large-v3 --target cuda-f16\n');
}

main().catch((error: unknown) => {
  process.stderr.write(`setup:cuda: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 2;
});
