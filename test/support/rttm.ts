/** A speaker's turn, in seconds. */
export interface RttmTurn {
  readonly speaker: string;
  readonly startSeconds: number;
  readonly endSeconds: number;
}

/** Turns of one recording of an RTTM file: `SPEAKER id channel start duration <NA> <NA> name …`. */
export function parseRttm(text: string, recording: string): RttmTurn[] {
  return text
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[0] === 'SPEAKER' && fields[1] === recording)
    .map((fields) => {
      const startSeconds = Number(fields[3]);
      const endSeconds = startSeconds + Number(fields[4]);
      const speaker = fields[7];
      if (speaker === undefined || !(endSeconds >= startSeconds)) {
        throw new Error(`not a turn: ${fields.join(' ')}`);
      }
      return { speaker, startSeconds, endSeconds };
    });
}

/** The same turns as RTTM. */
export function formatRttm(turns: readonly RttmTurn[], recording: string): string {
  return turns
    .map(({ speaker, startSeconds, endSeconds }) => {
      const times = `${startSeconds.toFixed(3)} ${(endSeconds - startSeconds).toFixed(3)}`;
      return `SPEAKER ${recording} 1 ${times} <NA> <NA> ${speaker} <NA> <NA>\n`;
    })
    .join('');
}
