/**
 * node test/bench/edge-upload.ts: 100 MB through `wrangler dev` to an origin that throws them away. Prints how much
 * the resident sets of workerd grow, with and without a Content-Length.
 */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { processTree } from '#test/bench/lib/process-memory.ts';
import { startEdge } from '#test/support/running-edge.ts';

const HEAD = '--x\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n';
const TAIL = '\r\n--x--\r\n';
const CHUNK = new Uint8Array(64 * 1024);
const CHUNKS = 1600;
const BODY_BYTES = HEAD.length + CHUNK.length * CHUNKS + TAIL.length;

const sink = createServer((incoming, answer) => {
  let bytes = 0;
  incoming.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
  });
  incoming.on('end', () => answer.setHeader('Content-Type', 'application/json').end(`${bytes}`));
});
sink.listen(0, '127.0.0.1');
await once(sink, 'listening');
const { port } = sink.address() as AddressInfo;
const edge = await startEdge({ ORIGINS: `sink=http://127.0.0.1:${port}` });
try {
  await (await fetch(`${edge.url}/`)).text();
  console.log('| body | workerds | s | RSS before MiB | peak MiB | grows MiB |');
  console.log('| --- | --- | --- | --- | --- | --- |');
  for (const hasLength of [true, false, true, false, true, false]) {
    console.log(await measure(hasLength));
  }
} finally {
  await edge.stop();
  sink.close();
}

async function measure(hasLength: boolean): Promise<string> {
  // wrangler runs its own proxy in one and the Worker in another: both count.
  const workers = processTree(edge.pid).filter(isWorkerd);
  const total = (field: string) => workers.reduce((sum, pid) => sum + mebibytes(pid, field), 0);
  const before = total('VmRSS');
  const startedMs = performance.now();
  const result = await upload(hasLength);
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(2);
  if (result !== `200 ${BODY_BYTES}`) throw new Error(`the sink got ${result} of ${BODY_BYTES}`);
  const peak = total('VmHWM');
  const numbers = [before, peak, peak - before].map((mib) => mib.toFixed(1));
  const kind = hasLength ? 'with' : 'without';
  return `| ${kind} Content-Length | ${workers.length} | ${seconds} | ${numbers.join(' | ')} |`;
}

/** The kernel's own high-water mark misses nothing between two samples. */
function mebibytes(pid: number, field: string): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) / 1024;
}

function isWorkerd(pid: number): boolean {
  return readFileSync(`/proc/${pid}/comm`, 'utf8').startsWith('workerd');
}

async function upload(hasLength: boolean): Promise<string> {
  const sent = request(`${edge.url}/transcribe`, {
    method: 'POST',
    headers: {
      'Content-Type': 'multipart/form-data; boundary=x',
      ...(hasLength && { 'Content-Length': BODY_BYTES }),
    },
  });
  const answered = once(sent, 'response');
  sent.write(HEAD);
  for (let index = 0; index < CHUNKS; index += 1) {
    if (!sent.write(CHUNK)) await once(sent, 'drain');
  }
  sent.end(TAIL);
  const [response] = await answered;
  let text = '';
  for await (const chunk of response) text += String(chunk);
  return `${response.statusCode} ${text}`;
}
