/** Reads WebVTT by the rules of its specification, as far as our files go; Chromium reads them in test/browser. */
export interface VttCue {
  readonly startMs: number;
  readonly endMs: number;
  /** Empty without one. */
  readonly speaker: string;
  /** Without tags, entities read. */
  readonly text: string;
  /** Times inside the text. */
  readonly wordTimesMs: readonly number[];
}

/** @throws Error for anything that is not a cue */
export function readVtt(file: string): VttCue[] {
  const [head, ...blocks] = file.split(/\n\n+/).filter((block) => block !== '');
  if (head !== 'WEBVTT') throw new Error(`not the head of a WebVTT file: ${head}`);
  return blocks.map(readCue);
}

function readCue(block: string): VttCue {
  const [times = '', ...lines] = block.split('\n');
  const match = new RegExp(`^(${CLOCK}) --> (${CLOCK})$`).exec(times);
  if (match === null || lines.length === 0) throw new Error(`not a cue: ${block}`);
  const payload = lines.join('\n');
  if (payload.includes('-->')) throw new Error(`an arrow inside a cue: ${block}`);
  const tags = [...payload.matchAll(/<([^>]*)>/g)].map(([, tag]) => tag ?? '');
  const clocks = tags.filter((tag) => new RegExp(`^${CLOCK}$`).test(tag));
  const voice = tags.find((tag) => tag.startsWith('v '));
  if (tags.length > clocks.length + (voice === undefined ? 0 : 1)) {
    throw new Error(`foreign tags in a cue: ${block}`);
  }
  return {
    startMs: toMs(match[1] ?? ''),
    endMs: toMs(match[2] ?? ''),
    speaker: readEntities(voice?.slice(2) ?? ''),
    text: readEntities(payload.replaceAll(/<[^>]*>/g, '')),
    wordTimesMs: clocks.map(toMs),
  };
}

const CLOCK = '\\d{2,}:[0-5]\\d:[0-5]\\d\\.\\d{3}';

function toMs(clock: string): number {
  const [hours = 0, minutes = 0, seconds = 0, ms = 0] = clock.split(/[:.]/).map(Number);
  return ((hours * 60 + minutes) * 60 + seconds) * 1000 + ms;
}

function readEntities(text: string): string {
  return text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');
}
