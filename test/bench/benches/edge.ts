import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Bench } from '#test/bench/lib/bench.ts';
import { clipNamed } from '#test/bench/lib/clips.ts';
import { bundleTable } from '#test/bench/lib/edge-bundle.ts';
import { startEdgeChain } from '#test/bench/lib/edge-chain.ts';
import { crowdTable } from '#test/bench/lib/edge-crowd.ts';
import { memoryTable } from '#test/bench/lib/edge-memory.ts';
import { overheadTable, type SentClip } from '#test/bench/lib/edge-overhead.ts';
import { wavOfSize } from '#test/bench/lib/wav.ts';

/** The Worker under `wrangler dev` in front of the origin: what it adds in time, what it takes in memory, how exact it is. */
export const edge: Bench = {
  name: 'edge',
  summary: 'what the Worker adds to a 1 MB clip, 100 MB through it, 200 requests at once, its size',
  async run(context) {
    const chain = await context.beside(() => startEdgeChain(context.options));
    try {
      const overheads = [];
      for (const clip of [SILENCE, await speech()]) {
        overheads.push(await overheadTable(context, chain, clip));
      }
      return {
        name: 'edge',
        title: 'The edge',
        tables: [
          ...overheads,
          await memoryTable(context, chain),
          await crowdTable(context, chain),
          await context.beside(bundleTable),
        ],
        notes: [...NOTES, context.otherLoad()],
      };
    } finally {
      await chain.stop();
    }
  },
};

const CLIP_BYTES = 1_000_000;
/** What the engine itself works on: 31 s a megabyte. */
const FORM = { sampleRate: 16_000, channels: 1 };

const SILENCE: SentClip = {
  label: '1 MB: 31 s of silence',
  wav: wavOfSize(CLIP_BYTES, FORM),
  roundsAtOnce: 10,
};

async function speech(): Promise<SentClip> {
  const { path } = clipNamed('en_long.flac');
  const raw = ['-f', 's16le', '-ac', '1', '-ar', String(FORM.sampleRate), '-'];
  const { stdout } = await promisify(execFile)('ffmpeg', ['-v', 'error', '-i', path, ...raw], {
    encoding: 'buffer',
    maxBuffer: 64 * 1024 * 1024,
  });
  const wav = wavOfSize(CLIP_BYTES, FORM, stdout);
  return { label: '1 MB: 31 s of en_long.flac as WAV', wav, roundsAtOnce: 3 };
}

const NOTES = [
  'Times are the client’s, over connections that stay open: from writing the request to having read the answer. Every round sends the clip once each way, in an order that is drawn anew; "more" compares inside a round.',
  'Only the edge asks for a credential. "As a job": what the edge does at the origin, POST /jobs and its result, without the edge.',
  'Silence, because its work hardly varies: what the origin does hides nothing of what the Worker adds. The speech is for comparison.',
  '"workerd alone" is the bundle of a deployment, served by workerd itself. "edge" is the same Worker under `wrangler dev`, whose own proxy production has not; what that costs show the last two ways: a Worker of four lines that passes everything on, and one that answers by itself.',
  'Uploads: 8 channels of silence at 192 kHz, which the origin is done with soon. With two origins a recording of this size is also kept in R2 on its way. The resident sets of all workerd processes of one `wrangler dev` count together, with the kernel’s high-water mark set back before each.',
  'Requests at once: GET /models with a key of mana-auth that has this limit; each that passes is a request to the origin too. A new key has never been brought before, a known one once.',
];
