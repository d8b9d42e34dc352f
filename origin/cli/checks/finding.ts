/** What a check of the machine found, and how it is told. */
import { stripVTControlCharacters } from 'node:util';

/** `warning`: it works, but less well than it could. `fault`: the service will not start or will refuse work. */
export type FindingState = 'ok' | 'warning' | 'fault';

export interface Finding {
  /** What was looked at, e.g. `port`. */
  readonly check: string;
  readonly state: FindingState;
  /** What was found, as one sentence without a full stop. */
  readonly message: string;
  /** What to do; absent when nothing is wrong. */
  readonly action?: string;
}

export function ok(check: string, message: string): Finding {
  return { check, state: 'ok', message };
}

export function warning(check: string, message: string, action: string): Finding {
  return { check, state: 'warning', message, action };
}

export function fault(check: string, message: string, action: string): Finding {
  return { check, state: 'fault', message, action };
}

export function hasFault(findings: readonly Finding[]): boolean {
  return findings.some(({ state }) => state === 'fault');
}

/** One line for each finding, what to do below it, and a last line that counts. */
export function renderFindings(findings: readonly Finding[]): string {
  const width = Math.max(0, ...findings.map(({ check }) => check.length));
  const lines = findings.flatMap(({ check, state, message, action }) => {
    const line = `${state.padEnd(8)} ${check.padEnd(width)}  ${message}`;
    return action === undefined ? [line] : [line, `${' '.repeat(width + 11)}→ ${action}`];
  });
  const text = [...lines, '', countLine(findings), ''].join('\n');
  // Output of other programs may be part of a message.
  return stripVTControlCharacters(text);
}

function countLine(findings: readonly Finding[]): string {
  const count = (state: FindingState) => findings.filter((f) => f.state === state).length;
  return `${count('ok')} ok, ${count('warning')} warnings, ${count('fault')} faults`;
}
