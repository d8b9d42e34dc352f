import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TranscriptionResponse } from '#shared/contracts/transcription.ts';
import { startTestOrigin, type TestOrigin } from '#test/support/origin-server.ts';

let origin: TestOrigin;

beforeEach(async () => {
  origin = await startTestOrigin({ MAX_UPLOAD_MB: '1' });
});

afterEach(async () => {
  await origin.stop();
});

function form(fields: Record<string, string | Blob>): FormData {
  const data = new FormData();
  for (const [name, value] of Object.entries(fields)) {
    data.append(name, value);
  }
  return data;
}

const RECORDING = new File([new Uint8Array(1000)], 'hello.wav', { type: 'audio/wav' });

function post(
  body: FormData | string,
  init: RequestInit = {},
  path = '/transcribe',
): Promise<Response> {
  return fetch(`${origin.url}${path}`, { method: 'POST', body, ...init });
}

describe('POST /transcribe', () => {
  it('answers 200 in the words of the contract', async () => {
    const response = await post(form({ file: RECORDING, language: 'de-DE' }));
    expect(response.status).toBe(200);
    const body = TranscriptionResponse.parse(await response.json());
    expect(body).toMatchObject({ text: 'Hello there.', model: 'whisperx-base' });
    expect(origin.transcriber.jobs[0]?.request).toMatchObject({
      fileName: 'hello.wav',
      options: { language: 'de', align: true, diarize: false, beamSize: 5, task: 'transcribe' },
    });
    expect(origin.transcriber.seenBytes).toEqual([1000]);
    expect(await origin.listSpool()).toEqual([]);
  });
  it('rejects a form without a file with 400', async () => {
    const response = await post(form({ language: 'de' }));
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ code: 'no_file' });
  });
});
