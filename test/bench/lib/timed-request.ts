/** One request over a connection that stays open, timed by the client: what a service that calls often sees. */
import http from 'node:http';
import { text } from 'node:stream/consumers';

export interface TimedAnswer {
  /** From writing the request to having read the whole answer. */
  readonly ms: number;
  readonly status: number;
  readonly body: string;
}

export interface SentRequest {
  readonly url: string;
  readonly agent: http.Agent;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent with POST; absent: GET. */
  readonly body?: Uint8Array;
  /** Default true; without, the body goes in chunks of unknown number. */
  readonly hasLength?: boolean;
}

/** @throws when the connection breaks; any status is an answer */
export async function timedRequest(sent: SentRequest): Promise<TimedAnswer> {
  const { url, agent, headers, body, hasLength = true } = sent;
  const startedMs = performance.now();
  const response = await new Promise<http.IncomingMessage>((resolve, reject) => {
    const method = body === undefined ? 'GET' : 'POST';
    const request = http.request(url, { method, agent, headers: { ...headers } });
    if (body !== undefined && hasLength) request.setHeader('content-length', body.length);
    request.once('response', resolve);
    request.once('error', reject);
    // Headers that went out before the body was known have no length.
    if (!hasLength) request.flushHeaders();
    request.end(body);
  });
  const answer = await text(response);
  return { ms: performance.now() - startedMs, status: response.statusCode ?? 0, body: answer };
}

const BOUNDARY = 'bench-0123456789';

/** The type that goes with `formWith`. */
export const FORM_TYPE = `multipart/form-data; boundary=${BOUNDARY}`;

/** A form whose file comes last, as most callers send it. */
export function formWith(file: Uint8Array, fileName: string): Buffer {
  const disposition = `content-disposition: form-data; name="file"; filename="${fileName}"`;
  return Buffer.concat([
    Buffer.from(`--${BOUNDARY}\r\n${disposition}\r\ncontent-type: audio/wav\r\n\r\n`),
    file,
    Buffer.from(`\r\n--${BOUNDARY}--\r\n`),
  ]);
}
