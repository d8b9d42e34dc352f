/** Who says what: speakers, known ones, channels; with the embedded models. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { spokenClips } from '#test/bench/lib/clips.ts';
import { wrongSpeakers } from '#test/support/cpwer.ts';
import { decodeAll, useScratchFolder } from '#test/support/decoding.ts';
import { multiChannelWav } from '#test/support/multi-channel-wav.ts';
import { type RunningOrigin, startOrigin } from '#test/support/running-origin.ts';
import { silence, wavFile } from '#test/support/synthetic-sound.ts';
import { FIXTURES, post, recording, transcribe } from '#test/support/transcribe-request.ts';

const scratch = useScratchFolder();

let origin: RunningOrigin;
beforeAll(async () => {
  origin = await startOrigin();
});
afterAll(() => origin.stop());

interface Turn {
  readonly speaker: string;
  readonly start: number;
  readonly end: number;
}

const TURNS: readonly Turn[] = JSON.parse(readFileSync(join(FIXTURES, 'manifest.json'), 'utf8'))[
  'en_dialogue.flac'
].turns;
const DIALOGUE = 'en_dialogue.flac';

const conversation = spokenClips().find(({ name }) => name !== DIALOGUE);
if (conversation === undefined) console.warn('skips a conversation of three: no ../shared/audio');

/** Samples of a fixture between two times. */
async function samplesOf(name: string, from = 0, to = Number.POSITIVE_INFINITY) {
  const waveformPath = scratch.file(`${name}-${from}`);
  const { samples } = await decodeAll(join(FIXTURES, name), { waveformPath });
  return samples.slice(from * 16_000, to === Number.POSITIVE_INFINITY ? undefined : to * 16_000);
}

function upload(name: string, ...channels: Float32Array[]): File {
  return new File([multiChannelWav(channels)], name);
}

describe('diarize=true', () => {
  it('gives every word of a conversation its speaker', async () => {
    const answer = await transcribe(origin, DIALOGUE, { diarize: 'true' });
    expect(answer.speakers).toEqual(['SPEAKER_00', 'SPEAKER_01']);
    expect(answer.speaker_map).toEqual({ 0: 'SPEAKER_00', 1: 'SPEAKER_01' });
    const words = answer.words ?? [];
    const wrong = words.filter(({ start, end, speaker }) => {
      const middle = (start + end) / 2;
      const turn = TURNS.find((it) => middle >= it.start - 0.3 && middle <= it.end + 0.3);
      return turn !== undefined && speaker !== (turn.speaker === 'A' ? 'SPEAKER_00' : 'SPEAKER_01');
    });
    expect(wrong.length / words.length).toBeLessThanOrEqual(0.03);
    expect(answer.utterances?.map(({ speaker }) => speaker)).toEqual([0, 1, 0, 1, 0, 1]);
    expect(answer.timings_ms).toMatchObject({ embed: expect.any(Number) });
    expect(answer.speaker_details?.every(({ embedding }) => embedding === undefined)).toBe(true);
  });

  it.skipIf(conversation === undefined)('parts three voices of a real recording', async () => {
    const { path = '', said = [], language } = conversation ?? {};
    const answer = await transcribe(origin, path, { diarize: 'true' });
    const heard = (answer.words ?? []).map(({ word, speaker = '' }) => ({ speaker, text: word }));
    const { wrong, compared } = wrongSpeakers(said, heard, language);
    expect(compared).toBeGreaterThan(20);
    expect(wrong / compared).toBeLessThanOrEqual(0.1);
    expect(answer.speakers).toHaveLength(3);
  });

  it('says the same words as without speakers', async () => {
    const [plain, diarized] = [
      await transcribe(origin, DIALOGUE),
      await transcribe(origin, DIALOGUE, { diarize: 'true' }),
    ];
    expect(diarized.text).toBe(plain.text);
  });

  it('hears one voice as one speaker', async () => {
    const answer = await transcribe(origin, 'en_harbor.flac', { diarize: 'true' });
    expect(answer.speakers).toEqual(['SPEAKER_00']);
  });

  it('keeps to the number asked for', async () => {
    const one = await transcribe(origin, DIALOGUE, { diarize: 'true', num_speakers: '1' });
    expect(one.speakers).toEqual(['SPEAKER_00']);
    const many = await transcribe(origin, 'en_harbor.flac', {
      diarize: 'true',
      min_speakers: '12',
    });
    expect(many.speakers?.length).toBeLessThanOrEqual(12);
    expect(many.text).not.toBe('');
  });

  it('takes half a second of speech, and silence', async () => {
    const word = upload('word.wav', await samplesOf('en_harbor.flac', 0.2, 0.7));
    const short = await transcribe(origin, word, { diarize: 'true' });
    expect(short.speakers?.length ?? 0).toBeLessThanOrEqual(1);
    const nothing = await transcribe(origin, wavFile('quiet.wav', 2, silence), { diarize: 'true' });
    expect(nothing).toMatchObject({ text: '', speakers: [] });
  });

  it.each([
    [{ min_speakers: '3', max_speakers: '2' }, 'min_speakers'],
    [{ num_speakers: '3', max_speakers: '2' }, 'num_speakers'],
    [{ num_speakers: '0' }, 'num_speakers'],
    [{ max_speakers: 'two' }, 'max_speakers'],
  ])('refuses %j with 422', async (fields, named) => {
    const file = await recording('en_harbor.flac');
    const response = await post(origin, file, { fields: { diarize: 'true', ...fields } });
    expect(response.status).toBe(422);
    expect(await response.json()).toMatchObject({ detail: [{ loc: ['body', named] }] });
  });
});

describe('known speakers', () => {
  it('are recognised by the embeddings of an earlier answer', async () => {
    const fields = { speaker_embeddings: 'true' };
    const earlier = await transcribe(origin, DIALOGUE, { diarize: 'true', ...fields });
    const names = ['Ada', 'Grace'];
    const known = earlier.speaker_details?.map(({ embedding }, i) => ({
      name: names[i],
      embedding,
    }));
    const later = upload('later.wav', await samplesOf(DIALOGUE, 10.7, 19.5));
    const answer = await transcribe(origin, later, { known_speakers: JSON.stringify(known) });
    expect(answer.speakers).toEqual(names);
    expect(answer.speaker_details?.map(({ similarity = 0 }) => similarity > 0.7)).toEqual([
      true,
      true,
    ]);
  });

  it('are recognised by a sample', async () => {
    const sample = multiChannelWav([await samplesOf(DIALOGUE, 4.9, 10.3)]);
    const response = await sendSample(sample, DIALOGUE);
    expect(await response.json()).toMatchObject({ speakers: ['SPEAKER_00', 'Grace'] });
  });

  it('may not be told by a sample of two voices, or of none', async () => {
    const two = await sendSample(multiChannelWav([await samplesOf(DIALOGUE, 0, 15)]), DIALOGUE);
    expect(two.status).toBe(422);
    expect(JSON.stringify(await two.json())).toContain('2 voices');
    const none = await sendSample(multiChannelWav([new Float32Array(32_000)]), DIALOGUE);
    expect(none.status).toBe(422);
    expect(JSON.stringify(await none.json())).toContain('no voice');
  });

  it('must have embeddings of this service’s encoder', async () => {
    const known = [{ name: 'Ada', embedding: Array(20).fill(0.2) }];
    const file = await recording('en_harbor.flac');
    const fields = { known_speakers: JSON.stringify(known) };
    const response = await post(origin, file, { fields });
    expect(response.status).toBe(422);
    expect(JSON.stringify(await response.json())).toContain('20 numbers');
  });

  async function sendSample(sample: Buffer<ArrayBuffer>, name: string): Promise<Response> {
    const form = new FormData();
    form.append('file', await recording(name));
    form.append('known_speaker_names[]', 'Grace');
    form.append('known_speaker_references[]', new File([sample], 'grace.wav'));
    return fetch(`${origin.url}/transcribe`, { method: 'POST', body: form });
  }
});

describe('channels=split', () => {
  it('makes each channel a speaker and puts their sentences in order', async () => {
    const left = await samplesOf(DIALOGUE, 0, 4.5);
    const right = new Float32Array(12 * 16_000);
    right.set(await samplesOf(DIALOGUE, 4.6, 10.5), 5 * 16_000);
    const answer = await transcribe(origin, upload('call.wav', left, right), { channels: 'split' });
    expect(answer.speakers).toEqual(['SPEAKER_00', 'SPEAKER_01']);
    const said = answer.segments?.map(({ speaker, text }) => `${speaker}: ${text}`).join(' ');
    expect(said).toMatch(/^SPEAKER_00: Good afternoon.*SPEAKER_01: Hello.*printer/s);
  });

  it('is one speaker for a recording of one channel, and says so', async () => {
    const answer = await transcribe(origin, 'en_harbor.flac', { channels: 'split' });
    expect(answer.speakers).toEqual(['SPEAKER_00']);
    expect(answer.warnings).toContainEqual(expect.stringContaining('one channel'));
  });

  it('refuses more channels than it can take', async () => {
    const channels = Array.from({ length: 9 }, () => new Float32Array(1600));
    const file = upload('many.wav', ...channels);
    const response = await post(origin, file, { fields: { channels: 'split' } });
    expect(response.status).toBe(422);
    expect(JSON.stringify(await response.json())).toContain('9 channels');
  });
});
