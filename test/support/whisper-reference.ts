/** The reference recordings of Whisper base: their waveforms, what the reference programs gave, and our graphs. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { readWhisperConfig } from '#models/architectures/whisper-config.ts';
import { buildModel } from '#models/build.ts';
import type { ModelTarget } from '#models/target.ts';
import { openWhisperGraphs, type WhisperGraphs } from '#origin/engine/graphs/whisper-graphs.ts';
import type { SearchOptions } from '#origin/engine/protocol.ts';
import { decodeAll } from '#test/support/decoding.ts';
import { readWav } from '#test/support/read-wav.ts';

const SHARED = join(import.meta.dirname, '../../../shared');
export const WHISPER_BASE = join(SHARED, 'models/whisper-base');
const REFERENCE_JSON = join(SHARED, 'reference/whisper-base.json');
export const REFERENCE_TENSORS = join(SHARED, 'reference/whisper-base.safetensors');
export const isReferencePresent = [WHISPER_BASE, REFERENCE_JSON, REFERENCE_TENSORS].every(
  existsSync,
);

const Beam = z.object({ tokens: z.array(z.int()), text: z.string() });
const Clip = z.object({
  language: z.string(),
  samples_16k: z.int(),
  language_probs: z.array(z.tuple([z.string(), z.number()])),
  beam1: Beam.extend({ mean_logprob_unsuppressed: z.number() }),
  beam5: Beam,
  dtw_words: z.array(z.tuple([z.string(), z.number(), z.number(), z.number()])),
});
export type ReferenceClip = z.infer<typeof Clip>;

/** By clip: transformers 4.57 in float32 (tokens, probabilities), faster-whisper 1.2.1 (word times). */
export function readWhisperReference(): Record<string, ReferenceClip> {
  return z.record(z.string(), Clip).parse(JSON.parse(readFileSync(REFERENCE_JSON, 'utf8')));
}

/**
 * 16 kHz mono samples as the reference had them, in 16 bits. Only jfk.flac is no 16 kHz WAV: node-av resamples it, and
 * what is left of 24 bits is rounded as FFmpeg rounds it.
 */
export async function readReferenceClip(name: string): Promise<Float32Array> {
  const path = join(SHARED, 'audio', name);
  if (name.endsWith('.wav')) return readWav(path);
  const dir = mkdtempSync(join(tmpdir(), 'mana-stt-clip-'));
  try {
    const waveformPath = join(dir, 'clip.f32');
    const { samples } = await decodeAll(path, { waveformPath, decoder: 'node-av' });
    return samples.map((sample) => roundHalfToEven(sample * 32768) / 32768);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

function roundHalfToEven(x: number): number {
  const nearest = Math.round(x);
  return nearest - x === 0.5 && nearest % 2 !== 0 ? nearest - 1 : nearest;
}

/** Builds Whisper base for a target into `dir` and loads it on the CPU. */
export async function loadWhisperBase(dir: string, target: ModelTarget): Promise<WhisperGraphs> {
  await buildModel({ sourceDir: WHISPER_BASE, outDir: dir, target, exposeLogMel: true });
  const { vocabularySize } = readWhisperConfig(dir);
  const options = { intraOpNumThreads: 2, logSeverityLevel: 3 } as const;
  return openWhisperGraphs(dir, options, vocabularySize);
}

export const START_OF_PREVIOUS = 50_361;
export const START_OF_TRANSCRIPT = 50_258;
const TRANSCRIBE = 50_359;
const NO_TIMESTAMPS = 50_363;
const FIRST_TIMESTAMP = 50_364;

const GenerationConfig = z.object({
  lang_to_id: z.record(z.string(), z.int()),
  suppress_tokens: z.array(z.int()),
  begin_suppress_tokens: z.array(z.int()),
});
const readGenerationConfig = () =>
  GenerationConfig.parse(
    JSON.parse(readFileSync(join(WHISPER_BASE, 'generation_config.json'), 'utf8')),
  );

/** `<|startoftranscript|>`, language, task, `<|notimestamps|>`. */
export function promptOf(language: string): number[] {
  const token = readGenerationConfig().lang_to_id[`<|${language}|>`];
  if (token === undefined) throw new Error(`no language "${language}"`);
  return [START_OF_TRANSCRIPT, token, TRANSCRIBE, NO_TIMESTAMPS];
}

/** The reference's search: no timestamps, the published lists of suppressed tokens, at most 200 tokens. */
export function referenceSearch(changes: Partial<SearchOptions> = {}): SearchOptions {
  const { suppress_tokens, begin_suppress_tokens } = readGenerationConfig();
  const { vocabularySize } = readWhisperConfig(WHISPER_BASE);
  const timestamps = Array.from(
    { length: vocabularySize - FIRST_TIMESTAMP },
    (_, i) => FIRST_TIMESTAMP + i,
  );
  return {
    beamWidth: 5,
    maxNewTokens: 200,
    lengthPenalty: 1,
    temperature: 0,
    seed: 0,
    suppressTokens: [...suppress_tokens, ...timestamps],
    suppressAtBegin: begin_suppress_tokens,
    align: false,
    ...changes,
  };
}
