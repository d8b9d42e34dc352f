/** Runs onnxruntime-node's own install script, which fetches the CUDA provider from NuGet. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';

/**
 * The environment that makes the script install.
 *
 * `true` and not `cuda12`: onnxruntime-node 1.30.0 documents both, but reads `cuda12` as if nothing were said
 * (`parseInstallFlag` in script/install-utils.js returns nothing for it), and then does nothing at all when npm's
 * variables say that it runs inside a project's own script. `true` installs what the platform can have, which on Linux
 * x64 is CUDA 12. npm's variables are left out for the same reason.
 */
export function installEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
): Record<string, string | undefined> {
  const own = Object.entries(environment).filter(
    ([name]) => !/^npm_/i.test(name) && !name.startsWith('ONNXRUNTIME_NODE_INSTALL'),
  );
  const proxy = environment['HTTPS_PROXY'] ?? environment['https_proxy'];
  return {
    // The script heeds a proxy under this name only.
    ...(proxy !== undefined && { GLOBAL_AGENT_HTTPS_PROXY: proxy }),
    ...Object.fromEntries(own),
    ONNXRUNTIME_NODE_INSTALL: 'true',
  };
}

/** Resolves with the exit code; what the script says goes to our own output. */
export function installProvider(
  packageDir: string,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<number> {
  const script = join(packageDir, 'script', 'install.js');
  const child = spawn(process.execPath, [script], {
    cwd: packageDir,
    env: installEnvironment(environment),
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });
}
