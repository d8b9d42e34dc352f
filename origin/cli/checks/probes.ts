/** How the checks look at the machine; tests bring their own. */
export interface Probes {
  readonly platform: string;
  /** As Node names it: `x64`, `arm64`. */
  readonly arch: string;
  readonly nodeVersion: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Runs a program to its end; null where it cannot be started. */
  run(program: string, args: readonly string[]): Promise<ProgramResult | null>;
  /** Text of a small file; null where it cannot be read. */
  readText(path: string): string | null;
  exists(path: string): boolean;
  /** Bytes. `available` counts what the system can free at once. */
  memory(): { readonly totalBytes: number; readonly availableBytes: number };
  /** Bytes that may still be written to the disk of the nearest folder that exists; null where unknown. */
  freeDiskBytes(path: string): Promise<number | null>;
  /** Makes the folder and writes a small file there; the system's code (`EACCES` …) where that fails. */
  tryToWrite(folder: string): Promise<string | null>;
  /** Listens for a moment; the system's code (`EADDRINUSE` …) where that fails. */
  tryToListen(host: string, port: number): Promise<string | null>;
  /** The JSON that a GET gives; null where none comes within a few seconds. */
  getJson(url: string, headers?: Readonly<Record<string, string>>): Promise<unknown>;
  /** Who asks; null where the system has no such thing. */
  readonly userId: number | null;
  /** Owner and permission bits of a file or folder; null where there is none, or no such thing. */
  owner(path: string): FileOwner | null;
  /** The time by the `Date` of what a GET answers, and by our own clock at that moment, in ms since 1970; null without one. */
  compareClocks(url: string): Promise<{ readonly theirs: number; readonly ours: number } | null>;
}

export interface FileOwner {
  readonly userId: number;
  /** The last nine bits, e.g. 0o750. */
  readonly permissions: number;
}

export interface ProgramResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}
