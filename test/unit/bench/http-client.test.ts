import { readFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { type MultipartPart, parseMultipartRequest } from '@remix-run/multipart-parser/node';
import { afterEach, describe, expect, it } from 'vitest';
import { transcribeOverHttp } from '#test/bench/lib/http-client.ts';

const CLIP = fileURLToPath(new URL('../../fixtures/en_harbor.flac', import.meta.url));
const ANSWER = {
  text: 'Hello.',
  language: 'en',
  words: [{ word: 'Hello.', start: 0.1, end: 0.5, score: 0.9 }],
};

let server: http.Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

async function listen(handler: http.RequestListener): Promise<string> {
  server = http.createServer(handler);
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe('transcribeOverHttp', () => {
  it('sends the whole file and its fields as multipart, and reads the times of the words', async () => {
    const parts: MultipartPart[] = [];
    const url = await listen(async (request, response) => {
      for await (const part of parseMultipartRequest(request)) parts.push(part);
      response.end(JSON.stringify(ANSWER));
    });
    const answer = await transcribeOverHttp(url, CLIP, { language: 'en' });
    expect(parts.map((part) => part.name)).toEqual(['align', 'language', 'file']);
    expect(parts[2]?.filename).toBe('en_harbor.flac');
    expect(Buffer.from(parts[2]!.bytes).equals(readFileSync(CLIP))).toBe(true);
    expect(answer.words).toEqual([{ word: 'Hello.', startSeconds: 0.1, endSeconds: 0.5 }]);
    expect(answer.seconds).toBeGreaterThan(0);
  });

  it('rejects with status and body where the answer is not 200', async () => {
    const url = await listen((request, response) => {
      request.resume();
      response.writeHead(429).end('{"detail":"busy"}');
    });
    await expect(transcribeOverHttp(url, CLIP, {})).rejects.toThrow('429 {"detail":"busy"}');
  });

  it('leaves when its signal says so', async () => {
    const leave = new AbortController();
    const closed = Promise.withResolvers<void>();
    const url = await listen((request) => {
      request.resume();
      request.once('end', () => leave.abort());
      request.socket.once('close', () => closed.resolve());
    });
    await expect(transcribeOverHttp(url, CLIP, { signal: leave.signal })).rejects.toThrow(
      'aborted',
    );
    await closed.promise;
  });
});
