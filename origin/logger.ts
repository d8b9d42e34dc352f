import { type DestinationStream, type Logger as PinoLogger, pino } from 'pino';
import type { OriginConfig } from '#origin/config.ts';

/** JSON lines, one an event. Never holds what a file says, its bytes, or a key. */
export type Logger = PinoLogger;

/**
 * Makes the log of the process.
 * @param destination standard output unless given
 */
export function createLogger(
  level: OriginConfig['logLevel'],
  destination?: DestinationStream,
): Logger {
  const options = {
    level,
    base: { service: 'mana-stt' },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    // A second fence: nothing below logs headers, and if something ever does, keys stay out.
    redact: ['headers.authorization', 'headers["x-api-key"]', 'headers.cookie'],
  };
  return destination === undefined ? pino(options) : pino(options, destination);
}
