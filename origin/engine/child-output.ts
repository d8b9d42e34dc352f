import { once } from 'node:events';
import type { Readable } from 'node:stream';

/** Where the engine's parts write; pino's loggers fit. */
export interface EngineLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** Longest line of the child's output that is kept, in characters. */
const MAX_LINE_LENGTH = 2000;
/** Lines a second that are passed on; a native library in trouble can write thousands. */
const MAX_LINES_PER_SECOND = 50;
/** Last lines kept to explain a crash. */
const KEPT_LINES = 10;

/** Passes lines of the child's output on, cut and rate-limited; keeps the last few to explain its end. */
export class ChildOutput {
  readonly #log: EngineLog;
  readonly #now: () => number;
  #lastLines: string[] = [];
  #secondBegan = 0;
  #linesThisSecond = 0;
  #dropped = 0;

  constructor(log: EngineLog, now: () => number) {
    this.#log = log;
    this.#now = now;
  }

  /** Reads `stream` to its end, and fulfils then. */
  async follow(stream: Readable | null, source: 'stdout' | 'stderr'): Promise<void> {
    if (stream === null) return;
    let partial = '';
    stream.setEncoding('utf8');
    stream.on('data', (text: string) => {
      const lines = (partial + text).split('\n');
      partial = (lines.pop() ?? '').slice(0, MAX_LINE_LENGTH);
      for (const line of lines) this.#line(line, source);
    });
    stream.on('end', () => this.#line(partial, source));
    await once(stream, 'close');
  }

  lastLines(): string {
    return this.#lastLines.join('\n');
  }

  #line(text: string, source: string): void {
    const line = text.trimEnd().slice(0, MAX_LINE_LENGTH);
    if (line === '') return;
    this.#lastLines = [...this.#lastLines, line].slice(-KEPT_LINES);
    if (this.#now() - this.#secondBegan >= 1000) this.#newSecond();
    this.#linesThisSecond += 1;
    if (this.#linesThisSecond > MAX_LINES_PER_SECOND) {
      this.#dropped += 1;
      return;
    }
    this.#log[source === 'stderr' ? 'warn' : 'info']({ source, line }, 'engine output');
  }

  #newSecond(): void {
    if (this.#dropped > 0) this.#log.warn({ dropped: this.#dropped }, 'engine output dropped');
    this.#secondBegan = this.#now();
    this.#linesThisSecond = 0;
    this.#dropped = 0;
  }
}
