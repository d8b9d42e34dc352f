/** What the Worker adds to the time of a request, against the origin without it. */
import http from 'node:http';
import type { BenchContext } from '#test/bench/lib/bench.ts';
import type { EdgeChain } from '#test/bench/lib/edge-chain.ts';
import type { Table } from '#test/bench/lib/report.ts';
import { median, percentile } from '#test/bench/lib/statistics.ts';
import { FORM_TYPE, formWith, timedRequest } from '#test/bench/lib/timed-request.ts';

/** A file to be sent, with what the table calls it. */
export interface SentClip {
  readonly label: string;
  readonly wav: Uint8Array;
  /** Rounds between which others may use the machine; there are `--runs` such blocks. */
  readonly roundsAtOnce: number;
}

/** One way to the origin; the first is what the others are compared with. */
interface Way {
  readonly name: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

const WARM_UPS = 3;

/** A row for each way: its own times, and round by round what it takes more than the origin alone. */
export async function overheadTable(
  context: BenchContext,
  chain: EdgeChain,
  { label, wav, roundsAtOnce }: SentClip,
): Promise<Table> {
  const ways = waysOf(chain);
  const body = formWith(wav, 'clip.wav');
  const agent = new http.Agent({ keepAlive: true });
  const send = async ({ name, url, headers }: Way): Promise<number> => {
    const sent = { url, agent, headers: { ...headers, 'content-type': FORM_TYPE }, body };
    const answer = await timedRequest(sent);
    if (answer.status !== 200) throw new Error(`${name}: ${answer.status} ${answer.body}`);
    return answer.ms;
  };
  const times = new Map(ways.map((way) => [way, [] as number[]]));
  const run = async (rounds: number, isCounted: boolean) => {
    for (let round = 0; round < rounds; round += 1) {
      for (const way of rotated(ways, round)) {
        const ms = await send(way);
        if (isCounted) times.get(way)!.push(ms);
      }
    }
  };
  await context.beside(() => run(WARM_UPS, false));
  for (let block = 0; block < context.options.runs; block += 1) {
    await context.alone(() => run(roundsAtOnce, true));
  }
  agent.destroy();
  return toTable(label, [...times]);
}

function waysOf({ origin, edge, passOn, localKey, token }: EdgeChain): [Way, ...Way[]] {
  const url = `${edge.url}/transcribe`;
  const none = {};
  return [
    { name: 'origin, no credential', url: `${origin.baseUrl}/transcribe`, headers: none },
    { name: 'edge, local key', url, headers: { 'x-api-key': localKey } },
    { name: 'edge, token of Better Auth', url, headers: { 'x-api-key': token } },
    {
      name: 'a Worker that only passes on, no credential',
      url: `${passOn.url}/transcribe`,
      headers: none,
    },
    {
      name: 'a Worker that reads the body and answers',
      url: `${passOn.url}/at-once`,
      headers: none,
    },
  ];
}

/** Nobody comes always behind the same one. */
function rotated<Item>(items: readonly Item[], by: number): Item[] {
  const at = by % items.length;
  return [...items.slice(at), ...items.slice(0, at)];
}

function toTable(label: string, times: readonly (readonly [Way, readonly number[]])[]): Table {
  const direct = times[0]![1];
  const rows = times.map(([{ name, url }, ms], index) => {
    const own = [median(ms), percentile(ms, 95)].map(toMs);
    const more = ms.map((value, round) => value - direct[round]!);
    // What never reaches the origin has nothing to be compared with.
    const isCompared = index > 0 && !url.endsWith('/at-once');
    const compared = isCompared ? [median(more), percentile(more, 95)].map(toMs) : ['-', '-'];
    return [name, String(ms.length), ...own, ...compared];
  });
  const columns = [label, 'requests', 'median ms', 'p95 ms', 'more than the origin: median ms'];
  return { columns: [...columns, 'p95 ms'], rows };
}

const toMs = (value: number) => value.toFixed(1);
