/** How large a Whisper model is, computed from its dimensions. */
import type { ModelTarget } from '#models/target.ts';

/** The dimensions of `config.json` that decide the size. */
export interface WhisperDimensions {
  readonly dModel: number;
  readonly encoderLayers: number;
  readonly decoderLayers: number;
  readonly vocabSize: number;
  readonly melBins: number;
}

/** What is in memory at once. */
export interface MemoryLoad {
  /** Chunks of 30 s decoded together. */
  readonly batchSize: number;
  readonly beamWidth: number;
}

const ENCODER_FRAMES = 1500;
const DECODER_POSITIONS = 448;
/** Whisper's own limit of new tokens per chunk: half of the decoder's positions. */
const DECODED_TOKENS = DECODER_POSITIONS / 2;
/** Scales of 8-bit weights, one or two numbers per output channel. */
const INT8_OVERHEAD = 1.02;
/** What the runtime takes before any model: kernels, arenas, and with CUDA the driver's context. */
const RUNTIME_BYTES = { cpu: 100e6, 'cpu-f32': 100e6, 'cuda-f16': 600e6 } as const;
const VALUE_BYTES = { cpu: 4, 'cpu-f32': 4, 'cuda-f16': 2 } as const;
/** WHISPERX_BATCH_SIZE's default on CUDA; a small batch fills a processor's cores. */
export const DEFAULT_LOAD: Readonly<Record<ModelTarget, MemoryLoad>> = {
  cpu: { batchSize: 4, beamWidth: 5 },
  'cpu-f32': { batchSize: 4, beamWidth: 5 },
  'cuda-f16': { batchSize: 16, beamWidth: 5 },
};

/**
 * Number of weights; the output projection is the token embedding and counts once. With d = dModel, an encoder layer has
 * 12d² + 12d (attention 4d² + 3d, feed-forward 8d² + 5d, two norms 4d) and a decoder layer, which attends twice,
 * 16d² + 17d.
 */
export function parameterCount(dims: WhisperDimensions): number {
  const { dModel: d, melBins } = dims;
  const convolutions = 3 * melBins * d + d + 3 * d * d + d;
  const positions = (ENCODER_FRAMES + DECODER_POSITIONS) * d;
  const encoder = dims.encoderLayers * (12 * d * d + 12 * d) + 2 * d;
  const decoder = dims.decoderLayers * (16 * d * d + 17 * d) + 2 * d;
  return convolutions + positions + encoder + decoder + dims.vocabSize * d;
}

/** Weights of matrix products and the token embedding: those that the `cpu` target holds in 8 bits. */
export function linearParameterCount(dims: WhisperDimensions): number {
  const layers = 12 * dims.encoderLayers + 16 * dims.decoderLayers;
  return layers * dims.dModel ** 2 + dims.vocabSize * dims.dModel;
}

/** Bytes of the built model on disk, to a few percent: weights in the target's number format. */
export function diskBytes(dims: WhisperDimensions, target: ModelTarget): number {
  const parameters = parameterCount(dims);
  if (target !== 'cpu') return parameters * VALUE_BYTES[target];
  const linear = linearParameterCount(dims);
  return Math.round(linear * INT8_OVERHEAD + (parameters - linear) * VALUE_BYTES.cpu);
}

/**
 * An estimate of the memory (VRAM with CUDA) at full load: the runtime, the weights, and for each chunk of the batch the
 * cross-attention's keys and values, every beam's self-attention keys and values over 224 tokens, and one encoder layer's
 * activations. Short chunks and small batches need less.
 */
export function memoryBytes(
  dims: WhisperDimensions,
  target: ModelTarget,
  load: MemoryLoad = DEFAULT_LOAD[target],
): number {
  const { dModel: d, decoderLayers } = dims;
  const crossCache = 2 * decoderLayers * ENCODER_FRAMES * d;
  const selfCache = 2 * decoderLayers * DECODED_TOKENS * d * load.beamWidth;
  // Queries, keys, values, the residual, and the feed-forward layer's four times wider one.
  const activations = 8 * ENCODER_FRAMES * d;
  const perChunk = (crossCache + selfCache + activations) * VALUE_BYTES[target];
  return RUNTIME_BYTES[target] + diskBytes(dims, target) + load.batchSize * perChunk;
}
