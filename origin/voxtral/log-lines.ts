/** The output of vLLM as lines, bounded: in length, in lines a second that go to our log, in lines kept for a failure. */
import type { Readable } from 'node:stream';
import type { EngineLog } from '#origin/engine/child-output.ts';
import type { Clock } from '#origin/engine/clock.ts';

/** Longest line that is kept, in characters. */
const MAX_LINE_LENGTH = 2000;
const MAX_LINES_PER_SECOND = 20;
/** A traceback of Python with its message at the end. */
const KEPT_LINES = 60;
/** Colours and other orders to a terminal. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they begin with the control character ESC.
const TERMINAL_ORDERS = /\u001b\[[0-9;?]*[A-Za-z]/g;

export class LogLines {
  readonly #log: EngineLog;
  readonly #clock: Clock;
  readonly #onLine: (line: string) => void;
  #kept: string[] = [];
  #secondBegan = Number.NEGATIVE_INFINITY;
  #linesThisSecond = 0;
  #dropped = 0;

  /** @param onLine is told of every line, also of those that do not go to the log. */
  constructor(log: EngineLog, clock: Clock, onLine: (line: string) => void) {
    this.#log = log;
    this.#clock = clock;
    this.#onLine = onLine;
  }

  /** Progress bars end their lines with CR. A line without end is cut where it becomes too long. */
  follow(stream: Readable): void {
    let partial = '';
    stream.setEncoding('utf8');
    stream.on('data', (text: string) => {
      const lines = (partial + text).split(/[\r\n]+/);
      partial = lines.pop() ?? '';
      for (const line of lines) this.#take(line);
      if (partial.length > MAX_LINE_LENGTH) {
        this.#take(partial);
        partial = '';
      }
    });
    stream.on('end', () => this.#take(partial));
    // What cannot be read any more is no reason to fail.
    stream.on('error', () => undefined);
  }

  lastLines(): string {
    return this.#kept.join('\n');
  }

  #take(text: string): void {
    const line = text.replaceAll(TERMINAL_ORDERS, '').trim().slice(0, MAX_LINE_LENGTH);
    if (line === '') return;
    this.#kept.push(line);
    if (this.#kept.length > KEPT_LINES) this.#kept.shift();
    this.#onLine(line);
    if (this.#clock.now() - this.#secondBegan >= 1000) this.#newSecond();
    this.#linesThisSecond += 1;
    if (this.#linesThisSecond > MAX_LINES_PER_SECOND) this.#dropped += 1;
    else this.#log.info({ line }, 'vllm');
  }

  #newSecond(): void {
    if (this.#dropped > 0) this.#log.info({ dropped: this.#dropped }, 'vllm wrote more');
    this.#secondBegan = this.#clock.now();
    this.#linesThisSecond = 0;
    this.#dropped = 0;
  }
}
