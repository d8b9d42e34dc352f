import { join } from 'node:path';
import * as ort from 'onnxruntime-node';
import { buildSegmentationGraph } from '#models/architectures/pyannet.ts';
import { DataFile } from '#models/onnx/data-file.ts';
import { ModelBuilder } from '#models/onnx/model-builder.ts';
import { openSafetensors } from '#models/safetensors.ts';

export const WINDOW_SAMPLES = 80_000;

/** Builds the segmentation graph from published weights into `outDir` and loads it. */
export async function loadSegmentation(
  sourceDir: string,
  outDir: string,
): Promise<ort.InferenceSession> {
  const weights = openSafetensors(sourceDir);
  const data = new DataFile(join(outDir, 'segmentation.data'));
  const path = join(outDir, 'segmentation.onnx');
  try {
    const model = new ModelBuilder('segmentation', weights, data);
    buildSegmentationGraph(model);
    model.save(path);
  } finally {
    data.close();
    weights.close();
  }
  return ort.InferenceSession.create(path, { executionProviders: ['cpu'], intraOpNumThreads: 2 });
}

/** Activations of windows that begin at `starts`, padded with silence where the waveform ends. */
export async function segmentWindows(
  session: ort.InferenceSession,
  waveform: Float32Array,
  starts: readonly number[],
): Promise<Float32Array> {
  const windows = new Float32Array(starts.length * WINDOW_SAMPLES);
  starts.forEach((start, i) => {
    windows.set(waveform.subarray(start, start + WINDOW_SAMPLES), i * WINDOW_SAMPLES);
  });
  const input = new ort.Tensor('float32', windows, [starts.length, WINDOW_SAMPLES]);
  const { activations } = await session.run({ waveform: input });
  if (!(activations?.data instanceof Float32Array)) throw new Error('no activations');
  return activations.data;
}
