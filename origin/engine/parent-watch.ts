/**
 * A thread of the engine's process that ends it when the service is gone. The main thread would hear of that only
 * after its running call, which may last minutes or for ever.
 */
import { workerData } from 'node:worker_threads';

const CHECK_INTERVAL_MS = 1000;
const servicePid: unknown = workerData;

setInterval(() => {
  if (process.ppid !== servicePid || !isAlive(process.ppid)) process.kill(process.pid, 'SIGKILL');
}, CHECK_INTERVAL_MS);

/** Windows keeps the number of a parent that has ended; signal 0 tells. */
function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
