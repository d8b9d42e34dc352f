/**
 * Whether a chunk of a recording is first tried with greedy search. Where greedy is sure of its words, beam search
 * finds the same ones at twice the time; where it is not, the attempt is lost. So a recording whose chunks keep failing
 * goes straight to beams.
 */
export class SearchPlan {
  #share = 1;

  /** Greedy takes about half the time of five beams: it pays while more than half of the attempts succeed. */
  get greedyFirst(): boolean {
    return this.#share > 0.5;
  }

  /** Takes in whether an attempt was sure. */
  note(wasSure: boolean): void {
    this.#share += ((wasSure ? 1 : 0) - this.#share) * LATEST_WEIGHT;
  }
}

/** Two failures in a row end the attempts; a later chunk is never tried again, since nothing would tell of a change. */
const LATEST_WEIGHT = 0.3;
