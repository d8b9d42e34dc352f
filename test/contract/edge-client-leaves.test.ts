/** A client that leaves while Mistral works, in workerd as it is. */
import { once } from 'node:events';
import { request } from 'node:http';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type MistralStandIn, startMistralStandIn } from '#test/support/mistral-stand-in.ts';
import { type RunningWorkerd, startWorkerd } from '#test/support/running-workerd.ts';

let mistral: MistralStandIn;
let edge: RunningWorkerd;

beforeAll(async () => {
  mistral = await startMistralStandIn();
  edge = await startWorkerd({
    REQUIRE_AUTH: 'false',
    ORIGINS: 'none=http://127.0.0.1:9',
    MISTRAL_API_KEY: mistral.apiKey,
    MISTRAL_BASE_URL: mistral.baseUrl,
    // Longer than the test may take: only the client's leaving ends it in time.
    MISTRAL_TIMEOUT: '600',
  });
});
afterAll(async () => {
  await edge?.stop();
  await mistral?.close();
});

it.each(['/transcribe/voxtral', '/transcribe/auto'])(
  'ends the request to Mistral when the client of %s leaves, and is logged as 499',
  async (route) => {
    mistral.misbehaviours.push({ kind: 'hang' });
    const [begun, left] = [mistral.begun(), mistral.left()];
    const { sent, requestId } = await upload(route);
    await begun;
    // A reset: of a mere end of the client's side nobody can tell whether it still reads.
    sent.socket?.resetAndDestroy();
    await left;
    await expect.poll(() => lineOf(requestId)).toMatchObject({ status: 499, code: 'client_gone' });
    expect(edge.output()).not.toContain('mistral failed');
  },
);

async function upload(route: string) {
  const form = new FormData();
  form.append('file', new File([new Uint8Array(50_000)], 'a.wav'));
  form.append('prefer', 'voxtral');
  const encoded = new Response(form);
  const body = Buffer.from(await encoded.arrayBuffer());
  const requestId = crypto.randomUUID();
  const headers = {
    'Content-Type': encoded.headers.get('Content-Type') ?? '',
    'Content-Length': body.length,
    'X-Request-Id': requestId,
  };
  const sent = request(`${edge.url}${route}`, { method: 'POST', headers });
  // It is we who break it off.
  sent.on('error', () => {});
  sent.end(body);
  await once(sent, 'socket');
  return { sent, requestId };
}

/** The request's line in the log. */
function lineOf(requestId: string): unknown {
  const lines = edge
    .output()
    .split('\n')
    .filter((line) => line.startsWith('{'));
  const found = lines
    .map((line) => JSON.parse(line))
    .find((it) => {
      return it.msg === 'request' && it.request_id === requestId;
    });
  return found ?? {};
}
