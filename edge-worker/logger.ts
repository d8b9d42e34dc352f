/** One JSON object a line, which Workers Logs takes apart. Numbers and names only: never text, bytes or keys. */

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

export type LogEntry = Readonly<Record<string, string | number | boolean | null | undefined>>;

export type EdgeLogger = (level: LogLevel, msg: string, entry?: LogEntry) => void;

/** Writes to the runtime's console. */
export const consoleLogger: EdgeLogger = (level, msg, entry = {}) => {
  console[level](JSON.stringify({ level, msg, ...entry }));
};
