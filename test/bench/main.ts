/** npm run bench -- NAME [options]: measures, prints markdown, and writes it into a document when asked. */

import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { concurrency } from '#test/bench/benches/concurrency.ts';
import { diarization } from '#test/bench/benches/diarization.ts';
import { edge } from '#test/bench/benches/edge.ts';
import { edgeLine } from '#test/bench/benches/edge-line.ts';
import { ledger } from '#test/bench/benches/ledger.ts';
import { long } from '#test/bench/benches/long.ts';
import { memory } from '#test/bench/benches/memory.ts';
import { short, speed } from '#test/bench/benches/speed.ts';
import { stages } from '#test/bench/benches/stages.ts';
import { start } from '#test/bench/benches/start.ts';
import { truth } from '#test/bench/benches/truth.ts';
import { unload } from '#test/bench/benches/unload.ts';
import { wer } from '#test/bench/benches/wer.ts';
import { whoSaidWhat } from '#test/bench/benches/who-said-what.ts';
import { wordTimes } from '#test/bench/benches/word-times.ts';
import type { Bench, BenchOptions } from '#test/bench/lib/bench.ts';
import { endChildrenWithBench } from '#test/bench/lib/child-processes.ts';
import { createContext } from '#test/bench/lib/context.ts';
import { machineFacts } from '#test/bench/lib/machine.ts';
import { renderReport, replaceBlock } from '#test/bench/lib/report.ts';

const BENCHES: readonly Bench[] = [
  speed,
  wer,
  short,
  start,
  memory,
  unload,
  wordTimes,
  truth,
  diarization,
  whoSaidWhat,
  concurrency,
  stages,
  long,
  ledger,
  edge,
  edgeLine,
];

const USAGE = `npm run bench -- NAME [NAME …] [options]

${BENCHES.map((bench) => `  ${bench.name.padEnd(12)} ${bench.summary}`).join('\n')}
  ${'all'.padEnd(12)} every one of them

  --peer-python PATH      Python with faster-whisper: compares with it
  --whisperx-python PATH  Python with whisperX: compares with it
  --peer-model DIR        CTranslate2 directory of the model that the peers load
  --no-ours               only the peers
  --runs N                measured rounds (5)
  --threads N             threads of the server and of each peer (2)
  --hours H               length of the recording in memory (3)
  --language CODE         given to every one; absent: each detects it
  --entry FILE            server to start (origin/main.ts)
  --lock FILE             lock to hold while measuring, for a machine that others use too
  --texts FILE            adds every transcript of wer and word-times to FILE, a JSON line each
  --markdown FILE         writes each table into its block of FILE`;

endChildrenWithBench();
try {
  await main(process.argv.slice(2));
  process.exit(0);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}

async function main(args: readonly string[]): Promise<void> {
  const { values, positionals } = parse(args);
  if (values.help || positionals.length === 0) {
    console.log(USAGE);
    return;
  }
  const benches = chosen(positionals);
  const heading = machineFacts();
  const { context, stop } = createContext(toOptions(values));
  try {
    for (const bench of benches) {
      const text = renderReport(await bench.run(context), heading);
      console.log(`${text}\n`);
      if (values.markdown !== undefined) {
        const document = readFileSync(values.markdown, 'utf8');
        writeFileSync(values.markdown, replaceBlock(document, bench.name, text));
      }
    }
  } finally {
    await stop();
  }
}

function parse(args: readonly string[]) {
  return parseArgs({
    args: [...args],
    allowPositionals: true,
    allowNegative: true,
    options: {
      help: { type: 'boolean', short: 'h', default: false },
      ours: { type: 'boolean', default: true },
      'peer-python': { type: 'string' },
      'whisperx-python': { type: 'string' },
      'peer-model': { type: 'string' },
      runs: { type: 'string', default: '5' },
      threads: { type: 'string', default: '2' },
      hours: { type: 'string', default: '3' },
      language: { type: 'string' },
      entry: { type: 'string', default: '' },
      lock: { type: 'string' },
      texts: { type: 'string' },
      markdown: { type: 'string' },
    },
  });
}

function toOptions(values: ReturnType<typeof parse>['values']): BenchOptions {
  const entry = values.entry || fileURLToPath(new URL('../../origin/main.ts', import.meta.url));
  return {
    peerPython: values['peer-python'],
    whisperxPython: values['whisperx-python'],
    peerModel: values['peer-model'],
    ours: values.ours,
    entry,
    threads: positive('--threads', values.threads),
    runs: positive('--runs', values.runs),
    hours: positive('--hours', values.hours),
    language: values.language,
    lock: values.lock,
    texts: values.texts,
    env: process.env,
  };
}

function chosen(names: readonly string[]): Bench[] {
  if (names.includes('all')) return [...BENCHES];
  return names.map((name) => {
    const found = BENCHES.find((bench) => bench.name === name);
    if (found) return found;
    const known = BENCHES.map((bench) => bench.name).join(', ');
    throw new Error(`no bench ${name}: there are ${known}, and all`);
  });
}

function positive(option: string, value: string): number {
  const number = Number(value);
  if (number > 0 && Number.isFinite(number)) return number;
  throw new Error(`${option} ${value}: give a number above 0`);
}
