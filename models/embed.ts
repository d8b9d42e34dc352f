/** The models that come with the project: built once from published weights and committed, so that a clone works at once. */
import { readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { buildGe2eGraph } from './architectures/ge2e.ts';
import { buildSegmentationGraph } from './architectures/pyannet.ts';
import { BUILDER_VERSION, buildModel } from './build.ts';
import { readFacts } from './install.ts';
import { BUILT_MANIFEST, type BuiltManifest, recordFiles, writeManifest } from './manifest.ts';
import { DataFile } from './onnx/data-file.ts';
import { ModelBuilder } from './onnx/model-builder.ts';
import { openSafetensors } from './safetensors.ts';
import { SEGMENTATION_FILE } from './segmentation-layout.ts';
import { replaceDir } from './store.ts';

/**
 * Builds `whisper-base` (target `cpu`), the segmentation model and the speaker encoder out of `sourceRoot` into
 * `outDir/base`, `outDir/segmentation` and `outDir/speaker`. The same sources give the same bytes.
 */
export async function embedModels(sourceRoot: string, outDir: string): Promise<void> {
  await replaceDir(join(outDir, 'base'), async (dir) => {
    const sourceDir = join(sourceRoot, 'whisper-base');
    await buildModel({ sourceDir, outDir: dir, target: 'cpu' });
    const licence = mitLicence('Whisper base (github.com/openai/whisper)', '2022 OpenAI');
    writeFileSync(join(dir, 'LICENSE'), licence);
    await describe(dir, { name: 'base', ...readFacts(sourceDir) });
  });
  await replaceDir(join(outDir, 'segmentation'), async (dir) => {
    buildSegmentation(join(sourceRoot, 'pyannote-segmentation'), dir);
    const licence = mitLicence('pyannote/segmentation (github.com/pyannote)', '2020 CNRS');
    writeFileSync(join(dir, 'LICENSE'), licence);
    const facts = { architecture: 'pyannet', languages: [], source: null };
    await describe(dir, { name: 'segmentation', ...facts });
  });
  await replaceDir(join(outDir, 'speaker'), async (dir) => {
    buildSpeaker(join(sourceRoot, 'ge2e-speaker-encoder'), dir);
    const licence = readFileSync(join(LICENCES, 'resemblyzer.txt'), 'utf8');
    writeFileSync(join(dir, 'LICENSE'), GE2E_NOTICE + licence);
    const facts = { architecture: 'ge2e', languages: [], source: null };
    await describe(dir, { name: 'speaker', ...facts });
  });
}

const LICENCES = join(import.meta.dirname, 'licences');
const GE2E_NOTICE = `Resemblyzer's voice encoder (github.com/resemble-ai/Resemblyzer), version 0.1.4

Changed: its weights were converted to an ONNX graph and rounded to 16 bits.

`;

/** Name of a speaker encoder's graph inside its folder. */
export const SPEAKER_FILE = 'speaker.onnx';

export function buildSegmentation(sourceDir: string, outDir: string): void {
  buildSingle(sourceDir, outDir, { file: SEGMENTATION_FILE, fill: buildSegmentationGraph });
}

/** The GE2E encoder. */
export function buildSpeaker(sourceDir: string, outDir: string): void {
  buildSingle(sourceDir, outDir, { file: SPEAKER_FILE, fill: buildGe2eGraph });
}

function buildSingle(
  sourceDir: string,
  outDir: string,
  { file, fill }: { file: string; fill: (model: ModelBuilder) => void },
): void {
  const weights = openSafetensors(sourceDir);
  const data = new DataFile(join(outDir, 'weights.data'));
  try {
    const model = new ModelBuilder(basename(file, '.onnx'), weights, data);
    fill(model);
    model.save(join(outDir, file));
  } finally {
    data.close();
    weights.close();
  }
}

async function describe(
  dir: string,
  facts: Omit<BuiltManifest, 'target' | 'builderVersion' | 'files'>,
): Promise<void> {
  const files = await recordFiles(dir);
  const built = { target: 'cpu' as const, builderVersion: BUILDER_VERSION };
  writeManifest(join(dir, BUILT_MANIFEST), { ...facts, ...built, files });
}

function mitLicence(what: string, holder: string): string {
  return `${what}

MIT License

Copyright (c) ${holder}

Permission is hereby granted, free of charge, to any person obtaining a copy
of this software and associated documentation files (the "Software"), to deal
in the Software without restriction, including without limitation the rights
to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all
copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
SOFTWARE.
`;
}
