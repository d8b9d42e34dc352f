/** A speaker's turn in grid frames, `[startFrame, endFrame)`. */
export interface FrameTurn {
  readonly speaker: number;
  readonly startFrame: number;
  readonly endFrame: number;
}

interface Limits {
  readonly minTurnFrames: number;
  readonly minPauseFrames: number;
}

/** Frames with the speakers who talk in them → turns. Short pauses are filled first, then short turns are dropped. */
export class TurnBuilder {
  readonly #limits: Limits;
  /** First frame of each speaker's open turn, -1 for none. */
  readonly #start: Int32Array;
  /** After the last frame in which the speaker talks. */
  readonly #end: Int32Array;
  readonly #turns: FrameTurn[] = [];

  constructor(speakers: number, limits: Limits) {
    this.#limits = limits;
    this.#start = new Int32Array(speakers).fill(-1);
    this.#end = new Int32Array(speakers);
  }

  /** @param isActive 1 for each speaker who talks in the frame. */
  push(frame: number, isActive: Uint8Array): void {
    for (let speaker = 0; speaker < isActive.length; speaker += 1) {
      if (!isActive[speaker]) continue;
      if (
        this.#start[speaker]! >= 0 &&
        frame - this.#end[speaker]! >= this.#limits.minPauseFrames
      ) {
        this.#close(speaker);
      }
      if (this.#start[speaker]! < 0) this.#start[speaker] = frame;
      this.#end[speaker] = frame + 1;
    }
  }

  /** By speaker, then by time. */
  end(frameCount: number): FrameTurn[] {
    for (let speaker = 0; speaker < this.#start.length; speaker += 1) {
      if (this.#start[speaker]! >= 0) this.#close(speaker);
    }
    return this.#turns
      .filter(({ startFrame }) => startFrame < frameCount)
      .sort((a, b) => a.speaker - b.speaker || a.startFrame - b.startFrame);
  }

  #close(speaker: number): void {
    const [startFrame, endFrame] = [this.#start[speaker]!, this.#end[speaker]!];
    this.#start[speaker] = -1;
    if (endFrame - startFrame < this.#limits.minTurnFrames) return;
    this.#turns.push({ speaker, startFrame, endFrame });
  }
}
