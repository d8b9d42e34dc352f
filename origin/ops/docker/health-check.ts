/** For Docker's HEALTHCHECK: ends with 0 when the service answers and is of use, else with 1 and a word on why. */
const port = process.env['PORT'] || '3020';

try {
  const response = await fetch(`http://127.0.0.1:${port}/health`, {
    signal: AbortSignal.timeout(4000),
  });
  const health: unknown = await response.json();
  const status =
    typeof health === 'object' && health !== null && 'status' in health && health.status;
  if (status !== 'healthy') throw new Error(`status ${String(status)}`);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
