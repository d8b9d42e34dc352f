/**
 * The whole hosted path in workerd: a client → `wrangler dev` → a server that speaks Mistral's protocol. A client that
 * leaves is not here: `wrangler dev` is a proxy that keeps such a request (test/worker/routed.test.ts has it).
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { EdgeHealthResponse } from '#shared/contracts/edge-service.ts';
import { TranscriptionResponse } from '#shared/contracts/transcription.ts';
import { STAND_IN_TEXT } from '#test/support/mistral-stand-in/answer.ts';
import {
  type Misbehaviour,
  type MistralStandIn,
  startMistralStandIn,
} from '#test/support/mistral-stand-in.ts';
import { type RunningEdge, startEdge } from '#test/support/running-edge.ts';
import { FIXTURES, post, recording } from '#test/support/transcribe-request.ts';

const TIMEOUT_SECONDS = 15;

let mistral: MistralStandIn;
let edge: RunningEdge;

beforeAll(async () => {
  mistral = await startMistralStandIn();
  edge = await startEdge({
    // Nobody listens there: our own machines are down.
    ORIGINS: `gone=http://127.0.0.1:${await findClosedPort()}`,
    ORIGIN_RETRY_SECONDS: '0',
    MISTRAL_API_KEY: mistral.apiKey,
    MISTRAL_BASE_URL: mistral.baseUrl,
    MISTRAL_TIMEOUT: String(TIMEOUT_SECONDS),
  });
});
afterAll(async () => {
  await edge?.stop();
  await mistral?.close();
});
beforeEach(() => {
  mistral.requests.length = 0;
  mistral.misbehaviours.length = 0;
});

async function findClosedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

async function ask(route: string, fields: Record<string, string> = {}, file?: File) {
  const upload = file ?? (await recording('en_harbor.flac'));
  const response = await post(edge, upload, { route, fields });
  const text = await response.text();
  return { response, status: response.status, headers: response.headers, text };
}

describe('the edge in front of Mistral', () => {
  it('sends a real recording byte for byte, with its length, and answers by the contract', async () => {
    const { status, headers, text } = await ask('/transcribe/voxtral', { language: 'de' });
    expect(status).toBe(200);
    const answer = TranscriptionResponse.strict().parse(JSON.parse(text));
    expect(answer).toMatchObject({
      text: STAND_IN_TEXT,
      language: 'de',
      model: 'voxtral-mini-2602',
      duration_seconds: 4,
    });
    expect(answer.words).toHaveLength(6);
    expect(headers.get('x-mana-backend')).toBe('mistral');
    expect(headers.get('X-Audio-Seconds')).toBe('4');
    const [seen] = mistral.requests;
    const bytes = readFileSync(join(FIXTURES, 'en_harbor.flac'));
    expect(seen?.file).toMatchObject({ name: 'recording.flac', sha256: sha256(bytes) });
    expect(Number(seen?.headers['content-length'])).toBeGreaterThan(bytes.length);
    expect(seen?.headers['transfer-encoding']).toBeUndefined();
  });

  it('gives speakers as utterances', async () => {
    const { text } = await ask('/transcribe/voxtral', { diarization: 'true', alignment: 'false' });
    const answer = TranscriptionResponse.strict().parse(JSON.parse(text));
    expect(answer.speakers).toEqual(['SPEAKER_00', 'SPEAKER_01']);
    expect(answer.utterances?.map(({ speaker }) => speaker)).toEqual([0, 1]);
  });

  it('gives subtitles', async () => {
    const { text, headers } = await ask('/transcribe/voxtral', { response_format: 'srt' });
    expect(headers.get('Content-Type')).toContain('subrip');
    expect(text).toContain('00:00:00,250 --> ');
  });

  it('passes 20 MB through, kept in the bucket meanwhile', async () => {
    const bytes = new Uint8Array(20 * 1024 * 1024).map((_, index) => (index * 31) % 253);
    const file = new File([bytes], 'long.wav', { type: 'audio/wav' });
    const { status } = await ask('/transcribe/voxtral', {}, file);
    expect(status).toBe(200);
    expect(mistral.requests[0]?.file).toMatchObject({
      sizeBytes: bytes.length,
      sha256: sha256(bytes),
    });
  });

  it('steps in when our machines are down, and says so', async () => {
    const { status, headers, text } = await ask('/transcribe/auto');
    expect(status).toBe(200);
    expect(headers.get('x-mana-backend')).toBe('mistral');
    const { warnings } = TranscriptionResponse.parse(JSON.parse(text));
    expect(warnings.join()).toMatch(/mistral, .*(are down|failed)/);
  });

  it('never sees a recording that must stay on our machines', async () => {
    const received = mistral.receivedBytes();
    for (const more of [{}, { prefer: 'voxtral' }, { model: 'voxtral-mini-2602' }]) {
      const { status } = await ask('/transcribe/auto', { allow_hosted: 'false', ...more });
      expect(status).toBeGreaterThanOrEqual(422);
    }
    const { status } = await ask('/transcribe/voxtral', { allow_hosted: 'false' });
    expect(status).toBe(422);
    expect(mistral.receivedBytes()).toBe(received);
  });

  it('is told of in /health', async () => {
    const health = EdgeHealthResponse.parse(await (await fetch(`${edge.url}/health`)).json());
    expect(health).toMatchObject({
      mistral_api_available: true,
      mistral: { status: 'available', last_outcome: 'success' },
    });
  });

  it.each<[Misbehaviour, number, string]>([
    [{ kind: 'status', status: 401 }, 502, 'backend_unavailable'],
    [{ kind: 'status', status: 401, isEarly: true }, 502, 'backend_unavailable'],
    [{ kind: 'drop' }, 502, 'backend_unavailable'],
    [{ kind: 'cut' }, 502, 'backend_unavailable'],
  ])('answers %j with %d and nothing of what came', async (misbehaviour, status, code) => {
    // A success in between: five failures in a row would open the breaker.
    await ask('/transcribe/voxtral');
    mistral.misbehaviours.push(misbehaviour);
    const answer = await ask('/transcribe/voxtral');
    expect(answer.status).toBe(status);
    expect(JSON.parse(answer.text)).toMatchObject({ code });
    expect(answer.headers.get('x-mana-route')).toMatch(/^mistral=backend_unavailable; /);
    expect(JSON.stringify([answer.text, ...answer.headers])).not.toMatch(/secret|mistral-test-key/);
  });

  it(`answers 504 when nothing comes for ${TIMEOUT_SECONDS} s`, async () => {
    mistral.misbehaviours.push({ kind: 'hang' });
    const { status, text } = await ask('/transcribe/voxtral');
    expect(status).toBe(504);
    expect(JSON.parse(text)).toMatchObject({ code: 'timeout' });
  });

  // The last two open the breaker.
  it('passes a 500 with a Retry-After on as 502, and leaves Mistral alone from then on', async () => {
    mistral.misbehaviours.push({ kind: 'status', status: 500, headers: { 'Retry-After': '2' } });
    expect((await ask('/transcribe/voxtral')).status).toBe(502);
    const { status, headers } = await ask('/transcribe/voxtral');
    expect(status).toBe(503);
    expect(headers.get('x-mana-route')).toBe('none; mistral=circuit_open, whisperx=not_asked_for');
    expect(mistral.requests).toHaveLength(1);
  });

  it('has written neither key nor words of Mistral into its log', () => {
    expect(edge.output()).not.toMatch(/mistral-test-key|a secret of the upstream/);
    expect(edge.output()).toContain('mistral failed');
  });
});
