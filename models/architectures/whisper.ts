/** Whisper as three graphs over one file of weights: encoder, decoder, and language detector where it has languages. */
import type { Architecture } from '../architecture.ts';
import type { ModelBuilder } from '../onnx/model-builder.ts';
import { readWhisperConfig } from './whisper-config.ts';
import { buildWhisperDecoder } from './whisper-decoder.ts';
import { buildWhisperEncoder } from './whisper-encoder.ts';
import { buildWhisperLanguageDetector } from './whisper-language.ts';

export const WHISPER: Architecture = {
  name: 'whisper',
  sideFiles: ['config.json', 'generation_config.json', 'tokenizer.json'],
  graphs(sourceDir, precision, { exposeLogMel = false }) {
    const config = readWhisperConfig(sourceDir);
    const encoder = {
      name: 'encoder',
      fill: (model: ModelBuilder) =>
        buildWhisperEncoder(model, config, precision, { exposeLogMel }),
    };
    const decoder = {
      name: 'decoder',
      fill: (model: ModelBuilder) => buildWhisperDecoder(model, config, precision),
    };
    const language = {
      name: 'language',
      fill: (model: ModelBuilder) => buildWhisperLanguageDetector(model, config, precision),
    };
    return config.languages.length > 0 ? [encoder, decoder, language] : [encoder, decoder];
  },
};
