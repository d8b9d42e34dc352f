/**
 * A local server with the layout of the Hugging Face Hub: the API and small files on one port, large files behind a
 * redirect on another one, as the Hub's content network serves them. It can misbehave on demand, and it remembers what
 * it was asked for and what it sent.
 */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface HubRepository {
  readonly commit: string;
  readonly files: Readonly<Record<string, HubContent>>;
  readonly access?: 'public' | 'gated' | 'forbidden';
}

export interface HubContent {
  readonly bytes: Buffer;
  /** Stored as a large file: listed with its SHA-256 and served by the second host. */
  readonly isLarge?: boolean;
}

/** What the server does wrong with one file. */
export interface Fault {
  /** A file's path, or `api`: then a web page is sent in place of JSON. */
  readonly path: string;
  /** How many answers go wrong; default all. */
  times?: number;
  /** Send so many bytes of the answer … */
  readonly afterBytes?: number;
  /** … and then wait for this … */
  readonly until?: () => Promise<void>;
  /** … and then end the connection, say nothing more, or send other bytes than it should. */
  readonly ending?: 'cut' | 'stall' | 'corrupt' | 'extra';
  /** Answer with this status instead. */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Send the whole file whatever range was asked for. */
  readonly ignoreRange?: boolean;
}

export interface ServedRequest {
  readonly host: 'hub' | 'content';
  readonly url: string;
  readonly authorization: string | undefined;
  readonly range: string | undefined;
  readonly ifRange: string | undefined;
  status: number;
  sentBytes: number;
}

export interface HubServer {
  readonly endpoint: string;
  readonly requests: ServedRequest[];
  readonly faults: Fault[];
  readonly repositories: Record<string, HubRepository>;
  /** Requests for the bytes of a file, redirects left out. */
  servedOf(path: string): ServedRequest[];
  close(): Promise<void>;
}

export const TOKEN = 'hf_testTokenThatMustNotLeak';

/** Starts both hosts on free ports of the loopback address; `/mirror/…` is the same as `/…`. */
export async function startHubServer(
  repositories: Record<string, HubRepository>,
): Promise<HubServer> {
  const requests: ServedRequest[] = [];
  const faults: Fault[] = [];
  const state: State = { requests, faults, repositories, contentHost: '' };
  const content = await listen((request, response) => serveContent(state, request, response));
  state.contentHost = addressOf(content);
  const hub = await listen((request, response) => serveHub(state, request, response));
  return {
    endpoint: addressOf(hub),
    requests,
    faults,
    repositories,
    servedOf: (path) => {
      return requests.filter(({ url, status }) => url.includes(`/${path}`) && status < 300);
    },
    close: async () => {
      await Promise.all([hub, content].map(stop));
    },
  };
}

export function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

export function gitSha1(bytes: Buffer): string {
  return createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');
}

interface State {
  readonly requests: ServedRequest[];
  readonly faults: Fault[];
  readonly repositories: Record<string, HubRepository>;
  contentHost: string;
}

interface Answer {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly served: ServedRequest;
}

async function listen(
  handler: (request: IncomingMessage, response: ServerResponse) => Promise<void>,
): Promise<Server> {
  const server = createServer((request, response) => {
    handler(request, response).catch((error: unknown) => response.destroy(error as Error));
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return server;
}

function addressOf(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function stop(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => {
    server.close(() => resolve());
  });
}

function note(state: State, host: 'hub' | 'content', request: IncomingMessage): ServedRequest {
  const { authorization, range, 'if-range': ifRange } = request.headers;
  const url = request.url ?? '';
  const served = { host, url, authorization, range, ifRange, status: 0, sentBytes: 0 };
  state.requests.push({ ...served, ifRange: ifRange as string | undefined });
  return state.requests.at(-1)!;
}

async function serveHub(
  state: State,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const served = note(state, 'hub', request);
  const answer: Answer = { request, response, served };
  const { pathname } = new URL(served.url.replace(/^\/mirror/, ''), 'http://hub');
  const api = /^\/api\/models\/([^/]+\/[^/]+)\/(tree|revision)\/([^/]+)$/.exec(pathname);
  const file = /^\/([^/]+\/[^/]+)\/resolve\/([^/]+)\/(.+)$/.exec(pathname);
  const repository = state.repositories[api?.[1] ?? file?.[1] ?? ''];
  if (repository === undefined) return refuse(answer, 404, 'RepoNotFound');
  if (api !== null && takeFault(state, 'api') !== undefined) {
    response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>Welcome</h1>');
    return;
  }
  const isAllowed = request.headers.authorization === `Bearer ${TOKEN}`;
  if (repository.access === 'gated' && !isAllowed) return refuse(answer, 401, 'GatedRepo');
  if (repository.access === 'forbidden') return refuse(answer, 403, 'GatedRepo');
  const revision = api?.[3] ?? file?.[2];
  if (revision !== repository.commit && revision !== 'main') {
    return refuse(answer, 404, 'RevisionNotFound');
  }
  if (api?.[2] === 'revision') return sendJson(answer, { sha: repository.commit, siblings: [] });
  if (api !== null) return sendJson(answer, treeOf(repository));
  const path = decodeURIComponent(file?.[3] ?? '');
  const content = repository.files[path];
  if (content === undefined) return refuse(answer, 404, 'EntryNotFound');
  if (!content.isLarge) return sendFile(state, answer, { path, content });
  const name = encodeURIComponent(file?.[1] ?? '');
  const location = `${state.contentHost}/${name}/${path}?X-Signature=secret`;
  const linked = {
    'x-linked-etag': `"${sha256(content.bytes)}"`,
    'x-repo-commit': repository.commit,
  };
  response.writeHead(302, { location, ...linked }).end();
  served.status = 302;
}

async function serveContent(
  state: State,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const served = note(state, 'content', request);
  const [, name = '', path = ''] = new URL(served.url, 'http://content').pathname.split('/');
  const content = state.repositories[decodeURIComponent(name)]?.files[path];
  const answer: Answer = { request, response, served };
  if (content === undefined) return refuse(answer, 404, 'EntryNotFound');
  return sendFile(state, answer, { path, content });
}

async function sendFile(
  state: State,
  answer: Answer,
  { path, content }: { readonly path: string; readonly content: HubContent },
): Promise<void> {
  const fault = takeFault(state, path);
  const { request, response, served } = answer;
  if (fault?.status !== undefined) {
    served.status = fault.status;
    response.writeHead(fault.status, fault.headers).end();
    return;
  }
  const etag = `"${content.isLarge ? sha256(content.bytes) : gitSha1(content.bytes)}"`;
  const start = fault?.ignoreRange ? 0 : startOf(request, etag);
  if (start > content.bytes.length) return refuse(answer, 416, 'Range');
  const body = content.bytes.subarray(start);
  const last = content.bytes.length - 1;
  const range = { 'content-range': `bytes ${start}-${last}/${content.bytes.length}` };
  const extra = fault?.ending === 'extra' ? Buffer.from('more') : Buffer.alloc(0);
  served.status = start > 0 ? 206 : 200;
  const length = { 'content-length': body.length + extra.length };
  response.writeHead(served.status, { etag, ...length, ...(start > 0 ? range : {}) });
  await sendBody(answer, { fault, body: Buffer.concat([body, extra]) });
}

async function sendBody(
  { response, served }: Answer,
  { fault, body }: { readonly fault: Fault | undefined; readonly body: Buffer },
): Promise<void> {
  const good = body.subarray(0, fault?.afterBytes ?? body.length);
  const rest = body.subarray(good.length);
  await write(response, good);
  served.sentBytes += good.length;
  await fault?.until?.();
  if (fault?.ending === 'cut') response.destroy();
  if (fault?.ending === 'cut' || fault?.ending === 'stall') return;
  const sent = fault?.ending === 'corrupt' ? Buffer.from(rest.map((byte) => byte ^ 0xff)) : rest;
  await write(response, sent);
  served.sentBytes += sent.length;
  response.end();
}

function write(response: ServerResponse, bytes: Buffer): Promise<void> {
  return new Promise((resolve) => {
    response.write(bytes, () => resolve());
  });
}

function startOf(request: IncomingMessage, etag: string): number {
  const match = /^bytes=(\d+)-$/.exec(request.headers.range ?? '');
  const condition = request.headers['if-range'];
  return match === null || (condition !== undefined && condition !== etag) ? 0 : Number(match[1]);
}

function takeFault(state: State, path: string): Fault | undefined {
  const fault = state.faults.find((each) => each.path === path && each.times !== 0);
  if (fault?.times !== undefined) fault.times--;
  return fault;
}

function treeOf(repository: HubRepository): unknown[] {
  const folder = { type: 'directory', path: 'onnx', size: 0, oid: '0'.repeat(40) };
  const files = Object.entries(repository.files).map(([path, { bytes, isLarge }]) => {
    const entry = { type: 'file', path, size: bytes.length, oid: gitSha1(bytes) };
    const lfs = { oid: sha256(bytes), size: bytes.length, pointerSize: 134 };
    return isLarge ? { ...entry, lfs } : entry;
  });
  return [folder, ...files];
}

function sendJson({ response, served }: Answer, value: unknown): void {
  served.status = 200;
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}

function refuse({ response, served }: Answer, status: number, code: string): void {
  served.status = status;
  response.writeHead(status, { 'x-error-code': code }).end('no');
}
