/** A stretch of text as Mistral cut it: a sentence, or a word. */
export interface Piece {
  readonly text: string;
  readonly startSeconds: number;
  readonly endSeconds: number;
  /** 0..1; null where Mistral gives none. */
  readonly score: number | null;
  readonly speaker: string | null;
}
