import { cpSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { buildModel } from '#models/build.ts';
import { readSegmentationLayout, SEGMENTATION_FILE } from '#models/segmentation-layout.ts';
import { openStore } from '#models/store.ts';
import { MODEL_TARGETS } from '#models/target.ts';
import { writeSource } from '#test/support/speaker-fixtures.ts';
import { useTempDirs } from '#test/support/temp-dir.ts';

const tempDir = useTempDirs();
const EMBEDDED = join(openStore().embeddedDir, 'segmentation');

describe('readSegmentationLayout', () => {
  it('reads windows of 5 s from the embedded model', () => {
    const layout = { windowSamples: 80_000, windowFrames: 293, speakers: 3 };
    expect(readSegmentationLayout(EMBEDDED)).toEqual(layout);
  });

  it.each(MODEL_TARGETS)('reads windows of 10 s from segmentation-3.0, %s', async (target) => {
    const [sourceDir, outDir] = [tempDir(), tempDir()];
    writeSource(sourceDir, 'segmentation');
    await buildModel({ sourceDir, outDir, target });
    const layout = { windowSamples: 160_000, windowFrames: 589, speakers: 3 };
    expect(readSegmentationLayout(outDir)).toEqual(layout);
  });

  it.each([
    ['nothing', null],
    ['no ONNX file', Buffer.from('not a graph at all')],
    ['an empty file', Buffer.alloc(0)],
  ])('says so where there is %s', (_case, bytes) => {
    const dir = tempDir();
    if (bytes !== null) writeFileSync(join(dir, SEGMENTATION_FILE), bytes);
    expect(() => readSegmentationLayout(dir)).toThrow('is not the graph of a segmentation model');
  });

  it('says so where the graph is another model’s', () => {
    const dir = tempDir();
    const other = join(openStore().embeddedDir, 'speaker', 'speaker.onnx');
    cpSync(other, join(dir, SEGMENTATION_FILE));
    expect(() => readSegmentationLayout(dir)).toThrow('is not the graph of a segmentation model');
  });
});
