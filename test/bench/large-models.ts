/**
 * Builds and runs models of any registered size with made-up weights, by hand: it takes up to 10 GB of disk.
 *
 *   node test/bench/large-models.ts build large-v3 cuda-f16 FOLDER        # zeros: a sparse weights file
 *   node test/bench/large-models.ts build large-v3-turbo cpu FOLDER --random
 *   node test/bench/large-models.ts load FOLDER/large-v3/cuda-f16          # only creates the sessions
 *   node test/bench/large-models.ts run FOLDER/large-v3-turbo/cpu          # also encodes 30 s and decodes 20 tokens
 *
 * Each prints one line of JSON with seconds and the peak of the process's resident set.
 */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { readWhisperConfig } from '#models/architectures/whisper-config.ts';
import { buildModel } from '#models/build.ts';
import { findModel } from '#models/registry.ts';
import { MODEL_TARGETS, type ModelTarget } from '#models/target.ts';
import {
  CHUNK_SAMPLES,
  openWhisperGraphs,
  type WhisperGraphs,
} from '#origin/engine/graphs/whisper-graphs.ts';
import { writeModelOfSize } from '#test/support/model-of-size.ts';

const NEW_TOKENS = 20;

async function main(): Promise<void> {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: { random: { type: 'boolean', default: false } },
  });
  const [task, first = '', target = '', folder = ''] = positionals;
  if (task === 'build') {
    await build(first, targetOf(target), { folder, weights: values.random ? 'random' : 'zeros' });
  } else if (task === 'load' || task === 'run') {
    await load(first, { isRun: task === 'run' });
  } else {
    throw new Error('usage: build NAME TARGET FOLDER [--random] | load FOLDER | run FOLDER');
  }
}

async function build(
  name: string,
  target: ModelTarget,
  options: { readonly folder: string; readonly weights: 'zeros' | 'random' },
): Promise<void> {
  const { dimensions, weights } = findModel(name, 'whisper');
  const sourceDir = join(options.folder, name, 'source');
  if (!existsSync(join(sourceDir, 'model.safetensors'))) {
    writeModelOfSize(sourceDir, dimensions, { dtype: weights.dtype, weights: options.weights });
  }
  const outDir = join(options.folder, name, target);
  const clock = startClock();
  await buildModel({ sourceDir, outDir, target, onProgress: showProgress });
  process.stderr.write('\n');
  const files = readdirSync(outDir)
    .filter((file) => !file.endsWith('.json'))
    .map((file) => [file, mebibytes(statSync(join(outDir, file)).size)]);
  report({ name, target, seconds: clock(), filesMib: Object.fromEntries(files) });
}

async function load(modelDir: string, { isRun }: { readonly isRun: boolean }): Promise<void> {
  const { vocabularySize, endToken } = readWhisperConfig(modelDir);
  const clock = startClock();
  const graphs = await openWhisperGraphs(
    modelDir,
    { intraOpNumThreads: 2, logSeverityLevel: 3 },
    vocabularySize,
  );
  const loadSeconds = clock();
  const loaded = mebibytes(process.memoryUsage.rss());
  const times = isRun ? await run(graphs, endToken) : {};
  report({ modelDir, loadSeconds, rssAfterLoadMib: loaded, ...times });
}

/** The end token is suppressed, so that every run decodes the same number of tokens. */
async function run(graphs: WhisperGraphs, endToken: number): Promise<object> {
  const waveform = Float32Array.from({ length: CHUNK_SAMPLES }, (_, i) => Math.sin(i / 10));
  const encodeClock = startClock();
  const features = await graphs.encode([waveform]);
  const encodeSeconds = encodeClock();
  const decodeSeconds: Record<string, number> = {};
  for (const beamWidth of [1, 5]) {
    const clock = startClock();
    await graphs.decode({
      features,
      prompts: [[50_258, 50_259, 50_359, 50_363]],
      sotIndex: 0,
      search: {
        beamWidth,
        maxNewTokens: NEW_TOKENS,
        lengthPenalty: 1,
        temperature: 0,
        seed: 0,
        suppressTokens: [endToken],
        suppressAtBegin: [],
        align: false,
      },
    });
    decodeSeconds[`${NEW_TOKENS} tokens, ${beamWidth} beams`] = clock();
  }
  return { encodeSeconds, decodeSeconds };
}

function targetOf(text: string): ModelTarget {
  const target = MODEL_TARGETS.find((name) => name === text);
  if (!target) throw new Error(`"${text}" is none of ${MODEL_TARGETS.join(', ')}`);
  return target;
}

function showProgress(message: string, fraction: number): void {
  process.stderr.write(`\r${(100 * fraction).toFixed(0).padStart(3)} % ${message}   `);
}

function startClock(): () => number {
  const start = performance.now();
  return () => Math.round((performance.now() - start) / 10) / 100;
}

function report(facts: object): void {
  // maxRSS is in KiB.
  const peakRssMib = Math.round(process.resourceUsage().maxRSS / 1024);
  process.stdout.write(`${JSON.stringify({ ...facts, peakRssMib })}\n`);
}

function mebibytes(bytes: number): number {
  return Math.round(bytes / 1024 ** 2);
}

await main();
