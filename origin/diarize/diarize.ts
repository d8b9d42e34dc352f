/**
 * Who speaks when: windows of the segmentation model and voice vectors → speakers and turns.
 *
 *     const collector = new SpeakerCollector();
 *     for each window: embed(collector.add(window))
 *     embed(collector.end())                       // embed: collector.embedded(id, vector) for each stretch
 *     const { diarization, warnings } = finishDiarization(collector, { totalSamples });
 */
import { assignVoices } from '#origin/diarize/assign-voices.ts';
import type { SpeakerCollector } from '#origin/diarize/collector.ts';
import { frameCountOf, frameStartSample } from '#origin/diarize/frame-geometry.ts';
import { type KnownVoice, type NamedVoice, nameVoices } from '#origin/diarize/known-speakers.ts';
import { reconstruct } from '#origin/diarize/reconstruct.ts';
import { speakerCounts } from '#origin/diarize/speaker-counts.ts';
import type { FrameTurn } from '#origin/diarize/turn-builder.ts';
import { findVoices, type Voices, withoutPhantoms } from '#origin/diarize/voices.ts';
import type { Diarization, Speaker, SpeakerTurn } from '#shared/contracts/transcript.ts';

/** What a collector holds when every stretch has its vector. */
export type Collected = Pick<SpeakerCollector, 'windows' | 'stretches' | 'geometry' | 'options'>;

export interface FinishOptions {
  readonly totalSamples: number;
  /** Exactly so many; goes before the other two. */
  readonly numSpeakers?: number | undefined;
  readonly minSpeakers?: number | undefined;
  readonly maxSpeakers?: number | undefined;
  readonly knownSpeakers?: readonly KnownVoice[] | undefined;
}

export interface DiarizationResult {
  /** Every speaker has an embedding, unless there is speech but none long enough for one. */
  readonly diarization: Diarization;
  /** Plain sentences: wishes that could not be met. */
  readonly warnings: readonly string[];
}

/**
 * Finds the speakers and their turns, once every stretch has its vector. The same input gives the same answer.
 *
 * @throws RangeError for counts of speakers that are no whole numbers from 1 on, or a least above the most.
 */
export function finishDiarization(collected: Collected, options: FinishOptions): DiarizationResult {
  const { windows, stretches, geometry } = collected;
  const limits = { ...collected.options, geometry };
  const count = speakerCounts(options);
  const frameCount = frameCountOf(options.totalSamples, geometry);
  const turnsOf = (heard: Voices): FrameTurn[] => {
    const speakerOf = assignVoices(windows, stretches, heard);
    if (heard.centroids.length === 0) giveAllToOne(speakerOf, windows);
    const speakers = Math.max(1, heard.centroids.length);
    return reconstruct(windows, speakerOf, { speakers, frameCount }, limits);
  };
  const found = findVoices(windows, stretches, limits, count);
  const firstTurns = turnsOf(found);
  const voices = withoutPhantoms(found, firstTurns, limits, stretches, count.min);
  const turns = voices === found ? firstTurns : turnsOf(voices);
  const named = nameVoices(voices.centroids, options.knownSpeakers ?? [], limits.knownSimilarity);
  const toSeconds = (frame: number) =>
    Math.min(frameStartSample(frame, geometry), options.totalSamples) / geometry.sampleRate;
  const diarization = describe(turns, voices.centroids, named, toSeconds);
  return { diarization, warnings: warningsOf(diarization.speakers.length, count.min) };
}

/** Speech too short for any vector: the most active local speakers are one voice. */
function giveAllToOne(
  speakerOf: readonly Int32Array[],
  windows: SpeakerCollector['windows'],
): void {
  for (const [w, { tracks }] of windows.entries()) {
    for (const [local, track] of tracks.entries()) if (track >= 0) speakerOf[w]![local] = 0;
  }
}

function describe(
  turns: readonly FrameTurn[],
  centroids: readonly Float32Array[],
  named: readonly (NamedVoice | null)[],
  toSeconds: (frame: number) => number,
): Diarization {
  const inOrder = [...turns].sort((a, b) => a.startFrame - b.startFrame || a.speaker - b.speaker);
  const voices = [...new Set(inOrder.map(({ speaker }) => speaker))];
  const labels = labelsOf(voices, named);
  const timed = inOrder.map(({ speaker, startFrame, endFrame }): SpeakerTurn => {
    const [startSeconds, endSeconds] = [toSeconds(startFrame), toSeconds(endFrame)];
    return { speaker: labels.get(speaker)!, startSeconds, endSeconds };
  });
  const speakers = voices.map((voice): Speaker => {
    const label = labels.get(voice)!;
    const mine = timed.filter(({ speaker }) => speaker === label);
    const speechSeconds = mine.reduce((sum, turn) => sum + turn.endSeconds - turn.startSeconds, 0);
    const [centroid, name] = [centroids[voice], named[voice]];
    return {
      label,
      speechSeconds,
      ...(name && { similarity: name.similarity }),
      ...(centroid && { embedding: [...centroid] }),
    };
  });
  return { speakers, turns: timed };
}

/** Names, and numbers for the rest by first appearance; a number that is somebody's name is left out. */
function labelsOf(
  voices: readonly number[],
  named: readonly (NamedVoice | null)[],
): Map<number, string> {
  const taken = new Set(named.map((voice) => voice?.name));
  const labels = new Map<number, string>();
  let number = 0;
  for (const voice of voices) {
    let label = named[voice]?.name;
    while (label === undefined) {
      const next = `SPEAKER_${String(number).padStart(2, '0')}`;
      number += 1;
      if (!taken.has(next)) label = next;
    }
    labels.set(voice, label);
  }
  return labels;
}

function warningsOf(found: number, wanted: number): string[] {
  if (found >= wanted) return [];
  const asked = wanted === 1 ? '1 speaker was' : `${wanted} speakers were`;
  return [`${asked} asked for, but speech of only ${found} could be told apart.`];
}
