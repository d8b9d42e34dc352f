import { copyFileSync, existsSync, linkSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { z } from 'zod';
import type { Architecture } from './architecture.ts';
import { PYANNET } from './architectures/pyannet.ts';
import { WESPEAKER_RESNET } from './architectures/resnet.ts';
import { WAV2VEC2 } from './architectures/wav2vec2.ts';
import { WHISPER } from './architectures/whisper.ts';
import { DataFile } from './onnx/data-file.ts';
import { ModelBuilder, type WeightSource } from './onnx/model-builder.ts';
import { missingCudaKernels } from './onnx/operators.ts';
import { openSafetensors } from './safetensors.ts';
import { type ModelTarget, precisionOf } from './target.ts';

/** Raised whenever the same weights would give other graphs, so that stores know what to build anew. */
export const BUILDER_VERSION = 1;

/** By `model_type` of config.json. */
const ARCHITECTURES: Readonly<Record<string, Architecture>> = {
  whisper: WHISPER,
  wav2vec2: WAV2VEC2,
  'wespeaker-resnet34-lm': WESPEAKER_RESNET,
  'pyannote-segmentation': PYANNET,
};

export interface BuildOptions {
  /** Folder in the Hugging Face layout: `config.json`, the safetensors weights, and what else the architecture reads. */
  readonly sourceDir: string;
  /** Folder that gets the graphs; made if missing. */
  readonly outDir: string;
  readonly target: ModelTarget;
  /** `fraction` runs from 0 to 1: the share of the weights' bytes that were converted; those left as they are take no time. */
  readonly onProgress?: (message: string, fraction: number) => void;
  /** Adds a `log_mel` output to the encoder, for parity tests. */
  readonly exposeLogMel?: boolean;
  /** Adds a `logits` output to an aligner, for parity tests. */
  readonly exposeLogits?: boolean;
}

export interface BuiltModel {
  /** Names of all files in `outDir`. */
  readonly files: readonly string[];
}

/** Builds the graphs of a model from published weights. Holds one tensor in memory at a time. */
export async function buildModel(options: BuildOptions): Promise<BuiltModel> {
  const { sourceDir, outDir, target } = options;
  const say = options.onProgress ?? (() => {});
  const precision = precisionOf(target);
  const architecture = architectureOf(sourceDir);
  const plans = architecture.graphs(sourceDir, precision, options);
  mkdirSync(outDir, { recursive: true });
  const opened = openSafetensors(sourceDir);
  const data = new DataFile(join(outDir, 'weights.data'));
  let [part, done] = [plans[0]?.name ?? '', 0];
  const weights = countReads(opened, (share) => {
    done = share;
    say(part, done);
  });
  try {
    const keptType = precision.linear === 'float' ? precision.maths : null;
    const files = ['weights.data'];
    const published = new Set<string>();
    for (const { name, fill } of plans) {
      part = name;
      say(part, done);
      const model = new ModelBuilder(`${architecture.name}-${name}`, weights, data, keptType);
      fill(model);
      if (target === 'cuda-f16') requireCudaKernels(model);
      model.save(join(outDir, `${name}.onnx`));
      files.push(`${name}.onnx`);
      for (const path of model.referencedFiles()) published.add(path);
    }
    for (const path of published) {
      linkOrCopy(path, join(outDir, basename(path)));
      files.push(basename(path));
    }
    for (const name of architecture.sideFiles.filter((file) => existsSync(join(sourceDir, file)))) {
      copyFileSync(join(sourceDir, name), join(outDir, name));
      files.push(name);
    }
    say('done', 1);
    return { files };
  } finally {
    data.close();
    opened.close();
  }
}

/** @throws Error naming the `model_type` that nothing here builds */
function architectureOf(sourceDir: string): Architecture {
  const path = join(sourceDir, 'config.json');
  const parsed = z
    .looseObject({ model_type: z.string() })
    .safeParse(JSON.parse(readFileSync(path, 'utf8')));
  if (!parsed.success) throw new Error(`${path}: ${z.prettifyError(parsed.error)}`);
  const type = parsed.data.model_type;
  const found = Object.hasOwn(ARCHITECTURES, type) ? ARCHITECTURES[type] : undefined;
  if (found !== undefined) return found;
  const known = Object.keys(ARCHITECTURES).join(', ');
  throw new Error(`${path}: model_type "${type.slice(0, 50)}" cannot be built; known: ${known}`);
}

/** One operator without a kernel would send its data from the GPU to the CPU and back, at every token. */
function requireCudaKernels(model: ModelBuilder): void {
  const missing = missingCudaKernels(model.usedKernels());
  if (missing.length > 0) throw new Error(`CUDA has no kernel for ${missing.join(', ')}`);
}

/** The same weights; tells after each read how much of all their bytes was read. */
function countReads(weights: WeightSource, onRead: (share: number) => void): WeightSource {
  const all = [...weights.tensors.values()].reduce((sum, { byteLength }) => sum + byteLength, 0);
  let read = 0;
  return {
    tensors: weights.tensors,
    readFloat32(name) {
      const values = weights.readFloat32(name);
      read += weights.tensors.get(name)?.byteLength ?? 0;
      onRead(Math.min(1, read / all));
      return values;
    },
  };
}

/** Graphs point into the published file where a tensor needs no change: it has to lie beside them. */
function linkOrCopy(from: string, to: string): void {
  rmSync(to, { force: true });
  try {
    linkSync(from, to);
  } catch {
    copyFileSync(from, to);
  }
}
