/** The same sentence in every format; what is in the files stands in test/fixtures/README.md. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RunningOrigin, startOrigin } from '#test/support/running-origin.ts';
import { post, recording, transcribe } from '#test/support/transcribe-request.ts';
import { errorRate, wordErrors } from '#test/support/wer.ts';

const SENTENCE = 'The harbor office opens at seven in the morning.';
const WHOLE = [
  'clip.wav',
  'clip.flac',
  'clip.mp3',
  'clip.m4a',
  'clip.aac',
  'clip.webm',
  'opus.ogg',
  'vorbis.ogg',
  'alaw_8k.wav',
  'mulaw_8k.wav',
  'changing.mp3',
  'video.mp4',
  'video_moov_at_end.mp4',
  'video.webm',
  'recorder.webm',
  'recorder.mp4',
  'really_m4a.mp3',
  'no_extension',
];
/** Half a second: its one word is "harbor". */
const FIRST_WORD = [
  'pcm_u8.wav',
  'pcm_s24le.wav',
  'pcm_s32le.wav',
  'pcm_f32le.wav',
  'stereo_48k.wav',
  'left_only.wav',
  'streamed.wav',
  'pcm.mov',
];
const CUT_OFF = ['truncated.mp3', 'truncated.webm', 'truncated_moov_at_start.mp4'];

let origin: RunningOrigin;
beforeAll(async () => {
  origin = await startOrigin();
});
afterAll(() => origin.stop());

const ENGLISH = { language: 'en' };

describe('every format', () => {
  it.each(WHOLE)('%s gives the sentence', async (name) => {
    const { text } = await transcribe(origin, `formats/${name}`, ENGLISH);
    // The clip starts in its first word, "the": one error in nine.
    expect(errorRate([wordErrors(SENTENCE, text, 'en')]), text).toBeLessThan(0.2);
  });

  it.each(FIRST_WORD)('%s gives the first word', async (name) => {
    const { text } = await transcribe(origin, `formats/${name}`, ENGLISH);
    expect(text).toMatch(/harbor/i);
  });

  it.each(CUT_OFF)('%s gives what can be read, and says that it is not all', async (name) => {
    const { text, warnings } = await transcribe(origin, `formats/${name}`, ENGLISH);
    expect(text).toMatch(/harbor office/i);
    expect(warnings).toEqual([
      expect.stringContaining('breaks off'),
      expect.stringContaining('no aligner'),
    ]);
  });

  it.each([
    { name: 'truncated_moov_at_end.mp4', says: /cut off/ },
    { name: 'video_only.mp4', says: /no audio track/ },
    { name: 'header_only.wav', says: /no sound/ },
    { name: 'empty.wav', says: /0 bytes/ },
    { name: 'text.mp3', says: /a text file/ },
  ])('$name is refused with 400 and the reason', async ({ name, says }) => {
    const response = await post(origin, await recording(`formats/${name}`));
    expect(response.status).toBe(400);
    expect(response.headers.get('content-type')).toBe('application/json');
    const { detail } = JSON.parse(await response.text());
    expect(detail).toMatch(says);
    expect(detail).not.toMatch(/upload-|spool|\/tmp|ffmpeg/);
  });
});

describe('without ffmpeg on the machine', () => {
  it('npm ci alone is enough: compressed, video and telephone files are read', async () => {
    const folderWithoutPrograms = import.meta.dirname;
    const bare = await startOrigin({}, { path: folderWithoutPrograms });
    try {
      for (const name of ['clip.mp3', 'recorder.webm', 'video.mp4', 'mulaw_8k.wav']) {
        const { text } = await transcribe(bare, `formats/${name}`, ENGLISH);
        expect(errorRate([wordErrors(SENTENCE, text, 'en')]), text).toBeLessThan(0.2);
      }
      const refused = await post(bare, await recording('formats/truncated_moov_at_end.mp4'));
      expect(refused.status).toBe(400);
      const failed = await bare.logLine((line) => line['msg'] === 'decoder failed');
      expect(failed).toMatchObject({
        decoder: 'node-av',
        request_id: refused.headers.get('x-request-id'),
      });
    } finally {
      await bare.stop();
    }
  });
});
