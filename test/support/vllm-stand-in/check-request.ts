/** What vLLM refuses. Sources: entrypoints/openai/speech_to_text.py, PR 44970, daymade/claude-code-skills PR 257. */
import type { Form } from '#test/support/vllm-stand-in/read-form.ts';
import { SAMPLE_RATE } from '#test/support/vllm-stand-in/spoken-words.ts';

export interface Refusal {
  readonly status: number;
  readonly message: string;
  readonly type: string;
}

export interface Audio {
  readonly samples: Float32Array;
  readonly seconds: number;
}

const MAX_BYTES = 25 * 1024 ** 2;
const MAX_SECONDS = 600;
/** ISO 639-1, those that the tests use and a few more. */
const LANGUAGES = 'ar de en es fr hi it ja ko nl pt ru zh pl sv da uk cs tr el'.split(' ');

export function checkRequest(
  { fields, file }: Form,
  { model, maxModelLen }: { readonly model: string; readonly maxModelLen: number },
): Refusal | Audio {
  if (file === null) return bad('Field required: file', 422);
  if (fields['model'] !== undefined && fields['model'] !== model) {
    return {
      status: 404,
      message: `The model \`${fields['model']}\` does not exist.`,
      type: 'NotFoundError',
    };
  }
  const format = fields['response_format'] ?? 'json';
  if (format === 'verbose_json') return bad(`Currently do not support verbose_json for ${model}`);
  if (!['json', 'text'].includes(format)) {
    return bad('Currently only support response_format `text`, `json` or `verbose_json`');
  }
  const { language } = fields;
  if (language !== undefined && !LANGUAGES.includes(language))
    return bad(`Unsupported language: '${language}'.`);
  if (Number.isNaN(Number(fields['temperature'] ?? '0')))
    return bad('temperature must be a number');
  if (file.byteLength > MAX_BYTES) return bad('Maximum file size exceeded');
  const audio = readWav(file);
  // 0.15 said so with status 200.
  if (audio === null)
    return { status: 200, message: 'Invalid or unsupported audio file.', type: 'BadRequestError' };
  if (audio.seconds > MAX_SECONDS) return bad('Audio duration exceeds the maximum of 600 s');
  if (audio.seconds / 0.08 >= maxModelLen)
    return bad("This model's maximum context length is exceeded");
  return audio;
}

function bad(message: string, status = 400): Refusal {
  return { status, message, type: 'BadRequestError' };
}

/** 16-bit mono at 16 kHz only: anything else is not what we mean to send. */
function readWav(file: Buffer): Audio | null {
  const isWav =
    file.toString('latin1', 0, 4) === 'RIFF' && file.toString('latin1', 8, 16) === 'WAVEfmt ';
  if (!isWav || file.readUInt16LE(20) !== 1 || file.readUInt16LE(22) !== 1) return null;
  if (file.readUInt32LE(24) !== SAMPLE_RATE || file.readUInt16LE(34) !== 16) return null;
  if (file.readUInt32LE(4) !== file.byteLength - 8) return null;
  if (file.toString('latin1', 36, 40) !== 'data' || file.readUInt32LE(40) !== file.byteLength - 44)
    return null;
  const samples = new Float32Array((file.byteLength - 44) / 2);
  for (let i = 0; i < samples.length; i += 1) samples[i] = file.readInt16LE(44 + 2 * i) / 32_767;
  return { samples, seconds: samples.length / SAMPLE_RATE };
}
