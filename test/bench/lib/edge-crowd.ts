/** Many small requests of one caller at once, with a limit of its own. */
import http from 'node:http';
import type { BenchContext } from '#test/bench/lib/bench.ts';
import type { EdgeChain } from '#test/bench/lib/edge-chain.ts';
import type { Table } from '#test/bench/lib/report.ts';
import { percentile } from '#test/bench/lib/statistics.ts';
import { type TimedAnswer, timedRequest } from '#test/bench/lib/timed-request.ts';

const REQUESTS = 200;
const LIMITS = [1, 40, 1000];

/** Two rows for each limit: a key that the edge must ask mana-auth about first, and one that it knows. */
export async function crowdTable(context: BenchContext, chain: EdgeChain): Promise<Table> {
  const rows: string[][] = [];
  for (const isKnown of [false, true]) {
    for (const limit of LIMITS) {
      // Another address each time: what an address may ask for is another limit.
      const address = `192.0.2.${rows.length + 1}`;
      const key = await chain.createKey(isKnown ? limit + 1 : limit);
      if (isKnown) await ask(chain, { key, address, agent: new http.Agent() });
      const found = await context.alone(() => askAtOnce(chain, { key, limit, address }));
      rows.push([`${isKnown ? 'known' : 'new'} key, ${limit} left`, ...found]);
    }
  }
  const columns = [`${REQUESTS} requests at once`, 'passed', 'refused with 429', 'other answers'];
  return { columns: [...columns, 'p95 ms', 'all ms'], rows };
}

interface Caller {
  readonly key: string;
  readonly limit: number;
  readonly address: string;
}

async function askAtOnce(chain: EdgeChain, { key, limit, address }: Caller): Promise<string[]> {
  const agent = new http.Agent({ maxSockets: REQUESTS });
  const startedMs = performance.now();
  const answers = await Promise.all(
    Array.from({ length: REQUESTS }, () => ask(chain, { key, address, agent })),
  );
  const allMs = performance.now() - startedMs;
  const count = (status: number) => answers.filter((answer) => answer.status === status).length;
  const [passed, refused] = [count(200), count(429)];
  if (passed > limit) throw new Error(`${passed} requests passed, of ${limit} that may`);
  const times = answers.map(({ ms }) => ms);
  const counts = [passed, refused, REQUESTS - passed - refused].map(String);
  return [...counts, percentile(times, 95).toFixed(0), allMs.toFixed(0)];
}

interface Asker {
  readonly key: string;
  readonly address: string;
  readonly agent: http.Agent;
}

function ask({ edge }: EdgeChain, { key, address, agent }: Asker): Promise<TimedAnswer> {
  const headers = { 'x-api-key': key, 'cf-connecting-ip': address };
  return timedRequest({ url: `${edge.url}/models`, agent, headers });
}
