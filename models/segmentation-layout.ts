/** What a built segmentation model takes and gives, read from its graph: the one place that cannot be out of date. */
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import onnxProto from 'onnx-proto';
import { ModelError } from '#models/model-error.ts';

/** `waveform (W, windowSamples)` → `activations (W, windowFrames, speakers)`. */
export interface SegmentationLayout {
  /** At 16 kHz: 80,000 for the embedded model, 160,000 for segmentation-3.0. */
  readonly windowSamples: number;
  /** 293 or 589. */
  readonly windowFrames: number;
  /** Most local speakers of a window. */
  readonly speakers: number;
}

/** Name of the segmentation graph inside its folder. */
export const SEGMENTATION_FILE = 'segmentation.onnx';

/** The weights lie beside the graph; the embedded one has 88 kB. */
const MAX_GRAPH_BYTES = 16 * 1024 * 1024;

/**
 * @param dir Folder of a built model.
 * @throws ModelError `bad-manifest` where the graph cannot be read or has not this form
 */
export function readSegmentationLayout(dir: string): SegmentationLayout {
  const path = join(dir, SEGMENTATION_FILE);
  const graph = readGraph(path);
  const [, windowSamples = 0] = sizesOf(graph?.input, 'waveform');
  const [, windowFrames = 0, speakers = 0] = sizesOf(graph?.output, 'activations');
  if (windowSamples > 0 && windowFrames > 0 && speakers > 0) {
    return { windowSamples, windowFrames, speakers };
  }
  throw unreadable(path);
}

function readGraph(path: string): onnxProto.onnx.IGraphProto | null | undefined {
  try {
    if (statSync(path).size > MAX_GRAPH_BYTES) throw new RangeError('larger than any such graph');
    return onnxProto.onnx.ModelProto.decode(readFileSync(path)).graph;
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

/** Sizes of a value's axes; 0 for one that is not fixed. */
function sizesOf(
  values: readonly onnxProto.onnx.IValueInfoProto[] | null | undefined,
  name: string,
): number[] {
  const dims = values?.find((value) => value.name === name)?.type?.tensorType?.shape?.dim ?? [];
  return dims.map(({ dimValue }) => Number(dimValue ?? 0));
}

function unreadable(path: string, cause?: unknown): ModelError {
  const text = `${path} is not the graph of a segmentation model. Pull or build the model again.`;
  return new ModelError('bad-manifest', text, { cause });
}
