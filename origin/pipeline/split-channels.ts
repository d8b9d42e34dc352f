/** A recording with one speaker on each channel: every channel is transcribed alone, and is a speaker of its own. */
import { joinTexts } from '#origin/align/unspaced-scripts.ts';
import { countChannels } from '#origin/audio/count-channels.ts';
import { DECODE_TIMEOUT_SECONDS } from '#origin/pipeline/decode-upload.ts';
import { type FileTools, transcribeFile } from '#origin/pipeline/transcribe-file.ts';
import type { TranscribeRequest } from '#origin/pipeline/transcriber.ts';
import type {
  Coverage,
  LanguageShare,
  Segment,
  Speaker,
  SpeakerTurn,
  Transcript,
} from '#shared/contracts/transcript.ts';
import { SttException } from '#shared/errors.ts';

/** Each channel takes as long as a recording of its own. */
const MAX_CHANNELS = 8;

/** @throws SttException `invalid_fields` for a recording of more channels than can be split. */
export async function transcribeChannels(
  request: TranscribeRequest,
  tools: FileTools,
): Promise<Transcript> {
  const { path, signal } = request;
  const timeoutMs = DECODE_TIMEOUT_SECONDS * 1000;
  const count = await countChannels(path, { signal, timeoutMs });
  if (count > MAX_CHANNELS) throw tooManyChannels(count);
  const channels: Transcript[] = [];
  for (let channel = 0; channel < count; channel += 1) {
    const alone = { ...request, options: { ...request.options, diarize: false } };
    channels.push(await transcribeFile(withProgress(alone, channel, count), tools, channel));
  }
  const merged = mergeChannels(channels);
  if (count > 1) return merged;
  const warning = 'The recording has one channel only, so all of it is one speaker.';
  return { ...merged, warnings: [...merged.warnings, warning] };
}

/** Transcripts of one recording's channels → one, in order of time. */
export function mergeChannels(channels: readonly Transcript[]): Transcript {
  const [first] = channels;
  if (first === undefined) throw new RangeError('a recording has at least one channel');
  const labelled = channels.map((transcript, channel) => ({
    transcript,
    label: `SPEAKER_${String(channel).padStart(2, '0')}`,
  }));
  const segments = labelled
    .flatMap(({ transcript, label }) => transcript.segments.map((it) => ofSpeaker(it, label)))
    .sort((a, b) => a.startSeconds - b.startSeconds);
  const spoken = channels.filter(({ text }) => text !== '');
  return {
    ...first,
    text: joinTexts(segments.map(({ text }) => text)),
    language: longest(spoken, first).language,
    languages: mergeLanguages(spoken.length > 0 ? spoken : [first]),
    durationSeconds: Math.max(...channels.map(({ durationSeconds }) => durationSeconds)),
    segments,
    hasWordTimes: channels.every(({ hasWordTimes }) => hasWordTimes),
    diarization: {
      speakers: labelled.map(({ transcript, label }) => toSpeaker(transcript, label)),
      turns: segments.map(toTurn),
    },
    coverage: mergeCoverage(channels.map(({ coverage }) => coverage)),
    warnings: [...new Set(channels.flatMap(({ warnings }) => warnings))],
    // One clock runs through all channels.
    timingsMs: channels.at(-1)?.timingsMs ?? {},
  };
}

function tooManyChannels(count: number): SttException {
  const message = `the recording has ${count} channels; at most ${MAX_CHANNELS} can be transcribed alone. Send channels=mix.`;
  return new SttException({
    kind: 'invalid_fields',
    faults: [{ field: 'channels', message, type: 'value_error' }],
  });
}

/** Channels come one after another, each with its share of the progress. */
function withProgress(
  request: TranscribeRequest,
  channel: number,
  count: number,
): TranscribeRequest {
  const { onProgress } = request;
  if (onProgress === undefined) return request;
  return {
    ...request,
    onProgress: ({ doneSeconds, totalSeconds }) =>
      onProgress({ doneSeconds: (channel * totalSeconds + doneSeconds) / count, totalSeconds }),
  };
}

function ofSpeaker(segment: Segment, speaker: string): Segment {
  const label = { speaker, speakerConfidence: 1 };
  return { ...segment, ...label, words: segment.words.map((word) => ({ ...word, ...label })) };
}

function toTurn({ speaker = '', startSeconds, endSeconds }: Segment): SpeakerTurn {
  return { speaker, startSeconds, endSeconds };
}

function toSpeaker({ coverage }: Transcript, label: string): Speaker {
  return { label, speechSeconds: coverage.speechSeconds };
}

function longest(spoken: readonly Transcript[], fallback: Transcript): Transcript {
  const bySpeech = spoken.toSorted((a, b) => b.coverage.speechSeconds - a.coverage.speechSeconds);
  return bySpeech[0] ?? fallback;
}

/** Each channel counts by its speech. */
function mergeLanguages(channels: readonly Transcript[]): LanguageShare[] {
  const shares = new Map<string, number>();
  const total = channels.reduce((sum, { coverage }) => sum + coverage.speechSeconds, 0);
  for (const { languages, coverage } of channels) {
    const weight = total > 0 ? coverage.speechSeconds / total : 1 / channels.length;
    for (const { language, probability } of languages) {
      shares.set(language, (shares.get(language) ?? 0) + weight * probability);
    }
  }
  return [...shares]
    .map(([language, probability]) => ({ language, probability }))
    .sort((a, b) => b.probability - a.probability);
}

function mergeCoverage(channels: readonly Coverage[]): Coverage {
  const sum = (pick: (coverage: Coverage) => number) =>
    channels.reduce((total, coverage) => total + pick(coverage), 0);
  return {
    speechSeconds: sum(({ speechSeconds }) => speechSeconds),
    transcribedSeconds: sum(({ transcribedSeconds }) => transcribedSeconds),
    recovered: channels.flatMap(({ recovered }) => recovered),
    missing: channels.flatMap(({ missing }) => missing),
  };
}
