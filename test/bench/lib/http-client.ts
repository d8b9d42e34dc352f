/** A client of POST /transcribe that streams the file and waits as long as it takes. */

import { randomUUID } from 'node:crypto';
import { createReadStream, statSync } from 'node:fs';
import http from 'node:http';
import { basename } from 'node:path';
import { json, text } from 'node:stream/consumers';
import { z } from 'zod';
import type { Transcription } from '#test/bench/lib/contender.ts';

const Answer = z.object({
  text: z.string(),
  language: z.string().nullable(),
  words: z
    .array(
      z.object({
        word: z.string(),
        start: z.number(),
        end: z.number(),
        speaker: z.string().optional(),
      }),
    )
    .nullable(),
});

export interface TranscribeOptions {
  /** Absent: the server detects it. */
  readonly language?: string | undefined;
  /** Other fields of the form, or others than the usual ones (`align=true`). */
  readonly fields?: Readonly<Record<string, string>> | undefined;
  /** Ends the request, as a client that leaves does. */
  readonly signal?: AbortSignal;
}

/**
 * Sends a file with word times asked for. `seconds` counts from opening the connection to the parsed answer.
 * Not `fetch`: its limit of 300 s for response headers cannot be lifted without another package.
 * @throws with the status and body where the answer is not 200.
 */
export async function transcribeOverHttp(
  baseUrl: string,
  file: string,
  options: TranscribeOptions,
): Promise<Transcription> {
  const started = performance.now();
  const response = await post(new URL('/transcribe', baseUrl), file, options);
  if (response.statusCode !== 200) {
    throw new Error(
      `POST /transcribe of ${basename(file)}: ${response.statusCode} ${await text(response)}`,
    );
  }
  const answer = Answer.parse(await json(response));
  const seconds = (performance.now() - started) / 1000;
  const words = answer.words?.map(({ word, start, end, speaker }) => ({
    word,
    startSeconds: start,
    endSeconds: end,
    ...(speaker !== undefined && { speaker }),
  }));
  return { seconds, text: answer.text, language: answer.language, words: words ?? null };
}

/** Body of a GET as text; null where there is no 200. */
export async function getText(baseUrl: string, path: string): Promise<string | null> {
  try {
    const response = await fetch(new URL(path, baseUrl));
    const body = await response.text();
    return response.ok ? body : null;
  } catch {
    return null;
  }
}

function post(url: URL, file: string, options: TranscribeOptions): Promise<http.IncomingMessage> {
  const boundary = `bench-${randomUUID()}`;
  const { language, fields } = options;
  const sent = { align: 'true', ...(language !== undefined && { language }), ...fields };
  const head = multipartHead(boundary, basename(file), sent);
  const tail = `\r\n--${boundary}--\r\n`;
  const length = Buffer.byteLength(head) + statSync(file).size + Buffer.byteLength(tail);
  return new Promise((resolve, reject) => {
    const request = http.request(url, {
      method: 'POST',
      agent: false,
      headers: {
        'content-type': `multipart/form-data; boundary=${boundary}`,
        'content-length': length,
      },
      ...(options.signal ? { signal: options.signal } : {}),
    });
    request.once('response', resolve);
    request.once('error', reject);
    request.write(head);
    const body = createReadStream(file);
    body.once('error', (error) => request.destroy(error));
    body.once('end', () => request.end(tail));
    body.pipe(request, { end: false });
  });
}

function multipartHead(
  boundary: string,
  name: string,
  fields: Readonly<Record<string, string>>,
): string {
  const field = (key: string, value: string) =>
    `--${boundary}\r\ncontent-disposition: form-data; name="${key}"\r\n\r\n${value}\r\n`;
  return (
    Object.entries(fields)
      .map(([key, value]) => field(key, value))
      .join('') +
    `--${boundary}\r\ncontent-disposition: form-data; name="file"; filename="${name}"\r\n` +
    'content-type: application/octet-stream\r\n\r\n'
  );
}
