import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ExternalVllm } from '#origin/voxtral/external-server.ts';
import { findVoxtralModel } from '#origin/voxtral/models.ts';
import { splitLimits } from '#origin/voxtral/recording.ts';
import { splitSpeech } from '#origin/voxtral/split.ts';
import { comparableWords } from '#origin/voxtral/stitch.ts';
import { transcribeVoxtral } from '#origin/voxtral/transcribe-voxtral.ts';
import { makeRecording, type SpokenRecording } from '#test/support/spoken-recording.ts';
import { hear } from '#test/support/vllm-stand-in/spoken-words.ts';
import { recordingLog } from '#test/support/vllm-world.ts';

/** What one request meets. */
type Fate = 'ok' | 'blank' | 'length' | 'error' | 'status_500' | 'cut';

/** vLLM without a network: it hears the words in the audio of the form. */
function fakeFetch(fates: Fate[]): typeof fetch {
  return async (_url, init) => {
    const { body } = init as { body: FormData };
    const file = body.get('file') as File;
    const pcm = new DataView(await file.arrayBuffer(), 44);
    const samples = Float32Array.from(
      { length: pcm.byteLength / 2 },
      (_, i) => pcm.getInt16(2 * i, true) / 32_767,
    );
    return answer(hear(samples), fates.shift() ?? 'ok');
  };
}

function answer(text: string, fate: Fate): Response {
  if (fate === 'status_500') return new Response('{}', { status: 500 });
  const finish = fate === 'length' ? 'length' : 'stop';
  const content = fate === 'blank' ? ' ' : text;
  const event = (choice: object) => `data: ${JSON.stringify({ choices: [choice] })}\n\n`;
  const parts = [
    event({ delta: { content } }),
    ...(fate === 'cut' ? [] : [event({ delta: { content: '' }, finish_reason: finish })]),
    ...(fate === 'error' ? ['data: {"error":{"message":"x"}}\n\n'] : []),
    ...(fate === 'cut' ? [] : ['data: [DONE]\n\n']),
  ];
  return new Response(parts.join(''), { headers: { 'content-type': 'text/event-stream' } });
}

function transcribe(recording: SpokenRecording, maxPieceSeconds: number, fates: Fate[] = []) {
  const model = findVoxtralModel('3B')!;
  return transcribeVoxtral(
    { ...recording, language: null },
    {
      server: new ExternalVllm({ model, baseUrl: 'http://vllm', apiKey: null }),
      settings: { timeoutMs: 60_000, maxPieceSeconds, concurrency: 3 },
      signal: new AbortController().signal,
      log: recordingLog().log,
      fetch: fakeFetch(fates),
    },
  );
}

/** Speech in any rhythm: from single words with long pauses to minutes without one. */
const anyRecording = fc
  .record({
    durationSeconds: fc.integer({ min: 2, max: 240 }),
    words: fc.array(fc.integer({ min: 1, max: 150 }), { minLength: 1, maxLength: 12 }),
    pauses: fc.array(fc.double({ min: 0.02, max: 45, noNaN: true }), {
      minLength: 1,
      maxLength: 12,
    }),
  })
  .map(({ durationSeconds, words, pauses }) =>
    makeRecording({
      durationSeconds,
      phraseWords: (phrase) => words[phrase % words.length]!,
      pauseSeconds: (phrase) => pauses[phrase % pauses.length]!,
    }),
  );

describe('transcribeVoxtral', () => {
  it('loses and doubles no word, whatever the rhythm of speech and the length of pieces', async () => {
    await fc.assert(
      fc.asyncProperty(
        anyRecording,
        fc.integer({ min: 10, max: 60 }),
        async (recording, maxPieceSeconds) => {
          const result = await transcribe(recording, maxPieceSeconds);
          if (!result.ok) throw new Error(JSON.stringify(result.error));
          expect(comparableWords(result.value.text)).toEqual(recording.words);
          expect(result.value.pieces.flatMap(({ text }) => comparableWords(text))).toEqual(
            recording.words,
          );
        },
      ),
      { numRuns: 60, seed: 6 },
    );
  });

  it('gives the whole text or none, whatever goes wrong on the way', async () => {
    const anyFates = fc.array(
      fc.constantFrom<Fate>('ok', 'blank', 'length', 'error', 'status_500', 'cut'),
      {
        maxLength: 30,
      },
    );
    await fc.assert(
      fc.asyncProperty(anyRecording, anyFates, async (recording, fates) => {
        const result = await transcribe(recording, 25, [...fates]);
        if (!result.ok) return;
        const { text, missing } = result.value;
        if (missing.length === 0) expect(comparableWords(text)).toEqual(recording.words);
        else expect(fates).toContain('blank');
      }),
      { numRuns: 60, seed: 7 },
    );
  });

  it('fails where many small holes are a great loss', async () => {
    const recording = makeRecording({
      durationSeconds: 240,
      phraseWords: () => 9,
      pauseSeconds: () => 31,
    });
    const result = await transcribe(
      recording,
      25,
      Array.from({ length: 99 }, () => 'blank'),
    );
    expect(result).toMatchObject({ ok: false, error: { kind: 'blank' } });
  });

  it('cuts four hours of speech in less than the time of a request', () => {
    const regions = Array.from({ length: 20_000 }, (_, i) => ({
      startSample: i * 11_520,
      endSample: i * 11_520 + 8000,
    }));
    const pieces = splitSpeech(regions, 20_000 * 11_520, splitLimits(599));
    expect(pieces.length).toBeLessThan(30);
  });
});
