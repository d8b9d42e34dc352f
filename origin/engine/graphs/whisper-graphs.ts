/** One loaded Whisper model: its graphs as functions of arrays. */
import { join } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import type { DecodedChunk, Sampling, SearchOptions } from '../protocol.ts';
import { uniformDraws } from './uniform-draws.ts';

/** 30 s at 16 kHz: what the encoder was trained on; shorter chunks are followed by silence. */
export const CHUNK_SAMPLES = 480_000;
/** One audio frame of 20 ms. */
const SAMPLES_PER_FRAME = 320;
/** Added to the logits of tokens that must not come. */
const SUPPRESSED = -1e9;

/** Audio features of one chunk: row-major (frames, width). */
export interface AudioFeatures {
  readonly data: Float32Array;
  readonly frames: number;
  readonly width: number;
  /** Samples of real audio before the padding. */
  readonly sampleCount: number;
}

export interface GraphDecodeRequest {
  readonly features: readonly AudioFeatures[];
  /** One prompt an item, all of one length. */
  readonly prompts: readonly (readonly number[])[];
  readonly sotIndex: number;
  readonly search: SearchOptions;
  /** One an item; absent: the search's for all. */
  readonly samplings?: readonly Sampling[];
}

export interface WhisperGraphs {
  encode(chunks: readonly Float32Array[]): Promise<AudioFeatures[]>;
  decode(request: GraphDecodeRequest): Promise<DecodedChunk[]>;
  /** Row-major (items, languages). */
  languageProbabilities(features: readonly AudioFeatures[], sot: number): Promise<Float32Array>;
  release(): Promise<void>;
}

export async function openWhisperGraphs(
  folder: string,
  options: InferenceSession.SessionOptions,
  vocabularySize: number,
): Promise<WhisperGraphs> {
  const open = (name: string) => InferenceSession.create(join(folder, `${name}.onnx`), options);
  const encoder = await open('encoder');
  const decoder = await open('decoder');
  /** Opened when a recording first comes without a language. */
  let languageDetector: Promise<InferenceSession> | null = null;

  return {
    async encode(chunks) {
      const outputs = await encoder.run({ waveform: padded(chunks) });
      const features = outputs['audio_features'];
      if (!features) throw new Error('the encoder gave no audio features');
      return rowsOf(features, chunks);
    },
    async decode(request) {
      const outputs = (await decoder.run(decoderFeeds(request, vocabularySize))) as Outputs;
      return request.features.map((_, item) => chunkOf(outputs, item, request));
    },
    async languageProbabilities(features, sot) {
      languageDetector ??= open('language');
      const start = int64(new Array<number>(features.length).fill(sot), [features.length, 1]);
      const outputs = await (await languageDetector).run({
        audio_features: stack(features),
        start,
      });
      return outputs['language_probs']?.data as Float32Array;
    },
    async release() {
      await Promise.all([encoder.release(), decoder.release()]);
      await (await languageDetector)?.release();
    },
  };
}

type OutputName =
  | 'tokens'
  | 'token_log_probs'
  | 'lengths'
  | 'sum_log_prob'
  | 'no_speech_prob'
  | 'alignment';
type Outputs = Record<OutputName, Tensor>;

function padded(chunks: readonly Float32Array[]): Tensor {
  const data = new Float32Array(chunks.length * CHUNK_SAMPLES);
  for (const [item, chunk] of chunks.entries()) {
    if (chunk.length > CHUNK_SAMPLES) {
      throw new RangeError(`a chunk has ${chunk.length} samples, at most ${CHUNK_SAMPLES} fit`);
    }
    data.set(chunk, item * CHUNK_SAMPLES);
  }
  return new Tensor('float32', data, [chunks.length, CHUNK_SAMPLES]);
}

function rowsOf(features: Tensor, chunks: readonly Float32Array[]): AudioFeatures[] {
  const [, frames = 0, width = 0] = features.dims;
  const data = features.data as Float32Array;
  const size = frames * width;
  return chunks.map((chunk, item) => ({
    data: data.subarray(item * size, (item + 1) * size),
    frames,
    width,
    sampleCount: chunk.length,
  }));
}

function decoderFeeds(request: GraphDecodeRequest, vocabularySize: number): Record<string, Tensor> {
  const { features, prompts, search } = request;
  const batch = features.length;
  const promptLength = prompts[0]?.length ?? 0;
  const samplings = request.samplings ?? features.map(() => search);
  const { data: uniforms, dims } = uniformDraws(samplings, search);
  return {
    audio_features: stack(features),
    audio_frames: int64(
      features.map(({ sampleCount }) => Math.max(1, Math.ceil(sampleCount / SAMPLES_PER_FRAME))),
      [batch],
    ),
    prompt: int64(prompts.flat(), [batch, promptLength]),
    sot_index: int64([request.sotIndex], []),
    beam_width: int64([search.beamWidth], [1]),
    max_new_tokens: int64([search.maxNewTokens], []),
    length_penalty: new Tensor('float32', [search.lengthPenalty], []),
    temperature: new Tensor(
      'float32',
      samplings.map(({ temperature }) => temperature),
      [batch],
    ),
    uniforms: new Tensor('float32', uniforms, dims),
    suppress: suppression(search.suppressTokens, vocabularySize),
    suppress_begin: suppression(search.suppressAtBegin, vocabularySize),
    align: new Tensor('bool', [search.align], []),
  };
}

/** (B, F, width) */
function stack(features: readonly AudioFeatures[]): Tensor {
  const { frames = 0, width = 0 } = features[0] ?? {};
  const audio = new Float32Array(features.length * frames * width);
  for (const [item, { data }] of features.entries()) audio.set(data, item * frames * width);
  return new Tensor('float32', audio, [features.length, frames, width]);
}

function int64(values: readonly number[], dims: readonly number[]): Tensor {
  return new Tensor('int64', BigInt64Array.from(values, BigInt), dims);
}

function suppression(tokens: readonly number[], vocabularySize: number): Tensor {
  const mask = new Float32Array(vocabularySize);
  for (const token of tokens) mask[token] = SUPPRESSED;
  return new Tensor('float32', mask, [vocabularySize]);
}

function chunkOf(outputs: Outputs, item: number, { search }: GraphDecodeRequest): DecodedChunk {
  const steps = outputs.tokens.dims[1] ?? 0;
  const length = Number(at(outputs.lengths, item));
  const from = item * steps;
  const tokens = outputs.tokens.data as BigInt64Array;
  const logProbs = outputs.token_log_probs.data as Float32Array;
  return {
    tokenIds: Int32Array.from(tokens.subarray(from, from + length), Number),
    tokenLogProbs: logProbs.slice(from, from + length),
    avgLogProb: Number(at(outputs.sum_log_prob, item)) / (length + 1),
    noSpeechProb: Number(at(outputs.no_speech_prob, item)),
    alignment: search.align ? alignmentOf(outputs.alignment, item, length + 1) : null,
  };
}

function alignmentOf(alignment: Tensor, item: number, rows: number): DecodedChunk['alignment'] {
  const [, allRows = 0, frames = 0] = alignment.dims;
  const from = item * allRows * frames;
  const weights = (alignment.data as Float32Array).slice(from, from + rows * frames);
  return { weights, rows, frames };
}

function at(tensor: Tensor, index: number): number | bigint {
  const value = tensor.data[index];
  if (typeof value !== 'number' && typeof value !== 'bigint') {
    throw new Error(`the graph gave no value at ${index}`);
  }
  return value;
}
