/** The thread behind `finishInThread`. */
import { parentPort, workerData } from 'node:worker_threads';
import { finishDiarization } from '#origin/diarize/diarize.ts';
import type { FinishMessage } from '#origin/diarize/finish-in-thread.ts';

// Both ends are ours and of one version.
const { collected, options } = workerData as FinishMessage;
parentPort?.postMessage(finishDiarization(collected, options));
