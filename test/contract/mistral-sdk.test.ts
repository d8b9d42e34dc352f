/** Mistral's own SDK talks to our stand-in: what it takes for an answer is one. */
import { Mistral } from '@mistralai/mistralai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type MistralStandIn, startMistralStandIn } from '#test/support/mistral-stand-in.ts';

describe('the stand-in for Mistral, driven by @mistralai/mistralai', () => {
  let server: MistralStandIn;
  let sdk: Mistral;
  const file = { fileName: 'hello.wav', content: new Uint8Array(5000).fill(7) };

  beforeAll(async () => {
    server = await startMistralStandIn();
    sdk = new Mistral({ apiKey: server.apiKey, serverURL: server.baseUrl });
  });
  afterAll(() => server.close());

  it('answers complete() with speakers and segments', async () => {
    const answer = await sdk.audio.transcriptions.complete({
      model: 'voxtral-mini-2602',
      file,
      diarize: true,
      timestampGranularities: ['segment'],
      contextBias: ['Manacore', 'Voxtral'],
    });
    expect(answer).toMatchObject({
      model: 'voxtral-mini-2602',
      language: 'de',
      text: 'Guten Morgen. Wie geht es dir?',
      segments: [{ speakerId: 'speaker_2', start: 0.25 }, { speakerId: 'speaker_1' }],
      usage: { promptAudioSeconds: 4 },
    });
  });

  it('sees the fields as the SDK sends them: repeated names, diarize and stream always', () => {
    const sent = server.requests.at(-1);
    expect(sent?.fields).toEqual([
      ['model', 'voxtral-mini-2602'],
      ['context_bias', 'Manacore'],
      ['context_bias', 'Voxtral'],
      ['diarize', 'true'],
      ['stream', 'false'],
      ['timestamp_granularities', 'segment'],
    ]);
    expect(sent?.file).toMatchObject({ name: 'hello.wav', sizeBytes: 5000 });
  });

  it('answers stream() with every kind of event', async () => {
    const events = await sdk.audio.transcriptions.stream({
      model: 'voxtral-mini-latest',
      file,
      timestampGranularities: ['segment'],
    });
    const seen: string[] = [];
    let text = '';
    for await (const { data } of events) {
      seen.push(data.type);
      if (data.type === 'transcription.done') text = data.text;
    }
    expect([...new Set(seen)]).toEqual([
      'transcription.language',
      'transcription.text.delta',
      'transcription.segment',
      'transcription.done',
    ]);
    expect(text).toBe('Guten Morgen. Wie geht es dir?');
  });

  it('gives an empty text for language and times together', async () => {
    const answer = await sdk.audio.transcriptions.complete({
      model: 'voxtral-mini-2602',
      file,
      language: 'de',
      timestampGranularities: ['word'],
    });
    expect(answer.text).toBe('');
  });

  it.each([
    ['diarize without segments', { diarize: true }, 400],
    ['a locale for a language', { language: 'en-US' }, 422],
    ['a phrase for a word of context_bias', { contextBias: ['two words'] }, 422],
    ['101 words of context_bias', { contextBias: Array<string>(101).fill('a') }, 422],
    ['a model of another route', { model: 'voxtral-small-latest' }, 400],
    [
      'word times of the 3 series',
      { model: 'voxtral-mini-transcribe-3', timestampGranularities: ['word' as const] },
      400,
    ],
    ['no file', { file: undefined }, 400],
  ])('refuses %s', async (_, fields, statusCode) => {
    const call = sdk.audio.transcriptions.complete({ model: 'voxtral-mini-2602', file, ...fields });
    await expect(call).rejects.toMatchObject({ statusCode });
  });

  it('refuses another key with 401', async () => {
    const stranger = new Mistral({ apiKey: 'wrong', serverURL: server.baseUrl });
    const call = stranger.audio.transcriptions.complete({ model: 'voxtral-mini-2602', file });
    await expect(call).rejects.toMatchObject({ statusCode: 401 });
  });
});
