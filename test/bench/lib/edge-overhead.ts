/** What the Worker adds to the time of a request, against the origin without it. */
import { randomUUID } from 'node:crypto';
import http from 'node:http';
import type { BenchContext } from '#test/bench/lib/bench.ts';
import type { EdgeChain } from '#test/bench/lib/edge-chain.ts';
import type { Table } from '#test/bench/lib/report.ts';
import { median, percentile } from '#test/bench/lib/statistics.ts';
import {
  FORM_TYPE,
  formWith,
  type TimedAnswer,
  timedRequest,
} from '#test/bench/lib/timed-request.ts';
import { seededRandom } from '#test/support/spliced-speech.ts';

/** A file to be sent, with what the table calls it. */
export interface SentClip {
  readonly label: string;
  readonly wav: Uint8Array;
  /** Rounds between which others may use the machine; there are `--runs` such blocks. */
  readonly roundsAtOnce: number;
}

/** One way to a transcript; the first is what the others are compared with. */
interface Way {
  readonly name: string;
  /** Milliseconds until the answer was there. @throws when it is no good one */
  readonly send: (body: Uint8Array, agent: http.Agent) => Promise<number>;
  /** What never reaches the origin has nothing to be compared with. */
  readonly isCompared: boolean;
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
  const times = new Map(ways.map((way) => [way, [] as number[]]));
  const random = seededRandom(1);
  const run = async (rounds: number, isCounted: boolean) => {
    for (let round = 0; round < rounds; round += 1) {
      for (const way of shuffled(ways, random)) {
        const ms = await way.send(body, agent);
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

function waysOf({ origin, edge, bare, passOn, localKey, token }: EdgeChain): Way[] {
  const toEdge = `${edge.url}/transcribe`;
  const toBare = `${bare.url}/transcribe`;
  const compared = (name: string, send: Way['send']): Way => ({ name, send, isCompared: true });
  return [
    { name: 'origin', send: once(`${origin.baseUrl}/transcribe`), isCompared: false },
    compared('origin, as a job', asJob(origin.baseUrl)),
    compared('workerd alone, local key', once(toBare, { 'x-api-key': localKey })),
    compared('workerd alone, token of Better Auth', once(toBare, { 'x-api-key': token })),
    compared('edge, local key', once(toEdge, { 'x-api-key': localKey })),
    compared('edge, token of Better Auth', once(toEdge, { 'x-api-key': token })),
    compared('a Worker that only passes on', once(`${passOn.url}/transcribe`)),
    {
      name: 'a Worker that reads the body and answers',
      send: once(`${passOn.url}/at-once`),
      isCompared: false,
    },
  ];
}

/** One request, one answer. */
function once(url: string, credential: Readonly<Record<string, string>> = {}): Way['send'] {
  return async (body, agent) => {
    const headers = { ...credential, 'content-type': FORM_TYPE };
    const answer = await timedRequest({ url, agent, headers, body });
    return check(url, answer, 200).ms;
  };
}

/** The two requests by which the edge gets its transcript. */
function asJob(baseUrl: string): Way['send'] {
  return async (body, agent) => {
    const key = randomUUID();
    const headers = { 'content-type': FORM_TYPE, prefer: 'wait', 'idempotency-key': key };
    const url = `${baseUrl}/jobs`;
    const sent = check(url, await timedRequest({ url, agent, headers, body }), 202);
    const { id } = JSON.parse(sent.body) as { id: string };
    const result = await timedRequest({ url: `${url}/${id}/result?wait=25`, agent });
    return sent.ms + check('its result', result, 200).ms;
  };
}

function check(what: string, answer: TimedAnswer, status: number): TimedAnswer {
  if (answer.status === status) return answer;
  throw new Error(`${what}: ${answer.status} ${answer.body}`);
}

/** Who waits long, or comes behind the same one each time, has another time: everyone shall have every place. */
function shuffled<Item>(items: readonly Item[], random: () => number): Item[] {
  const left = [...items];
  return items.map(() => left.splice(Math.floor(random() * left.length), 1)[0]!);
}

function toTable(label: string, times: readonly (readonly [Way, readonly number[]])[]): Table {
  const direct = times[0]![1];
  const rows = times.map(([{ name, isCompared }, ms]) => {
    const own = [median(ms), percentile(ms, 95)].map(toMs);
    const more = ms.map((value, round) => value - direct[round]!);
    const compared = isCompared ? [median(more), percentile(more, 95)].map(toMs) : ['-', '-'];
    return [name, String(ms.length), ...own, ...compared];
  });
  const columns = [label, 'requests', 'median ms', 'p95 ms', 'more than the origin: median ms'];
  return { columns: [...columns, 'p95 ms'], rows };
}

const toMs = (value: number) => value.toFixed(1);
