import { readFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
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
    const forms: FormData[] = [];
    const url = await listen(async (request, response) => {
      const headers = { 'content-type': request.headers['content-type'] ?? '' };
      forms.push(await new Response(await buffer(request), { headers }).formData());
      response.end(JSON.stringify(ANSWER));
    });
    const answer = await transcribeOverHttp(url, CLIP, { language: 'en' });
    const form = Object.fromEntries(forms[0] ?? []);
    const file = form['file'];
    if (!(file instanceof File)) throw new Error('the field file is not a file');
    expect({ align: form['align'], language: form['language'] }).toEqual({
      align: 'true',
      language: 'en',
    });
    expect(file.name).toBe('en_harbor.flac');
    expect(Buffer.from(await file.arrayBuffer()).equals(readFileSync(CLIP))).toBe(true);
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
