/** Recordings of which it is known who speaks when. */

import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { parseRttm, type RttmTurn } from '#test/support/rttm.ts';

export interface DiarizationClip {
  readonly name: string;
  readonly path: string;
  readonly turns: readonly RttmTurn[];
}

const FIXTURES = fileURLToPath(new URL('../../fixtures/', import.meta.url));
const SHARED_AUDIO = fileURLToPath(new URL('../../../../shared/audio/', import.meta.url));

/** trn01 and trn02 hold almost no speech by the reference. */
export const AMI_CLIPS = ['dev00', 'dev01', 'trn03', 'trn04', 'trn05'] as const;
export const AMI_QUIET_CLIPS = ['trn01', 'trn02'] as const;

const Manifest = z.object({
  'en_dialogue.flac': z.object({
    turns: z.array(z.object({ speaker: z.string(), start: z.number(), end: z.number() })),
  }),
});

/** The committed dialogue of two synthetic voices. */
export function dialogueClip(): DiarizationClip {
  const manifest = Manifest.parse(JSON.parse(readFileSync(`${FIXTURES}manifest.json`, 'utf8')));
  const turns = manifest['en_dialogue.flac'].turns.map(({ speaker, start, end }) => ({
    speaker,
    startSeconds: start,
    endSeconds: end,
  }));
  return { name: 'en_dialogue.flac', path: `${FIXTURES}en_dialogue.flac`, turns };
}

/** Whether ../shared/audio is there. */
export function hasSharedAudio(): boolean {
  return existsSync(`${SHARED_AUDIO}ami.rttm`);
}

/** 30 s of a telephone call, from ../shared/audio. */
export function telephoneClip(): DiarizationClip {
  return sharedClip('two_speakers.wav', 'two_speakers.rttm', 'sample');
}

/** 30 s of a meeting, from ../shared/audio. */
export function meetingClip(recording: string): DiarizationClip {
  return sharedClip(`ami_${recording}.wav`, 'ami.rttm', recording);
}

function sharedClip(name: string, rttm: string, recording: string): DiarizationClip {
  const turns = parseRttm(readFileSync(SHARED_AUDIO + rttm, 'utf8'), recording);
  return { name, path: SHARED_AUDIO + name, turns };
}
