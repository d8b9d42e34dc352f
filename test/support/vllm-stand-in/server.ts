/** The routes of vLLM, and those by which a test looks into the stand-in. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { checkRequest } from '#test/support/vllm-stand-in/check-request.ts';
import type { Memory } from '#test/support/vllm-stand-in/memory.ts';
import type { Hear, Modes, TranscribeMode } from '#test/support/vllm-stand-in/modes.ts';
import { readForm } from '#test/support/vllm-stand-in/read-form.ts';
import {
  errorBody,
  type Outcome,
  sendJson,
  sendStream,
  sendWhole,
} from '#test/support/vllm-stand-in/send-text.ts';

export interface Desk {
  readonly model: string;
  readonly maxModelLen: number;
  /** The routes for sleep are there. */
  readonly hasSleep: boolean;
  readonly memory: Memory;
  readonly hear: Hear;
  readonly modes: { current: Modes };
}

/** What the test is told of each transcription. */
export interface SeenRequest {
  readonly fields: Readonly<Record<string, string>>;
  readonly sizeBytes: number;
  readonly seconds: number;
  /** Requests in work when it began, itself included. */
  readonly atOnce: number;
}

export function createStandInServer(desk: Desk): Server {
  const seen: SeenRequest[] = [];
  const waiters: { readonly count: number; readonly wake: () => void }[] = [];
  const running = { count: 0, aborts: new Set<() => void>() };
  const log = {
    begun(request: SeenRequest) {
      seen.push(request);
      for (const { count, wake } of waiters) if (seen.length >= count) wake();
    },
  };
  return createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://stand-in');
    const route = `${request.method} ${url.pathname}`;
    const act = async () => {
      if (route === 'POST /v1/audio/transcriptions') {
        return await transcribe(request, response, { desk, log, running });
      }
      if (route === 'GET /stand-in/requests') return sendJson(response, 200, seen);
      if (route === 'GET /stand-in/begun') {
        const count = Number(url.searchParams.get('count'));
        if (seen.length < count) await new Promise<void>((wake) => waiters.push({ count, wake }));
        return sendJson(response, 200, {});
      }
      if (route === 'POST /stand-in/modes') {
        desk.modes.current = {
          ...desk.modes.current,
          ...(JSON.parse(await readBody(request)) as object),
        };
        return sendJson(response, 200, {});
      }
      return await answerSmall(request, response, {
        url,
        desk,
        abortAll: () => abortAll(running.aborts),
      });
    };
    act().catch(() => response.destroy());
  });
}

function abortAll(aborts: Set<() => void>): void {
  for (const abort of aborts) abort();
}

interface Work {
  readonly desk: Desk;
  readonly log: { begun(request: SeenRequest): void };
  readonly running: { count: number; readonly aborts: Set<() => void> };
}

async function transcribe(
  request: IncomingMessage,
  response: ServerResponse,
  { desk, log, running }: Work,
): Promise<void> {
  const form = await readForm(request);
  // The real one ends with an illegal access to memory.
  if (desk.memory.isAsleep) process.exit(1);
  const audio = checkRequest(form, desk);
  if ('status' in audio) {
    return sendJson(response, audio.status, errorBody(audio.message, audio.type, audio.status));
  }
  running.count += 1;
  response.once('close', () => {
    running.count -= 1;
  });
  const { fields, file } = form;
  log.begun({
    fields,
    sizeBytes: file?.byteLength ?? 0,
    seconds: audio.seconds,
    atOnce: running.count,
  });
  const mode = takeMode(desk);
  if (mode === 'crash') process.exit(134);
  if (mode === 'hang') return;
  if (mode === 'status_500')
    return sendJson(response, 500, errorBody('CUDA error', 'InternalServerError', 500));
  if (mode === 'status_429') {
    response.setHeader('Retry-After', '1');
    return sendJson(response, 429, errorBody('slow down', 'TooManyRequests', 429));
  }
  const isBlank = mode === 'blank';
  const heard = isBlank ? ' ' : await desk.hear(audio.samples, fields['language'] ?? null);
  const text = desk.memory.isSane ? heard : '\u0000\u0000\u0000';
  const { model } = desk;
  const outcome: Outcome = {
    text,
    seconds: audio.seconds,
    model,
    mode,
    shape: desk.modes.current.shape,
  };
  if (fields['stream'] !== 'true') return sendWhole(response, outcome);
  if (!sendStream(response, outcome)) {
    const abort = () =>
      response.end(
        'data: {"choices":[{"delta":{"content":""},"finish_reason":"abort"}]}\n\ndata: [DONE]\n\n',
      );
    running.aborts.add(abort);
  }
}

function takeMode(desk: Desk): TranscribeMode {
  const [mode = 'ok', ...rest] = desk.modes.current.transcribe;
  desk.modes.current = { ...desk.modes.current, transcribe: rest };
  return mode;
}

interface Small {
  readonly url: URL;
  readonly desk: Desk;
  readonly abortAll: () => void;
}

async function answerSmall(
  request: IncomingMessage,
  response: ServerResponse,
  { url, desk, abortAll }: Small,
): Promise<void> {
  const { memory, modes, model } = desk;
  const done = (isFine: boolean) => {
    response.writeHead(isFine ? 200 : 500).end();
  };
  switch (`${request.method} ${url.pathname}`) {
    case 'GET /health':
      return modes.current.isDeaf ? undefined : done(true);
    case 'GET /v1/models':
      return sendJson(response, 200, { object: 'list', data: [{ id: model, object: 'model' }] });
    case 'GET /version':
      return sendJson(response, 200, { version: '0.24.0-stand-in' });
    case 'GET /stand-in/memory':
      return sendJson(response, 200, { usedMib: memory.usedMib });
  }
  if (!desk.hasSleep) return sendJson(response, 404, { detail: 'Not Found' });
  switch (`${request.method} ${url.pathname}`) {
    case 'GET /is_sleeping':
      return sendJson(response, 200, { is_sleeping: memory.isAsleep });
    case 'POST /sleep': {
      abortAll();
      return done(memory.sleep(url.searchParams.get('level') === '2' ? 2 : 1, modes.current.sleep));
    }
    case 'POST /wake_up':
      if (modes.current.wake === 'fail') return done(false);
      memory.wake(url.searchParams.getAll('tags'));
      return done(true);
    case 'POST /collective_rpc': {
      const { method } = JSON.parse(await readBody(request)) as { method?: unknown };
      return done(method === 'reload_weights' && memory.reload());
    }
    default:
      return sendJson(response, 404, { detail: 'Not Found' });
  }
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
