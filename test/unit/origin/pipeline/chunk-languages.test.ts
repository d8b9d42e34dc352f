import { describe, expect, it } from 'vitest';
import type { AudioSpan } from '#origin/engine/protocol.ts';
import { withLanguage } from '#origin/pipeline/chunk-languages.ts';
import type { RecordingJob, VotedChunk } from '#origin/pipeline/recording-job.ts';
import type { SpeechChunk } from '#origin/vad/cut-and-merge.ts';
import type { TranscribeOptions } from '#shared/contracts/transcript.ts';

const LANGUAGES = ['en', 'de', 'fr'];
const SECOND = 16_000;

/** What is spoken from when on, in seconds. Detection follows the shares of the languages in a span. */
type Script = readonly (readonly [fromSeconds: number, language: string])[];

function detectorFor(script: Script, certainty: number) {
  const calls: (readonly AudioSpan[])[] = [];
  const shareOf = (language: string, start: number, end: number) => {
    let seconds = 0;
    script.forEach(([from, spoken], index) => {
      const until = script[index + 1]?.[0] ?? Number.POSITIVE_INFINITY;
      if (spoken === language) seconds += Math.max(0, Math.min(until, end) - Math.max(from, start));
    });
    return seconds / (end - start);
  };
  return {
    calls,
    detectLanguage: async ({ spans }: { spans: readonly AudioSpan[] }) => {
      calls.push(spans);
      const rows = spans.flatMap(({ startSample, sampleCount }) => {
        const [start, end] = [startSample / SECOND, (startSample + sampleCount) / SECOND];
        const guess = (1 - certainty) / LANGUAGES.length;
        return LANGUAGES.map((code) => guess + certainty * shareOf(code, start, end));
      });
      return { languages: LANGUAGES, probabilities: Float32Array.from(rows) };
    },
  };
}

/** A chunk of 4 s stretches of speech with pauses of 1 s between them. */
function chunkAt(startSeconds: number, stretches: number): SpeechChunk {
  const regions = Array.from({ length: stretches }, (_, index) => {
    const start = startSeconds + index * 5;
    return { startSample: start * SECOND, endSample: (start + 4) * SECOND };
  });
  const endSample = (startSeconds + stretches * 5 - 1) * SECOND;
  return { startSample: startSeconds * SECOND, endSample, regions };
}

interface Setting {
  readonly chunks: readonly SpeechChunk[];
  readonly script: Script;
  readonly options?: Partial<TranscribeOptions>;
  readonly hint?: string;
  readonly certainty?: number;
}

async function decide({ chunks, script, options, hint = 'fr', certainty = 0.99 }: Setting) {
  const scheduler = detectorFor(script, certainty);
  const job = {
    waveform: { path: '/waveform' },
    options: { task: 'transcribe', ...options },
    model: 'base',
    tokenizer: {
      isMultilingual: true,
      languageIds: new Map(LANGUAGES.map((code, index) => [code, index])),
    },
    languageHint: hint,
    scheduler,
    times: { measure: (_stage: string, work: () => Promise<unknown>) => work() },
  } as unknown as RecordingJob;
  const source = async function* () {
    yield* chunks;
  };
  const context = {
    owner: Symbol('test'),
    requestId: 'test',
    signal: new AbortController().signal,
    remainingSeconds: () => 0,
  };
  const decided: VotedChunk[] = [];
  for await (const chunk of withLanguage(source(), job, context)) decided.push(chunk);
  return { decided, calls: scheduler.calls };
}

function summary(chunks: readonly VotedChunk[]) {
  return chunks.map(({ regions, vote }) => `${regions.length} ${vote.language}`);
}

/** Six stretches of 4 s fill a chunk of 29 s. */
const full = (startSeconds: number) => chunkAt(startSeconds, 6);

describe('withLanguage', () => {
  it('gives each chunk its own language', async () => {
    const chunks = [full(0), full(30), full(60)];
    const { decided } = await decide({
      chunks,
      script: [
        [0, 'en'],
        [30, 'de'],
      ],
    });
    expect(summary(decided)).toEqual(['6 en', '6 de', '6 de']);
  });

  it('cuts a chunk at the pause where its language changes', async () => {
    const { decided } = await decide({
      chunks: [full(0)],
      script: [
        [0, 'en'],
        [19.5, 'de'],
      ],
    });
    expect(summary(decided)).toEqual(['4 en', '2 de']);
    const [first, second] = decided;
    expect(first?.endSample).toBeLessThanOrEqual(second?.startSample ?? 0);
  });

  it('leaves a chunk whole where all its parts are in one language', async () => {
    const chunks = [full(0)];
    const { decided } = await decide({ chunks, script: [[0, 'en']], certainty: 0.9 });
    expect(decided).toMatchObject(chunks);
  });

  it('asks once for the chunks of a group when they are clear', async () => {
    const chunks = [full(0), full(30), full(60)];
    const { calls } = await decide({ chunks, script: [[0, 'de']] });
    expect(calls.map((spans) => spans.length)).toEqual([3]);
  });

  it('judges chunks after the first group too', async () => {
    const chunks = Array.from({ length: 20 }, (_, index) => full(index * 30));
    const { decided } = await decide({
      chunks,
      script: [
        [0, 'en'],
        [450, 'de'],
      ],
    });
    expect(summary(decided)).toEqual(chunks.map((_, index) => (index < 15 ? '6 en' : '6 de')));
  });

  it('soon stops looking for a second language that is never found', async () => {
    const chunks = Array.from({ length: 80 }, (_, index) => full(index * 30));
    const { decided, calls } = await decide({ chunks, script: [[0, 'en']], certainty: 0.94 });
    expect(new Set(decided.map(({ vote }) => vote.language))).toEqual(new Set(['en']));
    const spans = calls.reduce((sum, call) => sum + call.length, 0);
    expect(spans - chunks.length).toBeLessThanOrEqual(10);
  });

  it('asks nothing when the caller names the language', async () => {
    const options = { language: 'fr' };
    const { decided, calls } = await decide({ chunks: [full(0)], script: [[0, 'en']], options });
    expect(summary(decided)).toEqual(['6 fr']);
    expect(calls).toEqual([]);
  });

  it('chooses among the allowed languages only', async () => {
    const options = { languages: ['en', 'fr'] };
    const chunks = [full(0), full(30), full(60)];
    const script: Script = [
      [0, 'en'],
      [30, 'de'],
      [60, 'fr'],
    ];
    const { decided } = await decide({ chunks, script, options });
    expect(summary(decided)).not.toContain('6 de');
    expect(summary(decided)).toMatchObject({ 0: '6 en', 2: '6 fr' });
  });

  it('follows the hint where detection is unsure', async () => {
    const chunks = [full(0), full(30)];
    const script: Script = [[0, 'en']];
    const { decided } = await decide({ chunks, script, certainty: 0.1, hint: 'de' });
    expect(summary(decided)).toEqual(['6 de', '6 de']);
  });

  it('says that the text of a translation is English', async () => {
    const options = { task: 'translate' as const };
    const { decided } = await decide({ chunks: [full(0)], script: [[0, 'de']], options });
    expect(decided).toMatchObject([{ vote: { language: 'de' }, textLanguage: 'en' }]);
  });

  it('gives a chunk in another language its own probability, not its share of the recording', async () => {
    const chunks = Array.from({ length: 8 }, (_, index) => full(index * 30));
    const { decided } = await decide({
      chunks,
      script: [
        [0, 'en'],
        [210, 'de'],
      ],
    });
    const { language, probability, languages } = decided.at(-1)?.vote ?? {};
    expect(language).toBe('de');
    expect(probability).toBeGreaterThan(0.9);
    expect(languages?.[0]).toEqual({ language, probability });
  });

  it('loses no speech', async () => {
    const chunks = [full(0), chunkAt(30, 1), full(40), chunkAt(70, 3)];
    const script: Script = [
      [0, 'en'],
      [11, 'fr'],
      [22, 'de'],
      [52, 'en'],
      [73, 'fr'],
    ];
    const { decided } = await decide({ chunks, script });
    expect(decided.flatMap(({ regions }) => regions)).toEqual(
      chunks.flatMap(({ regions }) => regions),
    );
    expect(new Set(decided.map(({ vote }) => vote.language)).size).toBeGreaterThan(1);
  });

  it('gives nothing for silence', async () => {
    expect((await decide({ chunks: [], script: [] })).decided).toEqual([]);
  });
});
