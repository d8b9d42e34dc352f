/** Our subtitles as a browser reads them: `<track>` over a recording, in a headless Chromium. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Transcript } from '#shared/contracts/transcript.ts';
import { DEFAULT_SUBTITLES } from '#shared/format/options.ts';
import { writeSrt } from '#shared/format/srt.ts';
import { writeVtt } from '#shared/format/vtt.ts';
import { launchChromium } from '#test/support/chromium.ts';
import { sentence, transcriptOf } from '#test/support/dialogue.ts';
import { ROOT, startOrigin } from '#test/support/running-origin.ts';
import { FIXTURES, post, recording } from '#test/support/transcribe-request.ts';
import { readVtt } from '#test/support/vtt.ts';

const RECORDING = 'en_dialogue.flac';

/** With a picture, since Chromium draws no subtitles over sound alone; where there is no ffmpeg only they are not seen. */
function makeVideo(): [type: string, body: Buffer] {
  const sound = join(FIXTURES, RECORDING);
  const picture = ['-f', 'lavfi', '-i', 'color=c=0x204060:s=640x360:r=5'];
  const codecs = ['-c:v', 'libvpx', '-b:v', '50k', '-c:a', 'libopus', '-shortest', '-f', 'webm'];
  const made = spawnSync('ffmpeg', ['-v', 'error', ...picture, '-i', sound, ...codecs, 'pipe:1'], {
    maxBuffer: 64 * 1024 * 1024,
  });
  return made.status === 0 ? ['video/webm', made.stdout] : ['audio/flac', readFileSync(sound)];
}

let video: [type: string, body: Buffer] | undefined;

const launch = await launchChromium();
if ('reason' in launch) console.warn(`skips the browser tests: ${launch.reason}`);

const Cue = z.object({
  startMs: z.number(),
  endMs: z.number(),
  text: z.string(),
  voices: z.array(z.string()),
  elements: z.array(z.string()),
});

let page: Page | undefined;
let server: Server | undefined;

afterEach(async () => {
  await page?.close();
  server?.closeAllConnections();
  await new Promise((resolve) => (server === undefined ? resolve(null) : server.close(resolve)));
});

afterAll(async () => {
  if ('browser' in launch) await launch.browser.close();
});

/** A page with the recording and these subtitles, loaded. */
async function open(files: { vtt: string; srt: string }): Promise<Page> {
  if ('reason' in launch) throw new Error(launch.reason);
  server = createServer(serve(files));
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  page = await launch.browser.newPage({ viewport: { width: 1100, height: 400 } });
  await page.goto(`http://127.0.0.1:${port}/`);
  await page.evaluate('load()');
  return page;
}

/** Answers with ranges, as players ask for them. */
function serve(files: { vtt: string; srt: string }): Parameters<typeof createServer>[1] {
  video ??= makeVideo();
  const pages: Record<string, [type: string, body: Buffer]> = {
    '/': ['text/html', readFileSync(join(import.meta.dirname, 'player.html'))],
    '/recording': video,
    '/subtitles.vtt': ['text/vtt', Buffer.from(files.vtt)],
    '/subtitles.srt': ['text/plain; charset=utf-8', Buffer.from(files.srt)],
  };
  return (request, response) => {
    const [type, body] = pages[request.url ?? ''] ?? ['text/plain', Buffer.alloc(0)];
    const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? [];
    const start = Number(from ?? 0);
    const end = Math.min(to === undefined || to === '' ? body.length : Number(to) + 1, body.length);
    response.writeHead(from === undefined ? 200 : 206, {
      'Content-Type': type,
      'Accept-Ranges': 'bytes',
      ...(from !== undefined && { 'Content-Range': `bytes ${start}-${end - 1}/${body.length}` }),
    });
    response.end(body.subarray(start, end));
  };
}

async function cuesOf(opened: Page) {
  return z.array(Cue).parse(await opened.evaluate('readCues()'));
}

/** What was sent, in the words of what the browser has read. */
function sentCues(vtt: string) {
  return readVtt(vtt).map(({ startMs, endMs, text, speaker }) => ({
    startMs,
    endMs,
    text,
    voices: speaker === '' ? [] : [speaker],
  }));
}

function write(transcript: Transcript, highlightWords = false) {
  const options = { ...DEFAULT_SUBTITLES, highlightWords };
  return { vtt: writeVtt(transcript, options), srt: writeSrt(transcript, options) };
}

describe.skipIf('reason' in launch)('the subtitles of a real answer in Chromium', () => {
  let real: { vtt: string; srt: string };

  beforeAll(async () => {
    const origin = await startOrigin();
    const ask = async (format: string) => {
      const fields = { response_format: format, diarize: 'true' };
      const response = await post(origin, await recording(RECORDING), { fields });
      expect(response.status).toBe(200);
      return response.text();
    };
    try {
      real = { vtt: await ask('vtt'), srt: await ask('srt') };
    } finally {
      await origin.stop();
    }
  });

  it('are read as they were sent: times, texts and voices', async () => {
    const cues = await cuesOf(await open(real));
    expect(cues.length).toBeGreaterThan(5);
    const voices = new Set(cues.flatMap((cue) => cue.voices));
    expect(voices).toEqual(new Set(['SPEAKER_00', 'SPEAKER_01']));
    expect(cues.map(({ elements: _, ...cue }) => cue)).toEqual(sentCues(real.vtt));
  });

  it('are shown while their words are spoken', async () => {
    const opened = await open(real);
    for (const { startMs, endMs, text } of sentCues(real.vtt)) {
      const active = await opened.evaluate(`seek(${(startMs + endMs) / 2000})`);
      expect(active).toEqual([text]);
    }
    const folder = join(ROOT, 'build/browser');
    mkdirSync(folder, { recursive: true });
    await opened.screenshot({ path: join(folder, 'subtitles.png') });
  });

  it('appear in time while the recording plays', async () => {
    const opened = await open(real);
    const second = sentCues(real.vtt)[1]!;
    const shown = z
      .object({ atMs: z.number(), startMs: z.number(), endMs: z.number() })
      .parse(await opened.evaluate(`playToNextCue(${(second.startMs - 200) / 1000})`));
    expect(Math.round(shown.startMs)).toBe(second.startMs);
    expect(shown.atMs).toBeGreaterThanOrEqual(shown.startMs - 1);
    expect(shown.atMs).toBeLessThan(shown.endMs);
  });
});

describe.skipIf('reason' in launch)('any subtitles in Chromium', () => {
  it('keep every letter, and make no element, of whatever is said by whomever', async () => {
    const texts = [
      '<b>bold</b> & <script>alert(1)</script> &lt; &amp;',
      'a --> b\n\n00:00:01.000 --> 00:00:02.000\nforged',
      '<00:00:01.000> <v Bob>no</v> NOTE STYLE ::cue{}',
      'صباح الخير، كيف حالك؟ 今日は良い天気ですね。',
    ];
    const names = ['Ada & <b>Co</b>', 'A > B', 'SPEAKER_00', 'זאב'];
    const said = texts.map((text, i) => sentence(text, [i * 5, i * 5 + 3], names[i]));
    const { vtt, srt } = write(transcriptOf(said));
    const cues = await cuesOf(await open({ vtt, srt }));
    expect(cues.map(({ elements: _, ...cue }) => cue)).toEqual(sentCues(vtt));
    expect(new Set(cues.flatMap(({ elements }) => elements))).toEqual(new Set(['span']));
    const bare = (text: string) => text.replaceAll(/\s+/g, '');
    expect(bare(cues.map(({ text }) => text).join(''))).toBe(bare(texts.join('')));
    expect(new Set(cues.flatMap(({ voices }) => voices))).toEqual(new Set(names));
  });

  it('show two who speak at once, and mark words in time', async () => {
    const said = [
      sentence('I say that it is so.', [1, 5], 'Ada'),
      sentence('But no, never!', [2, 4], 'Grace'),
    ];
    const opened = await open(write(transcriptOf(said), true));
    const active = await opened.evaluate('seek(3)');
    expect(active).toEqual(said.map(({ text }) => text));
    await opened.screenshot({ path: join(ROOT, 'build/browser/highlighted.png') });
  });
});
