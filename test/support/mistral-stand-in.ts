/**
 * A local server that speaks Mistral's `/v1/audio/transcriptions`, written from the protocol and as strict as the real
 * one: what would be refused or come back empty there does so here. It counts and hashes the file and never keeps it.
 * `test/contract/mistral-sdk.test.ts` drives it with Mistral's own SDK.
 */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { answerFor, type StandInAnswer } from '#test/support/mistral-stand-in/answer.ts';
import { findFault } from '#test/support/mistral-stand-in/check-form.ts';
import { type ReadForm, readForm } from '#test/support/mistral-stand-in/read-form.ts';

/** What the server does instead of answering properly. */
export type Misbehaviour =
  | {
      readonly kind: 'status';
      readonly status: number;
      readonly body?: string;
      readonly headers?: Readonly<Record<string, string>>;
      /** Answer before the form is read. */
      readonly isEarly?: boolean;
    }
  /** Status 200 with another body. */
  | { readonly kind: 'body'; readonly type: string; readonly body: string }
  /** Reads everything and never answers. */
  | { readonly kind: 'hang' }
  /** Ends the connection without an answer. */
  | { readonly kind: 'drop' }
  /** Ends a streamed answer before its last event. */
  | { readonly kind: 'cut' };

export interface StandInRequest extends ReadForm {
  readonly headers: IncomingMessage['headers'];
}

export interface MistralStandIn {
  readonly baseUrl: string;
  readonly apiKey: string;
  /** Those whose form was read to its end. */
  readonly requests: StandInRequest[];
  /** Used up one per request; afterwards all goes well. */
  readonly misbehaviours: Misbehaviour[];
  /** Bytes of request bodies taken so far. */
  receivedBytes(): number;
  /** Fulfils when a request has begun. */
  begun(): Promise<void>;
  /** Fulfils when a client has left before its answer. */
  left(): Promise<void>;
  close(): Promise<void>;
}

export async function startMistralStandIn(): Promise<MistralStandIn> {
  const apiKey = 'mistral-test-key';
  const requests: StandInRequest[] = [];
  const misbehaviours: Misbehaviour[] = [];
  let received = 0;
  const waiters: (() => void)[] = [];
  const left: (() => void)[] = [];
  const server = createServer((request, response) => {
    for (const wake of waiters.splice(0)) wake();
    request.on('data', (chunk: Buffer) => {
      received += chunk.byteLength;
    });
    response.on('close', () => {
      if (!response.writableEnded) for (const wake of left.splice(0)) wake();
    });
    request.pause();
    handle(request, response, { apiKey, requests, misbehaviour: misbehaviours.shift() }).catch(() =>
      response.destroy(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    apiKey,
    requests,
    misbehaviours,
    receivedBytes: () => received,
    begun: () => new Promise((resolve) => waiters.push(resolve)),
    left: () => new Promise((resolve) => left.push(resolve)),
    close: () => closeServer(server),
  };
}

interface Desk {
  readonly apiKey: string;
  readonly requests: StandInRequest[];
  readonly misbehaviour: Misbehaviour | undefined;
}

async function handle(
  request: IncomingMessage,
  response: ServerResponse,
  { apiKey, requests, misbehaviour }: Desk,
): Promise<void> {
  if (misbehaviour?.kind === 'status' && misbehaviour.isEarly === true) {
    return sendStatus(response, misbehaviour);
  }
  if (request.url !== '/v1/audio/transcriptions' || request.method !== 'POST') {
    return sendJson(response, 404, { message: 'no Route matched with those values' });
  }
  if (!isKnown(request, apiKey)) return sendJson(response, 401, { detail: 'Unauthorized' });
  const form = await readForm(request, createHash('sha256'));
  requests.push({ ...form, headers: request.headers });
  if (misbehaviour !== undefined && misbehaviour.kind !== 'cut') {
    return misbehave(response, misbehaviour);
  }
  const fault = findFault(form);
  if (fault !== null) return sendJson(response, fault.status, fault.body);
  const answer = answerFor(form);
  const isStream = form.fields.some(([name, value]) => name === 'stream' && value === 'true');
  if (!isStream) return sendJson(response, 200, answer.whole);
  sendEvents(response, answer, misbehaviour?.kind === 'cut');
}

/** Both ways are in use: the SDK sends a bearer token, the documentation's curl `x-api-key`. */
function isKnown({ headers }: IncomingMessage, apiKey: string): boolean {
  return headers.authorization === `Bearer ${apiKey}` || headers['x-api-key'] === apiKey;
}

function misbehave(response: ServerResponse, it: Exclude<Misbehaviour, { kind: 'cut' }>): void {
  if (it.kind === 'status') sendStatus(response, it);
  if (it.kind === 'body') response.writeHead(200, { 'Content-Type': it.type }).end(it.body);
  if (it.kind === 'drop') response.destroy();
}

function sendStatus(
  response: ServerResponse,
  { status, body, headers }: Extract<Misbehaviour, { kind: 'status' }>,
): void {
  response
    .writeHead(status, { 'Content-Type': 'application/json', ...headers })
    .end(body ?? JSON.stringify({ object: 'error', message: 'a secret of the upstream' }));
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
}

/** With CRLF and comments now and then: both are allowed. */
function sendEvents(response: ServerResponse, answer: StandInAnswer, isCut: boolean): void {
  response.writeHead(200, { 'Content-Type': 'text/event-stream; charset=utf-8' });
  response.write(': keep-alive\r\n\r\n');
  for (const event of isCut ? answer.events.slice(0, -1) : answer.events) {
    response.write(`event: ${event.type}\r\ndata: ${JSON.stringify(event)}\r\n\r\n`);
  }
  response.end();
}

async function closeServer(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise<void>((resolve) => server.close(() => resolve()));
}
