/** Why there is no vLLM, in words for the operator. */
import { explainFailure } from '#origin/voxtral/log-progress.ts';
import type { VllmExit } from '#origin/voxtral/vllm-process.ts';

/** The system's code, such as ENOTDIR, where it has one. */
export function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  return 'code' in error ? String(error.code) : error.name;
}

export function describeExit({ code, signal, cause, lastLines }: VllmExit): string {
  const how = signal === null ? `code ${code}` : `signal ${signal}`;
  const advice = explainFailure(lastLines);
  const said = cause === null ? `vllm ended with ${how}` : `vllm was ended, because ${cause}`;
  return advice === null ? said : `${said}: ${advice}`;
}
