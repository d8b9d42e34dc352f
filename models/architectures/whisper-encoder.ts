/**
 * Whisper's audio encoder. Source: Radford et al., "Robust Speech Recognition via Large-Scale Weak Supervision",
 * arXiv 2212.04356, figure 1, left half; weight names as in the Hugging Face layout.
 *
 * waveform (B, N ≤ 480000) → audio_features (B, N / 320, width), float32.
 */
import type { GraphBuilder, Value } from '../onnx/graph-builder.ts';
import type { ModelBuilder } from '../onnx/model-builder.ts';
import { add, cast, sizeOf, slice, transpose } from '../onnx/ops.ts';
import type { Precision } from '../target.ts';
import { gelu, layerNorm, linear, weight } from './layers.ts';
import { logMel } from './log-mel.ts';
import type { WhisperConfig } from './whisper-config.ts';

export function buildWhisperEncoder(
  model: ModelBuilder,
  config: WhisperConfig,
  precision: Precision,
  options: { exposeLogMel?: boolean } = {},
): void {
  const g = model.graph;
  const waveform = g.input('waveform', 'float32', ['batch', 'samples']);
  const mel = logMel(g, waveform, config.melBins);
  let x = convolutions(g, cast(g, mel, precision.maths));
  for (let layer = 0; layer < config.encoder.layers; layer++) {
    x = g.within(`layer${layer}`, () => encoderLayer(g, x, layer, config, precision));
  }
  const features = cast(g, layerNorm(g, x, 'model.encoder.layer_norm'), 'float32');
  g.output('audio_features', features, ['batch', 'frames', config.width]);
  if (options.exposeLogMel) g.output('log_mel', mel, ['batch', config.melBins, 'mel_frames']);
}

/** Two convolutions, the second with stride 2; then sinusoidal positions: (B, mel, 2F) → (B, F, width). */
function convolutions(g: GraphBuilder, mel: Value): Value {
  const type = mel.type === 'float16' ? 'float16' : 'float32';
  const conv = (x: Value, name: string, stride: number) => {
    const inputs = [x, weight(g, `${name}.weight`, 3, type), weight(g, `${name}.bias`, 1, type)];
    return gelu(g, g.op('Conv', inputs, { kernel_shape: [3], pads: [1, 1], strides: [stride] }));
  };
  const narrow = conv(conv(mel, 'model.encoder.conv1', 1), 'model.encoder.conv2', 2);
  const x = transpose(g, narrow, [0, 2, 1]);
  const positions = weight(g, 'model.encoder.embed_positions.weight', 2, type);
  return add(g, x, slice(g, positions, 0, 0, sizeOf(g, x, 1)));
}

function encoderLayer(
  g: GraphBuilder,
  x: Value,
  layer: number,
  config: WhisperConfig,
  precision: Precision,
): Value {
  const name = `model.encoder.layers.${layer}`;
  const attended = add(g, x, selfAttention(g, x, name, config, precision));
  const h = layerNorm(g, attended, `${name}.final_layer_norm`);
  const wide = gelu(g, linear(g, h, `${name}.fc1`, precision));
  return add(g, attended, linear(g, wide, `${name}.fc2`, precision, { fine: true }));
}

function selfAttention(
  g: GraphBuilder,
  x: Value,
  name: string,
  config: WhisperConfig,
  precision: Precision,
): Value {
  const h = layerNorm(g, x, `${name}.self_attn_layer_norm`);
  const q = linear(g, h, `${name}.self_attn.q_proj`, precision);
  const k = linear(g, h, `${name}.self_attn.k_proj`, precision, { bias: false });
  const v = linear(g, h, `${name}.self_attn.v_proj`, precision, { fine: true });
  const attended = g.op('MultiHeadAttention', [q, k, v], { num_heads: config.encoder.heads });
  return linear(g, attended, `${name}.self_attn.out_proj`, precision, { fine: true });
}
