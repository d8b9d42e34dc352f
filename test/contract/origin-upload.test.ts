import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { form, RECORDING } from '#test/support/forms.ts';
import { logLine, startTestOrigin, type TestOrigin } from '#test/support/origin-server.ts';
import {
  BOUNDARY,
  filePartHead,
  openSocket,
  postHead,
  readAnswer,
} from '#test/support/raw-http.ts';

let origin: TestOrigin;

beforeEach(async () => {
  origin = await startTestOrigin({ UPLOAD_IDLE_TIMEOUT: '1' });
});

afterEach(async () => {
  expect(await origin.listSpool()).toEqual([]);
  await origin.stop();
});

const MB = 1024 * 1024;
const ENDING = `\r\n--${BOUNDARY}--\r\n`;

function post(body: FormData | string, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${origin.url}/transcribe`, { method: 'POST', body, headers });
}

async function postRaw(body: string, extra: readonly string[] = []) {
  const socket = await openSocket(origin.port);
  socket.write(postHead([`Content-Length: ${Buffer.byteLength(body)}`, ...extra]) + body);
  const answer = await readAnswer(socket);
  socket.destroy();
  return { status: answer.status, body: JSON.parse(answer.body) };
}

describe('the form of POST /transcribe', () => {
  it('may have its fields before or after the file', async () => {
    await post(form(['language', 'de'], ['file', RECORDING]));
    await post(form(['file', RECORDING], ['language', 'de']));
    const languages = origin.transcriber.jobs.map(({ request }) => request.options.language);
    expect(languages).toEqual(['de', 'de']);
  });

  it('may name the file "audio", and have it without a name or a type', async () => {
    expect((await post(form(['audio', RECORDING]))).status).toBe(200);
    const head = `--${BOUNDARY}\r\nContent-Disposition: form-data; name="file"\r\nContent-Type: application/octet-stream\r\n\r\n`;
    expect((await postRaw(`${head}bytes${ENDING}`)).status).toBe(200);
    expect(origin.transcriber.jobs[1]?.request.fileName).toBeUndefined();
  });

  it('never lets a file name choose a path', async () => {
    await post(form(['file', new File(['x'], '../../../etc/passwd')]));
    const { path, fileName } = origin.transcriber.jobs[0]!.request;
    expect(path.startsWith(origin.spoolDir)).toBe(true);
    expect(fileName).toBe('passwd');
  });

  it('ignores files in other fields', async () => {
    const response = await post(form(['cover', RECORDING], ['file', RECORDING]));
    expect(response.status).toBe(200);
    expect(origin.transcriber.seenBytes).toEqual([1000]);
  });

  it('is refused with 400 without a file, saying what was found', async () => {
    const response = await post(form(['language', 'de'], ['cover', RECORDING]));
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      code: 'no_file',
      detail: expect.stringContaining('"language", "cover"'),
    });
  });

  it('is refused with 400 when the file is empty', async () => {
    const response = await post(form(['file', new File([], 'empty.wav')]));
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ code: 'empty_file' });
  });

  it.each([['file'], ['audio']])('is refused with 400 for a second file in "%s"', async (name) => {
    const response = await post(form(['file', RECORDING], [name, RECORDING]));
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ code: 'several_files' });
  });

  it.each([['application/json'], ['application/x-www-form-urlencoded'], ['multipart/mixed']])(
    'is refused with 415 as %s',
    async (type) => {
      const response = await post('{}', { 'Content-Type': type });
      expect(response.status).toBe(415);
      expect(await response.json()).toMatchObject({ detail: expect.stringContaining(type) });
    },
  );

  it('is refused with 400 without a boundary', async () => {
    const response = await post('x', { 'Content-Type': 'multipart/form-data' });
    expect(response.status).toBe(400);
  });

  it.each([
    ['of 8 kB', 'b'.repeat(8000)],
    ['beyond ASCII', '"gr\xfc\xdfe"'],
  ])('is refused with 400 with a boundary %s', async (_what, boundary) => {
    const type = { 'Content-Type': `multipart/form-data; boundary=${boundary}` };
    const response = await post('x', type);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ code: 'malformed_body' });
  });

  it('is divided by the first boundary that is named, whatever signs it has', async () => {
    const boundary = String.raw`a\b'(%41)+_,-./:=? c`;
    const body = filePartHead().replace(BOUNDARY, boundary);
    const type = `multipart/form-data; boundary="${boundary}"; boundary=${BOUNDARY}`;
    const response = await post(`${body}bytes\r\n--${boundary}--\r\n`, { 'Content-Type': type });
    expect(response.status).toBe(200);
    expect(origin.transcriber.seenBytes).toEqual([5]);
  });

  it('is refused with 400 without any body', async () => {
    expect((await postRaw('')).body).toMatchObject({ code: 'malformed_body' });
  });

  it.each([
    ['in the file', `${filePartHead()}some bytes`],
    ['in the head of a part', `--${BOUNDARY}\r\nContent-Dispo`],
    ['before its first part', 'nothing like a form'],
    ['after the file', `${filePartHead()}bytes\r\n--${BOUNDARY}\r\n`],
  ])('is refused with 400 when it ends %s', async (_where, body) => {
    const answer = await postRaw(body);
    expect(answer).toMatchObject({ status: 400, body: { code: 'malformed_body' } });
  });

  it('is refused with 400 when it has 51 fields', async () => {
    const fields = Array.from({ length: 51 }, (_, i): [string, string] => [`f${i}`, 'x']);
    const response = await post(form(...fields, ['file', RECORDING]));
    expect(await response.json()).toMatchObject({
      status: 400,
      detail: expect.stringContaining('50'),
    });
  });

  it('is refused with 422 when a text is longer than 64 KiB', async () => {
    const response = await post(form(['prompt', 'x'.repeat(65_537)], ['file', RECORDING]));
    expect(await response.json()).toMatchObject({ status: 422, code: 'invalid_fields' });
  });
});

describe('the size of an upload', () => {
  it('may be 100 MB', async () => {
    const response = await post(form(['file', new File([new Uint8Array(100 * MB)], 'a.wav')]));
    expect(response.status).toBe(200);
    expect(origin.transcriber.seenBytes).toEqual([100 * MB]);
  });

  it('is refused with 413 at 100 MB and one byte', async () => {
    const response = await post(form(['file', new File([new Uint8Array(100 * MB + 1)], 'a.wav')]));
    expect(response.status).toBe(413);
    expect(await response.json()).toMatchObject({ detail: expect.stringContaining('100 MB') });
  });

  it('is refused at once when Content-Length tells it, without a byte of the body', async () => {
    const socket = await openSocket(origin.port);
    socket.write(postHead([`Content-Length: ${102 * MB}`]));
    expect((await readAnswer(socket)).status).toBe(413);
    socket.destroy();
  });

  it('is asked for with 100 Continue only when it is wanted', async () => {
    const small = `${filePartHead()}bytes${ENDING}`;
    const wanted = await openSocket(origin.port);
    wanted.write(postHead([`Content-Length: ${small.length}`, 'Expect: 100-continue']));
    const [invitation] = await once(wanted, 'data');
    expect(String(invitation)).toBe('HTTP/1.1 100 Continue\r\n\r\n');
    wanted.write(small);
    expect((await readAnswer(wanted)).status).toBe(200);
    wanted.destroy();

    const tooLarge = await openSocket(origin.port);
    tooLarge.write(postHead([`Content-Length: ${102 * MB}`, 'Expect: 100-continue']));
    expect((await readAnswer(tooLarge)).status).toBe(413);
    tooLarge.destroy();
  });

  it('is refused while reading when nothing tells the length', async () => {
    const upload = await openChunked();
    for (let sent = 0; sent <= 100; sent++) {
      await upload.write(PIECE);
    }
    // The body never ends; the answer comes all the same.
    expect((await upload.answered).status).toBe(413);
    upload.socket.destroy();
  });

  it('does not show in memory', async () => {
    const upload = await openChunked();
    const before = process.memoryUsage().arrayBuffers;
    let most = 0;
    for (let sent = 0; sent < 95; sent++) {
      await upload.write(PIECE);
      most = Math.max(most, process.memoryUsage().arrayBuffers - before);
    }
    await upload.write(Buffer.from(ENDING));
    upload.socket.write('0\r\n\r\n');
    expect((await upload.answered).status).toBe(200);
    expect(most).toBeLessThan(48 * MB);
    upload.socket.destroy();
  });
});

const PIECE = Buffer.alloc(MB);

/** A body without an announced length, and in it a file that has just begun. */
async function openChunked() {
  const socket = await openSocket(origin.port);
  // The server may close while we still write; the answer says why.
  socket.on('error', () => {});
  socket.write(postHead(['Transfer-Encoding: chunked']));
  const answered = readAnswer(socket);
  const write = async (piece: Buffer) => {
    socket.write(`${piece.length.toString(16)}\r\n`);
    socket.write(piece);
    if (!socket.write('\r\n')) {
      await Promise.race([once(socket, 'drain'), answered]);
    }
  };
  await write(Buffer.from(filePartHead()));
  return { socket, answered, write };
}

describe('an upload that does not go on', () => {
  it('is given up with 408 after UPLOAD_IDLE_TIMEOUT', async () => {
    const socket = await openSocket(origin.port);
    socket.write(postHead(['Content-Length: 5000']) + filePartHead());
    const answer = await readAnswer(socket);
    expect(answer.status).toBe(408);
    expect(JSON.parse(answer.body)).toMatchObject({ code: 'upload_stalled' });
    socket.destroy();
  });

  it('frees its place and its file when the client leaves', async () => {
    const socket = await openSocket(origin.port);
    socket.write(`${postHead(['Content-Length: 500000'])}${filePartHead()}${'x'.repeat(100_000)}`);
    while ((await origin.listSpool()).length === 0) {
      await new Promise(setImmediate);
    }
    socket.destroy();
    const line = await logLine(origin, ({ msg }) => msg === 'request');
    expect(line).toMatchObject({ status: 499, code: 'client_gone' });
    expect(origin.admission.counts()).toEqual({ running: 0, waiting: 0 });
  });
});
