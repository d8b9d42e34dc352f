/** A voice bot on the LAN: Python, no key, recordings of seconds, one connection for a whole call. */
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TranscriptionResponse } from '#shared/contracts/transcription.ts';
import { type MultipartStyle, PYTHON_STYLES } from '#test/support/callers/multipart-styles.ts';
import { exchange, type RawAnswer } from '#test/support/http-exchange.ts';
import { startTestOrigin, type TestOrigin } from '#test/support/origin-server.ts';
import { type RunningOrigin, startOrigin } from '#test/support/running-origin.ts';
import { errorRateOf, FIXTURES } from '#test/support/transcribe-request.ts';

const LAN = { HOST: '0.0.0.0', REQUIRE_AUTH: 'false' };
const [REQUESTS] = PYTHON_STYLES as [MultipartStyle, ...MultipartStyle[]];
/** Line breaks and hyphens, which a parser may stumble over. */
const RECORDING = Buffer.from('RIFF\r\n--\r\n\r\n--4f1a\r\n\0\xff\r', 'latin1');

/** What a client of HTTP/1.1 sends; bodies without a length go in chunks. */
function message(body: Uint8Array, headers: readonly string[], isChunked = false): Buffer {
  const length = isChunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${body.length}`;
  const lines = ['POST /transcribe HTTP/1.1', 'Host: stt.lan:3020', length, ...headers, '', ''];
  return Buffer.concat([Buffer.from(lines.join('\r\n')), isChunked ? inChunks(body) : body]);
}

function inChunks(body: Uint8Array): Buffer {
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < body.length; at += 100) {
    const piece = body.subarray(at, at + 100);
    pieces.push(Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n'));
  }
  return Buffer.concat([...pieces, Buffer.from('0\r\n\r\n')]);
}

function formOf(style: MultipartStyle, recording: Uint8Array = RECORDING, isChunked = false) {
  return message(style.encode(recording), [`Content-Type: ${style.contentType}`], isChunked);
}

describe("a voice bot's form", () => {
  let origin: TestOrigin;
  beforeAll(async () => {
    origin = await startTestOrigin(LAN);
  });
  afterAll(() => origin.stop());

  const send = async (bytes: Uint8Array): Promise<RawAnswer> => {
    const [answer] = await exchange(origin.port, [bytes]);
    if (answer === undefined) throw new Error('the origin closed without an answer');
    return answer;
  };

  it.each(PYTHON_STYLES)('is understood from $name', async (style) => {
    const answer = await send(formOf(style));
    expect(answer.status, answer.body).toBe(200);
    const { fileName, options } = origin.transcriber.jobs.at(-1)!.request;
    expect({ fileName, language: options.language }).toEqual({
      fileName: style.fileName,
      language: 'de',
    });
    expect(origin.transcriber.seenBytes.at(-1)).toBe(RECORDING.length);
  });

  it.each(PYTHON_STYLES)('is understood in chunks without a length from $name', async (style) => {
    const answer = await send(formOf(style, RECORDING, true));
    expect(answer.status, answer.body).toBe(200);
    expect(origin.transcriber.seenBytes.at(-1)).toBe(RECORDING.length);
  });

  it('may be cut anywhere on its way', async () => {
    const bytes = formOf(REQUESTS);
    const pieces = [...bytes].map((byte) => Uint8Array.of(byte));
    const [answer] = await exchange(origin.port, pieces);
    expect(answer?.status).toBe(200);
    expect(origin.transcriber.seenBytes.at(-1)).toBe(RECORDING.length);
  });

  it('is refused with 400 when its lines end with LF alone', async () => {
    const text = REQUESTS.encode(Buffer.from('x')).toString('latin1').replaceAll('\r\n', '\n');
    const type = `Content-Type: ${REQUESTS.contentType}`;
    const answer = await send(message(Buffer.from(text, 'latin1'), [type]));
    expect(answer.status).toBe(400);
    expect(JSON.parse(answer.body)).toMatchObject({ code: 'malformed_body' });
  });
});

describe("a voice bot's connection", () => {
  let origin: TestOrigin;
  beforeAll(async () => {
    origin = await startTestOrigin(LAN);
  });
  afterAll(() => origin.stop());

  it('carries one request after another, refused ones between them', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const ports = new Set<number>();
    const good = () => REQUESTS.encode(RECORDING);
    const bodies = [good(), Buffer.from(`--${'x'}`), good(), good()];
    const statuses: (number | undefined)[] = [];
    for (const body of bodies) {
      const headers = { 'Content-Type': REQUESTS.contentType, 'Content-Length': body.length };
      const { promise, resolve, reject } = Promise.withResolvers<number | undefined>();
      const url = `${origin.url}/transcribe`;
      const sent = request(url, { method: 'POST', headers, agent }, (response) => {
        response.resume().on('end', () => resolve(response.statusCode));
      });
      sent.on('socket', (socket) => socket.once('connect', () => ports.add(socket.localPort ?? 0)));
      sent.on('error', reject).end(body);
      statuses.push(await promise);
    }
    agent.destroy();
    expect(statuses).toEqual([200, 400, 200, 200]);
    expect(ports.size).toBe(1);
  });

  it('carries requests that do not wait for one another, answered in their order', async () => {
    const requests = [formOf(REQUESTS), formOf(REQUESTS, Buffer.alloc(0)), formOf(REQUESTS)];
    const answers = await exchange(origin.port, requests, { answers: 3 });
    expect(answers.map(({ status }) => status)).toEqual([200, 400, 200]);
    expect(new Set(answers.map(({ headers }) => headers.get('x-request-id'))).size).toBe(3);
  });
});

describe('a voice bot without a key', () => {
  it('is let in where REQUIRE_AUTH=false was said; with nothing said the origin does not start', async () => {
    await expect(startTestOrigin({ HOST: '0.0.0.0' })).rejects.toThrow('REQUIRE_AUTH=false');
  });

  it('may send whatever its settings still have as a key', async () => {
    const origin = await startTestOrigin(LAN);
    const type = `Content-Type: ${REQUESTS.contentType}`;
    for (const header of ['X-API-Key: old', 'X-API-Key:', 'Authorization: Basic eDp5']) {
      const body = REQUESTS.encode(RECORDING);
      const [answer] = await exchange(origin.port, [message(body, [type, header])]);
      expect(answer?.status, header).toBe(200);
    }
    await origin.stop();
  });
});

describe('what a voice bot hears back', () => {
  let origin: RunningOrigin;
  beforeAll(async () => {
    origin = await startOrigin(LAN);
  });
  afterAll(() => origin.stop());

  it('is the text of real speech, turn for turn on one connection', async () => {
    const file = readFileSync(join(FIXTURES, 'en_harbor.flac'));
    const turn = message(REQUESTS.encode(file), [`Content-Type: ${REQUESTS.contentType}`]);
    const english = Buffer.from(
      turn.toString('latin1').replace('\r\nde\r\n', '\r\nen\r\n'),
      'latin1',
    );
    const answers = await exchange(origin.port, [english, english], { answers: 2 });
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    for (const { body } of answers) {
      const answer = TranscriptionResponse.parse(JSON.parse(body));
      expect(errorRateOf('en_harbor.flac', answer)).toBeLessThanOrEqual(0.1);
    }
  });
});
