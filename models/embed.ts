/** The models that come with the project: built once from published weights and committed, so that a clone works at once. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildSegmentationGraph } from './architectures/pyannet.ts';
import { BUILDER_VERSION, buildModel } from './build.ts';
import { readFacts } from './install.ts';
import { BUILT_MANIFEST, type BuiltManifest, recordFiles, writeManifest } from './manifest.ts';
import { DataFile } from './onnx/data-file.ts';
import { ModelBuilder } from './onnx/model-builder.ts';
import { openSafetensors } from './safetensors.ts';
import { replaceDir } from './store.ts';

/**
 * Builds `whisper-base` (target `cpu`) and the segmentation model out of `sourceRoot` into `outDir/base` and
 * `outDir/segmentation`. The same sources give the same bytes.
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
}

/** Name of the segmentation graph inside its folder. */
export const SEGMENTATION_FILE = 'segmentation.onnx';

export function buildSegmentation(sourceDir: string, outDir: string): void {
  const weights = openSafetensors(sourceDir);
  const data = new DataFile(join(outDir, 'weights.data'));
  try {
    const model = new ModelBuilder('segmentation', weights, data);
    buildSegmentationGraph(model);
    model.save(join(outDir, SEGMENTATION_FILE));
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
