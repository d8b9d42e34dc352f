/** A form's body that can be sent more than once: to the same machine after its line was cut, or to another one. */
export interface RepeatableBody {
  /** With its boundary. */
  readonly contentType: string;
  /** Null while nobody knows. */
  readonly sizeBytes: number | null;
  /**
   * From its beginning. One reader at a time: a further call ends the stream of the one before.
   * @throws SttException upload_too_large, upload_stalled, client_gone, internal when it is gone
   */
  open(): Promise<ReadableStream<Uint8Array>>;
  /** False: what was read of it is gone. Absent: never. */
  canRepeat?(): boolean;
  /**
   * Since when its reader has had bytes, or the whole of it, before it and did nothing; null while more is waited for
   * from the client. Absent where nobody knows. Milliseconds since 1970.
   */
  waitingSinceMs?(): number | null;
  /** What is wrong with the upload itself; whatever its reader did or answered is a consequence. */
  fault(): Error | null;
}
