/**
 * The engine's process: one message in, one call, one message out, strictly in the order received.
 *
 * It ends when the channel to the service closes, and also, from a thread of its own, when the service dies while
 * a call holds the main thread. SIGINT and SIGTERM reach the whole process group and are left to the service,
 * which drains first and closes the channel last.
 */
import { Worker } from 'node:worker_threads';
import type { CallMessage, ChildMessage, EngineImplementation, ParentMessage } from './messages.ts';
import type { LoadResult } from './protocol.ts';

const loaded = new Map<string, LoadResult>();
let engine: EngineImplementation | null = null;
let queue: Promise<void> = Promise.resolve();

process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => undefined);
process.on('disconnect', leave);
process.on('message', (message: ParentMessage) => {
  queue = queue.then(() => (message.kind === 'init' ? start(message) : serve(message)));
});
new Worker(new URL('./parent-watch.ts', import.meta.url), { workerData: process.ppid }).unref();

async function start(message: Extract<ParentMessage, { kind: 'init' }>): Promise<void> {
  try {
    const graphs: { createEngineCalls(settings: object): EngineImplementation } = await import(
      message.graphsModule
    );
    engine = graphs.createEngineCalls(message.settings);
    send({ kind: 'ready' });
  } catch (error) {
    send({ kind: 'start_failed', message: messageOf(error) });
  }
}

async function serve(call: CallMessage): Promise<void> {
  try {
    if (engine === null) throw new Error(`call ${call.name} came before the engine was made`);
    const value = await perform(engine, call);
    send({ kind: 'result', id: call.id, value, rssBytes: process.memoryUsage.rss() });
  } catch (error) {
    const message = messageOf(error);
    const rssBytes = process.memoryUsage.rss();
    send({ kind: 'error', id: call.id, message, outOfMemory: isOutOfMemory(message), rssBytes });
  }
}

async function perform(calls: EngineImplementation, call: CallMessage): Promise<unknown> {
  switch (call.name) {
    case 'load':
      return ensureLoaded(calls, call.request.model);
    case 'segment':
      return calls.segment(call.request);
    case 'embedSpeakers':
      return calls.embedSpeakers(call.request);
    case 'emissions':
      await ensureLoaded(calls, call.request.model);
      return calls.emissions(call.request);
    case 'encode':
      await ensureLoaded(calls, call.request.model);
      return calls.encode(call.request);
    case 'detectLanguage':
      await ensureLoaded(calls, call.request.model);
      return calls.detectLanguage(call.request);
    case 'decode':
      await ensureLoaded(calls, call.request.model);
      return calls.decode(call.request);
  }
}

/** Loads a model before its first use, so that the service hears of every load, its device and its duration. */
async function ensureLoaded(calls: EngineImplementation, model: string): Promise<LoadResult> {
  const known = loaded.get(model);
  if (known !== undefined) return known;
  const result = await calls.load({ model });
  loaded.set(model, result);
  send({ kind: 'loaded', result });
  return result;
}

/** The words onnxruntime and CUDA use when an allocation fails. */
function isOutOfMemory(message: string): boolean {
  return /out of memory|failed to allocate memory|bad_alloc|allocation failed|ALLOC_FAILED/i.test(
    message,
  );
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function send(message: ChildMessage): void {
  if (process.connected) process.send?.(message);
}

function leave(): void {
  engine?.unload();
  process.exit(0);
}
