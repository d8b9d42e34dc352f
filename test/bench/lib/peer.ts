/** A Python program that keeps its model loaded and transcribes when a line on its stdin says so. */

import readline from 'node:readline';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { failure, startChild, stopChild } from '#test/bench/lib/child-processes.ts';
import type { Transcription } from '#test/bench/lib/contender.ts';

export interface Peer {
  /** As it names itself, e.g. {"faster-whisper": "1.2.1"}. */
  readonly versions: Readonly<Record<string, string>>;
  readonly loadSeconds: number;
  readonly pid: number;
  run(request: PeerRequest): Promise<Transcription>;
  stop(): Promise<void>;
}

export interface PeerRequest {
  readonly file: string;
  readonly mode: string;
  readonly language?: string | undefined;
}

export interface PeerOptions {
  /** File in test/bench/peers. */
  readonly script: string;
  readonly python: string;
  /** CTranslate2 directory. */
  readonly model: string;
  readonly threads: number;
}

const Ready = z.object({
  ready: z.literal(true),
  load_seconds: z.number(),
  versions: z.record(z.string(), z.string()),
});
const Failed = z.object({ error: z.string() });
const Done = z.object({
  seconds: z.number(),
  text: z.string(),
  language: z.string().nullable(),
  words: z.array(z.object({ word: z.string(), start: z.number(), end: z.number() })).optional(),
});

/** Resolves when the model is loaded. @throws where Python ends before that; its stderr is shown. */
export async function startPeer(options: PeerOptions): Promise<Peer> {
  const script = fileURLToPath(new URL(`../peers/${options.script}`, import.meta.url));
  const child = startChild(
    options.python,
    [script, '--model', options.model, '--threads', String(options.threads)],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  );
  const ended = failure(child, options.script);
  ended.catch(() => undefined);
  const lines = readline.createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  const nextLine = async (): Promise<unknown> => {
    const line = await Promise.race([lines.next(), ended]);
    if (line.done) return ended;
    return JSON.parse(line.value);
  };
  const ready = Ready.parse(await nextLine());
  let id = 0;
  return {
    versions: ready.versions,
    loadSeconds: ready.load_seconds,
    pid: child.pid!,
    async run(request) {
      id += 1;
      child.stdin!.write(`${JSON.stringify({ id, ...request })}\n`);
      return toTranscription(await nextLine(), options.script);
    },
    stop: () => stopChild(child),
  };
}

function toTranscription(line: unknown, script: string): Transcription {
  const failed = Failed.safeParse(line);
  if (failed.success) throw new Error(`${script}: ${failed.data.error}`);
  const { seconds, text, language, words } = Done.parse(line);
  const timed = words?.map(({ word, start, end }) => ({
    word,
    startSeconds: start,
    endSeconds: end,
  }));
  return { seconds, text, language, words: timed ?? null };
}
