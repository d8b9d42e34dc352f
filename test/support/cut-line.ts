/** A TCP line between two programs that a test can cut: the tunnel between edge and origin. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface CutLine {
  /** Where the near end listens. */
  readonly url: string;
  /** Connections that were made so far. */
  connections(): number;
  /** Bytes that went towards the far end so far. */
  sentBytes(): number;
  /** Ends every connection and takes no more: those who call are refused. */
  cut(): void;
  /** Nothing goes through any more in either direction, and nobody is told: new connections hang as well. */
  hush(): void;
  /** As before; what hung goes on. */
  restore(): void;
  /** Another far end from now on. */
  leadTo(port: number): void;
  /** Resolves at the first moment when this holds; looked at whenever bytes move. */
  until(holds: () => boolean): Promise<void>;
  close(): Promise<void>;
}

/** @param port of the far end, on this machine */
export async function layLine(port: number): Promise<CutLine> {
  const pairs = new Set<readonly [near: Socket, far: Socket]>();
  const watchers = new Set<() => void>();
  let state: 'open' | 'cut' | 'hushed' = 'open';
  let farPort = port;
  let sent = 0;
  let made = 0;
  const server = createServer((near) => {
    if (state === 'cut') return void near.resetAndDestroy();
    made += 1;
    const far = connect(farPort, '127.0.0.1');
    const pair = [near, far] as const;
    pairs.add(pair);
    for (const [one, other] of [pair, [far, near] as const]) {
      one.on('error', () => {});
      one.on('close', () => {
        other.destroy();
        pairs.delete(pair);
      });
      one.on('data', (chunk: Buffer) => {
        if (one === near) sent += chunk.length;
        if (!other.write(chunk)) one.pause();
        for (const look of watchers) look();
      });
      other.on('drain', () => {
        if (state === 'open') one.resume();
      });
      one.on('end', () => other.end());
    }
    if (state === 'hushed') for (const socket of pair) socket.pause();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const each = (act: (socket: Socket) => void) => {
    for (const pair of pairs) for (const socket of pair) act(socket);
  };
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    connections: () => made,
    sentBytes: () => sent,
    cut: () => {
      state = 'cut';
      each((socket) => socket.resetAndDestroy());
    },
    hush: () => {
      state = 'hushed';
      each((socket) => socket.pause());
    },
    restore: () => {
      state = 'open';
      each((socket) => socket.resume());
    },
    leadTo: (newPort) => {
      farPort = newPort;
    },
    until: (holds) =>
      new Promise((resolve) => {
        const look = () => {
          if (!holds()) return;
          watchers.delete(look);
          resolve();
        };
        watchers.add(look);
        look();
      }),
    close: async () => {
      each((socket) => socket.destroy());
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
