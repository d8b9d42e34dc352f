/** A text as vLLM sends it: JSON, or events in either shape, and how each of them may go wrong. */
import type { ServerResponse } from 'node:http';
import type { Modes, TranscribeMode } from '#test/support/vllm-stand-in/modes.ts';

export interface Outcome {
  readonly text: string;
  readonly seconds: number;
  readonly model: string;
  readonly mode: TranscribeMode;
  readonly shape: Modes['shape'];
}

export function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
}

/** The shape of newer versions; older ones have `object: "error"` beside the message. */
export function errorBody(message: string, type: string, code: number): object {
  return { error: { message, type, param: null, code } };
}

export function sendWhole(response: ServerResponse, { text, seconds, mode }: Outcome): void {
  const body = JSON.stringify({ text, usage: { type: 'duration', seconds: Math.ceil(seconds) } });
  if (mode === 'error') {
    sendJson(response, 200, {
      object: 'error',
      message: 'secret words',
      type: 'BadRequestError',
      code: 400,
    });
  } else if (mode === 'cut') {
    response
      .writeHead(200, { 'Content-Type': 'application/json' })
      .end(body.slice(0, body.length / 2));
  } else {
    response.writeHead(200, { 'Content-Type': 'application/json' }).end(body);
  }
}

/** Gives false where the answer stays open. */
export function sendStream(response: ServerResponse, outcome: Outcome): boolean {
  const { text, mode } = outcome;
  const words = text.match(/\s*\S+/g) ?? [];
  const shown =
    mode === 'cut' || mode === 'stall' ? words.slice(0, Math.ceil(words.length / 2)) : words;
  response.writeHead(200, { 'Content-Type': 'text/event-stream; charset=utf-8' });
  for (const word of shown) send(response, delta(word, outcome));
  if (mode === 'stall') return false;
  if (mode === 'cut') {
    response.end();
    return true;
  }
  if (mode === 'error') send(response, errorBody('secret words', 'InternalServerError', 500));
  else send(response, end(outcome));
  response.end('data: [DONE]\n\n');
  return true;
}

function send(response: ServerResponse, data: object): void {
  response.write(`data: ${JSON.stringify(data)}\n\n`);
}

function delta(content: string, outcome: Outcome, finishReason?: string): object {
  if (outcome.shape === 'events') return { type: 'transcript.text.delta', delta: content };
  const choice = {
    delta: { content },
    ...(finishReason !== undefined && { finish_reason: finishReason }),
  };
  return {
    id: 'transcribe-1',
    object: 'transcription.chunk',
    created: 1,
    model: outcome.model,
    choices: [choice],
  };
}

function end(outcome: Outcome): object {
  if (outcome.mode === 'length') return delta('', { ...outcome, shape: 'chunks' }, 'length');
  if (outcome.shape === 'events') return { type: 'transcript.text.done', text: outcome.text };
  return delta('', outcome, 'stop');
}
