/** Forms as well-behaved clients send them. */

/** 1000 bytes that only the transcriber would look at. */
export const RECORDING = new File([new Uint8Array(1000)], 'hello.wav', { type: 'audio/wav' });

/** A form with the fields in the order given. */
export function form(...fields: readonly [name: string, value: string | Blob][]): FormData {
  const data = new FormData();
  for (const [name, value] of fields) {
    data.append(name, value);
  }
  return data;
}
