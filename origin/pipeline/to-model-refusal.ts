import { SttException } from '#shared/errors.ts';

const RETRY_SECONDS = 10;
/** Waiting does not help; a setting may, or another machine. */
const RETRY_TOO_LARGE_SECONDS = 600;

/** What the ledger says of a lease → what a request hears of its model. Names of other services stay inside. */
export function toModelRefusal(
  cause: SttException,
  { model, neededMib }: { readonly model: string; readonly neededMib: number },
): SttException {
  const { error } = cause;
  const kind = 'no_memory_for_model';
  const soon = { isTooLarge: false, retryAfterSeconds: RETRY_SECONDS };
  switch (error.kind) {
    case 'no_gpu_memory': {
      const { neededMib: planned, room } = error;
      const found = { model, neededMib: planned, roomMib: room.roomMib, ...soon };
      return new SttException({ kind, ...found }, { cause });
    }
    case 'lease_too_large': {
      const never = { isTooLarge: true, retryAfterSeconds: RETRY_TOO_LARGE_SECONDS };
      const found = { model, neededMib: error.neededMib, roomMib: error.limitMib, ...never };
      return new SttException({ kind, ...found }, { cause });
    }
    case 'timeout':
      return new SttException({ kind, model, neededMib, roomMib: null, ...soon }, { cause });
    default:
      return cause;
  }
}
