/** The recordings with known text: the project's own, and those that lie beside it where they are present. */

import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';

export interface TimedWord {
  readonly word: string;
  readonly startSeconds: number;
  readonly endSeconds: number;
  /** Where speakers were asked for. */
  readonly speaker?: string;
}

export interface Clip {
  readonly name: string;
  readonly path: string;
  readonly language: string;
  readonly text: string;
  /** Reference word times; null where none are known. */
  readonly words: readonly TimedWord[] | null;
}

const FIXTURES = fileURLToPath(new URL('../../fixtures/', import.meta.url));
const SHARED_AUDIO = fileURLToPath(new URL('../../../../shared/audio/', import.meta.url));

/** Said in the recording; its word times are not known. */
const JFK_TEXT =
  'And so, my fellow Americans, ask not what your country can do for you, ask what you can do for your country.';

/** `words.json` times the words of these; the others there carry speakers instead. */
const TIMED_CLIPS = ['de.wav', 'es.wav', 'fr.wav', 'en_quilter.wav'];

const Manifest = z.record(z.string(), z.object({ language: z.string(), text: z.string() }));
const TimedClip = z.object({
  language: z.string(),
  transcript: z.string(),
  words: z.array(z.tuple([z.string(), z.number(), z.number()])),
});

/** The committed recordings in test/fixtures. */
export function fixtureClips(): Clip[] {
  const manifest = Manifest.parse(readJson(`${FIXTURES}manifest.json`));
  return Object.entries(manifest).map(([name, { language, text }]) => ({
    name,
    path: FIXTURES + name,
    language,
    text,
    words: null,
  }));
}

/** Real recordings from ../shared/audio; empty, with a printed reason, where that folder is absent. */
export function sharedClips(): Clip[] {
  if (!existsSync(`${SHARED_AUDIO}words.json`)) {
    console.error('skipped: the recordings of ../shared/audio are not on this machine');
    return [];
  }
  const all = z.record(z.string(), z.unknown()).parse(readJson(`${SHARED_AUDIO}words.json`));
  const timed = TIMED_CLIPS.map((name) => {
    const { language, transcript, words } = TimedClip.parse(all[name]);
    const times = words.map(([word, startSeconds, endSeconds]) => ({
      word,
      startSeconds,
      endSeconds,
    }));
    return { name, path: SHARED_AUDIO + name, language, text: transcript, words: times };
  });
  const jfk = { name: 'jfk.flac', path: `${SHARED_AUDIO}jfk.flac`, language: 'en', text: JFK_TEXT };
  return [...timed, { ...jfk, words: null }];
}

/** Conversations and read speech from ../shared/audio, for long recordings; empty where that folder is absent. */
export function realRecordings(): string[] {
  const names = ['two_speakers.wav', 'ami_dev00.wav', 'ami_dev01.wav', 'ami_trn03.wav'];
  const all = [...names, 'ami_trn04.wav', 'ami_trn05.wav', ...TIMED_CLIPS, 'jfk.flac'];
  return all.map((name) => SHARED_AUDIO + name).filter((path) => existsSync(path));
}

/** A conversation whose words have speakers. */
export interface SpokenClip {
  readonly name: string;
  readonly path: string;
  readonly language: string;
  /** In order: a word, a sentence or more at a time. */
  readonly said: readonly { readonly speaker: string; readonly text: string }[];
}

const Dialogue = z.object({
  language: z.string(),
  turns: z.array(z.object({ speaker: z.string(), text: z.string() })),
});
const TaggedWords = z.object({
  language: z.string(),
  words: z.array(z.tuple([z.string(), z.number()])),
});

/** Conversations with known words and speakers: the fixture, and a real one where ../shared/audio is present. */
export function spokenClips(): SpokenClip[] {
  const { language, turns } = Dialogue.parse(
    z.record(z.string(), z.unknown()).parse(readJson(`${FIXTURES}manifest.json`))[DIALOGUE],
  );
  const fixture = { name: DIALOGUE, path: FIXTURES + DIALOGUE, language, said: turns };
  if (!existsSync(`${SHARED_AUDIO}words.json`)) return [fixture];
  const all = z.record(z.string(), z.unknown()).parse(readJson(`${SHARED_AUDIO}words.json`));
  const tagged = TaggedWords.parse(all[THREE_SPEAKERS]);
  const said = tagged.words.map(([text, speaker]) => ({ speaker: String(speaker), text }));
  const path = SHARED_AUDIO + THREE_SPEAKERS;
  return [fixture, { name: THREE_SPEAKERS, path, language: tagged.language, said }];
}

const DIALOGUE = 'en_dialogue.flac';
const THREE_SPEAKERS = 'diarization_3speakers.wav';

/** @throws where no clip has that name, with the names there are. */
export function clipNamed(name: string): Clip {
  const clips = [...fixtureClips(), ...sharedClips()];
  const found = clips.find((clip) => clip.name === name);
  if (found) return found;
  throw new Error(`no clip ${name}: there are ${clips.map((clip) => clip.name).join(', ')}`);
}

function readJson(path: string): unknown {
  return JSON.parse(readFileSync(path, 'utf8'));
}
