import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { generateAssertionKeys } from '#shared/auth/assertion-keys.ts';
import type { Bench } from '#test/bench/lib/bench.ts';
import { FORM_TYPE, formWith, timedRequest } from '#test/bench/lib/timed-request.ts';
import { type CutLine, layLine } from '#test/support/cut-line.ts';
import { startEdge } from '#test/support/running-edge.ts';
import { type RunningOrigin, startOrigin } from '#test/support/running-origin.ts';
import { FIXTURES } from '#test/support/transcribe-request.ts';

/** Not a timing: what a caller of the edge gets when the work, or the line to it, takes long. Runs beside other work. */
export const edgeLine: Bench = {
  name: 'edge-line',
  summary:
    'five minutes of work through the edge, the line to the origin cut for 30 s, the origin killed',
  async run(context) {
    const rows = [];
    for (const trial of TRIALS) rows.push(await context.beside(() => runTrial(trial)));
    return {
      name: 'edge-line',
      title: 'The line between edge and origin',
      tables: [{ columns: ['what happens', 'status', 's', 'jobs done', 'words'], rows }],
      notes: [NOTE],
    };
  },
};

const NOTE =
  'en_long.flac (101 s) through `wrangler dev`, a TCP line that can be cut, and the origin with the embedded model. ' +
  'Five minutes of work: the engine is stopped (SIGSTOP) for 300 s. A cut resets every connection and refuses new ones; ' +
  'a silence passes nothing on and tells nobody.';

interface Stage {
  origin: RunningOrigin;
  readonly line: CutLine;
  readonly restart: () => Promise<RunningOrigin>;
}

interface Trial {
  readonly label: string;
  /** Called once the engine is at work. */
  readonly disturb: (stage: Stage) => Promise<void>;
}

const TRIALS: readonly Trial[] = [
  { label: 'nothing', disturb: async () => {} },
  {
    label: '300 s of work more',
    disturb: async ({ origin }) => {
      const pid = await origin.enginePid();
      process.kill(pid, 'SIGSTOP');
      await delay(300_000);
      process.kill(pid, 'SIGCONT');
    },
  },
  {
    label: 'line cut for 30 s',
    disturb: async ({ line }) => {
      line.cut();
      await delay(30_000);
      line.restore();
    },
  },
  {
    label: 'line silent for 30 s',
    disturb: async ({ line }) => {
      line.hush();
      await delay(30_000);
      line.restore();
    },
  },
  {
    label: 'origin killed (SIGKILL), started again',
    disturb: async (stage) => {
      stage.origin.process.kill('SIGKILL');
      await stage.origin.exited;
      stage.origin = await stage.restart();
      stage.line.leadTo(stage.origin.port);
    },
  },
];

async function runTrial({ label, disturb }: Trial): Promise<string[]> {
  const keys = await generateAssertionKeys();
  const dataDir = mkdtempSync(join(tmpdir(), 'bench-edge-line-'));
  const restart = () => startOrigin({ EDGE_ASSERTION_PUBLIC_KEYS: keys.publicKey }, { dataDir });
  const origin = await restart();
  const line = await layLine(origin.port);
  const variables = { ORIGINS: `gpu=${line.url}`, EDGE_ASSERTION_PRIVATE_KEY: keys.privateKey };
  const edge = await startEdge(variables);
  const stage: Stage = { origin, line, restart };
  try {
    const startedMs = performance.now();
    const asked = send(edge.url);
    await stage.origin.workedOn();
    const [answer] = await Promise.all([asked, disturb(stage)]);
    const { text = '' } = JSON.parse(answer.body) as { text?: string };
    const seconds = ((performance.now() - startedMs) / 1000).toFixed(0);
    const done = await stage.origin.metric('mana_stt_job_attempts_total{outcome="done"}');
    const words = text.split(' ').length;
    return [label, String(answer.status), seconds, String(done), String(words)];
  } finally {
    await edge.stop();
    await line.close();
    stage.origin.process.kill('SIGKILL');
    await stage.origin.exited;
    rmSync(dataDir, { recursive: true, force: true });
  }
}

/** Not by fetch, which waits for an answer for 300 s at most. */
function send(url: string) {
  const body = formWith(readFileSync(join(FIXTURES, 'en_long.flac')), 'en_long.flac');
  const headers = { 'content-type': FORM_TYPE };
  const agent = new http.Agent();
  return timedRequest({ url: `${url}/transcribe`, agent, headers, body, hasLength: true });
}
