import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { form, RECORDING } from '#test/support/forms.ts';
import { startTestOrigin, type TestOrigin } from '#test/support/origin-server.ts';

let origin: TestOrigin;

beforeEach(async () => {
  origin = await startTestOrigin();
});

afterEach(async () => {
  expect(await origin.listSpool()).toEqual([]);
  await origin.stop();
});

const MB = 1024 * 1024;
const NAMES = 'known_speaker_names[]';
const REFERENCES = 'known_speaker_references[]';

const dataUrl = (bytes: Uint8Array, type = 'audio/wav') =>
  `data:${type};base64,${Buffer.from(bytes).toString('base64')}`;

type Field = [name: string, value: string | Blob];

function post(...fields: Field[]): Promise<Response> {
  const body = form(...fields, ['file', RECORDING]);
  return fetch(`${origin.url}/transcribe`, { method: 'POST', body });
}

async function faultOf(...fields: Field[]): Promise<string> {
  const response = await post(...fields);
  expect(response.status).toBe(422);
  expect(origin.transcriber.jobs).toEqual([]);
  const { detail } = (await response.json()) as { detail: { msg: string }[] };
  return detail[0]?.msg ?? '';
}

describe('the samples of known speakers', () => {
  it('reach the pipeline as files, from URLs and from file parts, and are removed after', async () => {
    origin.transcriber.holds = true;
    const bytes = Uint8Array.from({ length: 3000 }, (_, i) => i % 256);
    const answer = post(
      [REFERENCES, dataUrl(bytes)],
      [NAMES, 'Ada'],
      [NAMES, 'Grace'],
      [REFERENCES, new File([bytes.slice(1)], 'grace.mp3')],
    );
    const job = await origin.transcriber.job(1);
    const { knownSpeakers = [] } = job.request.options;
    expect(knownSpeakers.map(({ name }) => name)).toEqual(['Ada', 'Grace']);
    const samples = knownSpeakers.map(({ samplePath = '' }) => readFileSync(samplePath));
    expect(samples).toEqual([Buffer.from(bytes), Buffer.from(bytes.slice(1))]);
    expect(await origin.listSpool()).toHaveLength(3);
    job.finish();
    expect((await answer).status).toBe(200);
  });

  it('may be 2 MB each', async () => {
    const bytes = new Uint8Array(2 * MB);
    const response = await post(
      [NAMES, 'Ada'],
      [REFERENCES, dataUrl(bytes)],
      [NAMES, 'Grace'],
      [REFERENCES, new Blob([bytes])],
    );
    expect(response.status).toBe(200);
  });

  it.each([
    ['URL', dataUrl(new Uint8Array(2 * MB + 1))],
    ['much longer URL', dataUrl(new Uint8Array(3 * MB))],
    ['file', new File([new Uint8Array(2 * MB + 1)], 'a.wav')],
  ])('are refused with 422 above 2 MB (%s)', async (_kind, sample) => {
    expect(await faultOf([NAMES, 'Ada'], [REFERENCES, sample])).toContain('2 MB');
  });

  it.each([
    ['plain text', 'hello'],
    ['an address', 'https://example.org/a.wav'],
    ['a text', dataUrl(new Uint8Array(10), 'text/html')],
    ['another encoding', 'data:audio/wav,abc'],
    ['broken letters', 'data:audio/wav;base64,%%%%'],
    ['nothing', 'data:audio/wav;base64,'],
  ])('are refused with 422 as %s', async (_what, value) => {
    expect(await faultOf([NAMES, 'Ada'], [REFERENCES, value])).toMatch(/sample/);
  });

  it('are refused with 422 without as many names, saying how many there are', async () => {
    const sample = dataUrl(new Uint8Array(10));
    expect(await faultOf([NAMES, 'Ada'])).toContain('1 names and 0 samples');
    expect(await faultOf([REFERENCES, sample])).toContain('0 names and 1 samples');
  });

  it('may be ten, and not eleven', async () => {
    const sample = dataUrl(new Uint8Array(10));
    const fields = (count: number) =>
      Array.from({ length: count }, (_, i): Field[] => [
        [NAMES, `S${i}`],
        [REFERENCES, sample],
      ]).flat();
    expect(await faultOf(...fields(11))).toContain('10');
    expect((await post(...fields(10))).status).toBe(200);
  });

  it('that are empty count as absent', async () => {
    expect((await post([NAMES, ''], [REFERENCES, ''])).status).toBe(200);
  });
});
