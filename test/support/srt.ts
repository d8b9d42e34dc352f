/** Reads SubRip as players do, apart from what we write it with: blocks between empty lines. */
export interface SrtBlock {
  readonly index: number;
  readonly startMs: number;
  readonly endMs: number;
  readonly lines: readonly string[];
}

/** @throws Error for anything that is not a block */
export function readSrt(text: string): SrtBlock[] {
  const blocks = text.split('\n\n').filter((block) => block !== '');
  return blocks.map((block) => {
    const [index = '', times = '', ...lines] = block.split('\n');
    const match = TIMES.exec(times);
    if (!/^\d+$/.test(index) || match === null) throw new Error(`not a block: ${block}`);
    const [start = '', end = ''] = match.slice(1);
    return { index: Number(index), startMs: toMs(start), endMs: toMs(end), lines };
  });
}

const TIMES = /^(\d{2,}:[0-5]\d:[0-5]\d,\d{3}) --> (\d{2,}:[0-5]\d:[0-5]\d,\d{3})$/;

function toMs(clock: string): number {
  const [hours = 0, minutes = 0, seconds = 0, ms = 0] = clock.split(/[:,]/).map(Number);
  return ((hours * 60 + minutes) * 60 + seconds) * 1000 + ms;
}
