import { toOneLine } from '#shared/format/scripts.ts';

/** A speaker before what is said, as whisperX writes it: `[SPEAKER_00]:`. */
export function speakerLabel(speaker: string): string {
  return `[${toOneLine(speaker)}]:`;
}
