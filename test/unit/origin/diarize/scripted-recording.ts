import { SpeakerCollector } from '#origin/diarize/collector.ts';
import type { DiarizeOptions } from '#origin/diarize/options.ts';
import type { VoiceStretch } from '#origin/diarize/stretches.ts';

/** `[voice, start, end]`, in seconds. */
export type ScriptedTurn = readonly [voice: number, startSeconds: number, endSeconds: number];

const FRAMES = 293;
const STEP = 270;
const WINDOW = 80_000;
const DIMENSIONS = 48;

/** Numbers 0..1 that look random, the same every time. */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0 || 1;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Unit vector of a voice, with noise: stretches of one voice have cosines of about 0.8, of two about 0. */
export function voiceVector(voice: number, random: () => number): Float32Array {
  const vector = Float32Array.from({ length: DIMENSIONS }, (_, i) => {
    return (i === voice ? 1 : 0) + (0.5 * (random() - 0.5) * 3.46) / Math.sqrt(DIMENSIONS);
  });
  const length = Math.hypot(...vector);
  return vector.map((value) => value / length);
}

/** The collector after a recording in which everybody talks as written; local speakers change places at random. */
export function record(
  turns: readonly ScriptedTurn[],
  seconds: number,
  options: Partial<DiarizeOptions> = {},
): { collector: SpeakerCollector; totalSamples: number; stretches: VoiceStretch[] } {
  const random = randomNumbers(7);
  const totalSamples = Math.round(seconds * 16_000);
  const collector = new SpeakerCollector(options);
  const stretches: VoiceStretch[] = [];
  for (
    let start = 0;
    start === 0 || start * STEP + WINDOW < totalSamples + 74 * STEP;
    start += 74
  ) {
    stretches.push(...collector.add(windowAt(start, turns, totalSamples, random)));
  }
  stretches.push(...collector.end());
  for (const stretch of stretches) {
    collector.embedded(stretch.id, voiceVector(mainVoice(stretch, turns), random));
  }
  return { collector, totalSamples, stretches };
}

function windowAt(
  startFrame: number,
  turns: readonly ScriptedTurn[],
  totalSamples: number,
  random: () => number,
) {
  const from = (startFrame * STEP) / 16_000;
  const heard = turns.filter(([, start, end]) => start < from + 5 && end > from);
  const voices = [...new Set(heard.map(([voice]) => voice))].slice(0, 3);
  const shift = Math.floor(random() * 3);
  const activations = new Float32Array(FRAMES * 3);
  for (const [voice, start, end] of heard) {
    const local = (voices.indexOf(voice) + shift) % 3;
    if (!voices.includes(voice)) continue;
    for (let frame = 0; frame < FRAMES; frame += 1) {
      const time = ((startFrame + frame) * STEP + 495) / 16_000;
      if (time >= start && time < end) activations[frame * 3 + local] = 0.97;
    }
  }
  const sampleCount = Math.max(0, Math.min(WINDOW, totalSamples - startFrame * STEP));
  return { startFrame, sampleCount, activations, speakers: 3 };
}

function mainVoice({ ranges }: VoiceStretch, turns: readonly ScriptedTurn[]): number {
  const seconds = new Map<number, number>();
  for (const { startSample, sampleCount } of ranges) {
    const [from, to] = [startSample / 16_000, (startSample + sampleCount) / 16_000];
    for (const [voice, start, end] of turns) {
      const shared = Math.max(0, Math.min(end, to) - Math.max(start, from));
      seconds.set(voice, (seconds.get(voice) ?? 0) + shared);
    }
  }
  return [...seconds].sort((a, b) => b[1] - a[1])[0]?.[0] ?? 0;
}
