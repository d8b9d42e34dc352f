/**
 * The few calls of the Hugging Face Hub that a download needs: which commit a branch is, which files it has with their
 * hashes, and the bytes of one. Files of the Hub redirect to a content network on another host; the token stays with the
 * Hub.
 *
 * Source: https://huggingface.co/docs/hub/api
 */
import { z } from 'zod';

import { httpError, networkError } from '#models/hub-errors.ts';
import { ModelError } from '#models/model-error.ts';
import { type RetryPolicy, withRetries } from '#models/retry.ts';

export interface HubOptions {
  /** Default `https://huggingface.co`; a mirror serves the same paths. */
  readonly endpoint?: string | undefined;
  /** Sent to the endpoint's own host only. */
  readonly token?: string | undefined;
  /** Milliseconds without an answer, or without a further byte, before the attempt is given up. Default 30,000. */
  readonly stallTimeoutMs?: number;
  readonly retry?: RetryPolicy;
}

/** A file of a repository as the Hub lists it. */
export interface HubFile {
  readonly path: string;
  readonly bytes: number;
  readonly digest: Digest;
}

/** Large files are known by their SHA-256; small ones by the SHA-1 of their Git blob. */
export interface Digest {
  readonly algorithm: 'sha256' | 'git-sha1';
  readonly hex: string;
}

/** A file at a commit. */
export interface HubLocation {
  readonly repository: string;
  readonly revision: string;
  readonly path: string;
}

export interface Hub {
  /** Host name and port, for messages. */
  readonly host: string;
  readonly retry: RetryPolicy;
  /** The commit that a branch or tag stands for now. */
  resolveCommit(repository: string, revision: string, signal?: AbortSignal): Promise<string>;
  listFiles(repository: string, revision: string, signal?: AbortSignal): Promise<HubFile[]>;
  /** One attempt to open a file; whoever opened it reads or closes it. */
  openFile(
    location: HubLocation,
    options: { readonly headers: Readonly<Record<string, string>>; readonly signal?: AbortSignal },
  ): Promise<HubDownload>;
}

export interface HubDownload {
  readonly status: number;
  readonly headers: Headers;
  /** Throws ModelError `timeout`, `cut-off` or `cancelled` where the bytes stop coming. */
  readonly chunks: AsyncIterable<Uint8Array>;
  close(): Promise<void>;
}

export const DEFAULT_ENDPOINT = 'https://huggingface.co';
const DEFAULT_STALL_MS = 30_000;
const MAX_REDIRECTS = 5;
/** Nothing is lost yet when the first question fails: whoever is offline should learn it soon. */
const LIST_ATTEMPTS = 3;
const MAX_LISTED_FILES = 10_000;
const MAX_JSON_BYTES = 16 * 1024 * 1024;

const Sha1 = z.string().regex(/^[0-9a-f]{40}$/);
const Sha256 = z.string().regex(/^(sha256:)?[0-9a-f]{64}$/);
const TreeEntry = z.looseObject({
  type: z.string(),
  path: z.string().max(1000),
  size: z.int().nonnegative(),
  oid: Sha1,
  lfs: z.looseObject({ oid: Sha256, size: z.int().nonnegative() }).optional(),
});
const Tree = z.array(TreeEntry).max(MAX_LISTED_FILES);
const Revision = z.looseObject({ sha: Sha1 });

/**
 * @throws ModelError `bad-answer` if the endpoint is not an http(s) address
 */
export function createHub(options: HubOptions = {}): Hub {
  const endpoint = parseEndpoint(options.endpoint || DEFAULT_ENDPOINT);
  const session: Session = {
    endpoint,
    token: options.token,
    stallTimeoutMs: options.stallTimeoutMs ?? DEFAULT_STALL_MS,
  };
  const retry = options.retry ?? {};
  const base = endpoint.href.replace(/\/+$/, '');
  const getJson = <T>(path: string, schema: z.ZodType<T>, signal: AbortSignal | undefined) =>
    withRetries(() => fetchJson(session, { url: `${base}${path}`, schema, signal }), {
      ...retry,
      maxAttempts: Math.min(retry.maxAttempts ?? LIST_ATTEMPTS, LIST_ATTEMPTS),
      signal,
    });
  return {
    host: endpoint.host,
    retry,
    async resolveCommit(repository, revision, signal) {
      const path = `/api/models/${repository}/revision/${encodeURIComponent(revision)}`;
      return (await getJson(path, Revision, signal)).sha;
    },
    async listFiles(repository, revision, signal) {
      const path = `/api/models/${repository}/tree/${encodeURIComponent(revision)}?recursive=1`;
      const entries = await getJson(path, Tree, signal);
      return entries.filter(({ type }) => type === 'file').map(toHubFile);
    },
    openFile({ repository, revision, path }, { headers, signal }) {
      const file = path.split('/').map(encodeURIComponent).join('/');
      const url = `${base}/${repository}/resolve/${encodeURIComponent(revision)}/${file}`;
      return open(session, { url, headers, signal });
    },
  };
}

interface Session {
  readonly endpoint: URL;
  readonly token: string | undefined;
  readonly stallTimeoutMs: number;
}

interface OpenRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal | undefined;
}

function parseEndpoint(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !['http:', 'https:'].includes(url.protocol)) {
    const shown = JSON.stringify(text.slice(0, 200));
    throw new ModelError('bad-answer', `HF_ENDPOINT ${shown} is not an http or https address.`);
  }
  return url;
}

function toHubFile({ path, size, oid, lfs }: z.infer<typeof TreeEntry>): HubFile {
  if (lfs === undefined) return { path, bytes: size, digest: { algorithm: 'git-sha1', hex: oid } };
  const hex = lfs.oid.replace('sha256:', '');
  return { path, bytes: lfs.size, digest: { algorithm: 'sha256', hex } };
}

async function fetchJson<T>(
  session: Session,
  request: Pick<OpenRequest, 'url' | 'signal'> & { readonly schema: z.ZodType<T> },
): Promise<T> {
  const headers = { accept: 'application/json' };
  const answer = await open(session, { url: request.url, headers, signal: request.signal });
  const { host } = session.endpoint;
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of answer.chunks) {
    pieces.push(piece);
    bytes += piece.length;
    if (bytes > MAX_JSON_BYTES) throw new ModelError('bad-answer', `${host} sent too long a list.`);
  }
  const parsed = request.schema.safeParse(parseJson(Buffer.concat(pieces)));
  if (parsed.success) return parsed.data;
  const hint = 'Is HF_ENDPOINT a mirror of the Hugging Face Hub?';
  const text = `${host} did not answer like the Hugging Face Hub. ${hint}`;
  throw new ModelError('bad-answer', text, { cause: parsed.error });
}

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
}

/** Follows redirects by hand: each hop is checked, and only the endpoint's own origin sees the token. */
async function open(session: Session, request: OpenRequest): Promise<HubDownload> {
  let url = new URL(request.url);
  for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
    const download = await openOnce(session, { ...request, url: url.href });
    const { status, headers } = download;
    if (status >= 200 && status < 300) return download;
    await download.close();
    const location = headers.get('location');
    if (status < 300 || status >= 400 || location === null) {
      if (status === 416) return download;
      throw httpError({ status, headers, url, hasToken: session.token !== undefined });
    }
    url = nextHop(url, location);
  }
  throw new ModelError('bad-answer', `${session.endpoint.host} redirects without end.`);
}

function nextHop(from: URL, location: string): URL {
  const next = URL.canParse(location, from.href) ? new URL(location, from) : undefined;
  const allowed = from.protocol === 'https:' ? ['https:'] : ['http:', 'https:'];
  if (next !== undefined && allowed.includes(next.protocol)) return next;
  throw new ModelError('bad-answer', `${from.host} redirects to an address that is not allowed.`);
}

async function openOnce(session: Session, request: OpenRequest): Promise<HubDownload> {
  const url = new URL(request.url);
  const headers = new Headers({ 'accept-encoding': 'identity', ...request.headers });
  const isOwnHost = url.origin === session.endpoint.origin;
  if (isOwnHost && session.token) headers.set('authorization', `Bearer ${session.token}`);
  const guard = guardStall(url.host, session.stallTimeoutMs, request.signal);
  try {
    const { signal } = guard;
    const response = await fetch(url.href, { headers, redirect: 'manual', signal });
    guard.touch();
    return {
      status: response.status,
      headers: response.headers,
      chunks: readBody(response, guard, url.host),
      async close() {
        guard.release();
        await response.body?.cancel().catch(() => {});
      },
    };
  } catch (error) {
    guard.release();
    throw networkError(error, { host: url.host, signal: guard.signal });
  }
}

async function* readBody(
  response: Response,
  guard: StallGuard,
  host: string,
): AsyncGenerator<Uint8Array> {
  try {
    if (response.body === null) return;
    for await (const chunk of response.body) {
      guard.touch();
      yield chunk;
      // The time that the reader took is not the sender's.
      guard.touch();
    }
  } catch (error) {
    throw networkError(error, { host, signal: guard.signal, hasBegun: true });
  } finally {
    guard.release();
  }
}

interface StallGuard {
  readonly signal: AbortSignal;
  /** Something came: start waiting anew. */
  touch(): void;
  release(): void;
}

function guardStall(host: string, milliseconds: number, outer?: AbortSignal): StallGuard {
  const controller = new AbortController();
  const cancel = () => {
    controller.abort(new ModelError('cancelled', 'The download was cancelled.'));
  };
  if (outer?.aborted) cancel();
  outer?.addEventListener('abort', cancel, { once: true });
  const timer = setTimeout(() => {
    const seconds = milliseconds / 1000;
    controller.abort(new ModelError('timeout', `${host} sent nothing for ${seconds} s.`));
  }, milliseconds);
  return {
    signal: controller.signal,
    touch: () => {
      timer.refresh();
    },
    release: () => {
      clearTimeout(timer);
      outer?.removeEventListener('abort', cancel);
    },
  };
}
