/**
 * Lets one waiter be told of a fault that arises elsewhere. In place of `Promise.race` with a promise that lives as
 * long as the request: every race would stay registered there and keep its value, here each chunk of an upload.
 */
export class Interrupt {
  #reason: { readonly error: Error } | null = null;
  #reject: ((error: Error) => void) | null = null;

  /** The first reason counts. It reaches whoever waits now or next. */
  trigger(error: Error): void {
    this.#reason ??= { error };
    this.#reject?.(this.#reason.error);
  }

  /**
   * Waits for the work or the interruption, whichever comes first. One waiter at a time.
   * @throws the reason, or what the work rejects with
   */
  async wait<Value>(work: Promise<Value>): Promise<Value> {
    try {
      return await new Promise<Value>((resolve, reject) => {
        work.then(resolve, reject);
        this.#reject = reject;
        if (this.#reason !== null) {
          reject(this.#reason.error);
        }
      });
    } finally {
      this.#reject = null;
    }
  }
}
