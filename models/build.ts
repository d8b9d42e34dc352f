import { copyFileSync, existsSync, linkSync, mkdirSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { readWhisperConfig } from './architectures/whisper-config.ts';
import { buildWhisperDecoder } from './architectures/whisper-decoder.ts';
import { buildWhisperEncoder } from './architectures/whisper-encoder.ts';
import { buildWhisperLanguageDetector } from './architectures/whisper-language.ts';
import { DataFile } from './onnx/data-file.ts';
import { ModelBuilder, type WeightSource } from './onnx/model-builder.ts';
import { missingCudaKernels } from './onnx/operators.ts';
import { openSafetensors } from './safetensors.ts';
import { type ModelTarget, precisionOf } from './target.ts';

/** Raised whenever the same weights would give other graphs, so that stores know what to build anew. */
export const BUILDER_VERSION = 1;

/** Read by the pipeline beside the graphs; copied as they are. */
const SIDE_FILES = ['config.json', 'generation_config.json', 'tokenizer.json'];

export interface BuildOptions {
  /** Folder with `config.json`, `generation_config.json`, `tokenizer.json` and the safetensors weights. */
  readonly sourceDir: string;
  /** Folder that gets the graphs; made if missing. */
  readonly outDir: string;
  readonly target: ModelTarget;
  /** `fraction` runs from 0 to 1: the share of the weights' bytes that were converted; those left as they are take no time. */
  readonly onProgress?: (message: string, fraction: number) => void;
  /** Adds a `log_mel` output to the encoder, for parity tests. */
  readonly exposeLogMel?: boolean;
}

export interface BuiltModel {
  /** Names of all files in `outDir`. */
  readonly files: readonly string[];
}

/** Builds the graphs of a Whisper model from published weights. Holds one tensor in memory at a time. */
export async function buildModel(options: BuildOptions): Promise<BuiltModel> {
  const { sourceDir, outDir, target } = options;
  const say = options.onProgress ?? (() => {});
  const config = readWhisperConfig(sourceDir);
  mkdirSync(outDir, { recursive: true });
  const opened = openSafetensors(sourceDir);
  const data = new DataFile(join(outDir, 'weights.data'));
  let [part, done] = ['encoder', 0];
  const weights = countReads(opened, (share) => {
    done = share;
    say(part, done);
  });
  try {
    const precision = precisionOf(target);
    const keptType = precision.linear === 'float' ? precision.maths : null;
    const { exposeLogMel = false } = options;
    const files = ['weights.data'];
    const published = new Set<string>();
    const build = (name: string, fill: (model: ModelBuilder) => void) => {
      part = name;
      say(part, done);
      const model = new ModelBuilder(`whisper-${name}`, weights, data, keptType);
      fill(model);
      if (target === 'cuda-f16') requireCudaKernels(model);
      model.save(join(outDir, `${name}.onnx`));
      files.push(`${name}.onnx`);
      for (const path of model.referencedFiles()) published.add(path);
    };
    build('encoder', (model) => buildWhisperEncoder(model, config, precision, { exposeLogMel }));
    build('decoder', (model) => buildWhisperDecoder(model, config, precision));
    if (config.languages.length > 0) {
      build('language', (model) => buildWhisperLanguageDetector(model, config, precision));
    }
    for (const path of published) {
      linkOrCopy(path, join(outDir, basename(path)));
      files.push(basename(path));
    }
    for (const name of SIDE_FILES.filter((file) => existsSync(join(sourceDir, file)))) {
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
