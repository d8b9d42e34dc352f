import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { GpuStatus } from '#shared/contracts/gpu-leases.ts';
import { GPU_A } from '#test/support/fake-nvidia-smi.ts';
import { APP_KEY, type GpuOrigin, INTERNAL_KEY, startGpuOrigin } from '#test/support/gpu-origin.ts';
import { ManualClock } from '#test/support/manual-clock.ts';
import { newDemand } from '#test/support/new-lease.ts';
import { hasPython, type PythonProgram, startPython } from '#test/support/python-program.ts';
import { useTempDirs } from '#test/support/temp-dir.ts';

const CLIENT_DIR = join(import.meta.dirname, '../../origin/vram/clients/python');
const isThere = await hasPython();
if (!isThere) console.warn('mana_gpu_lease.py is not tested: there is no python3 here');

const makeDir = useTempDirs();
let origin: GpuOrigin<ManualClock>;
let programs: PythonProgram[];

beforeEach(async () => {
  programs = [];
  origin = await startGpuOrigin({ dataDir: makeDir(), clock: new ManualClock() });
});

afterEach(async () => {
  for (const { process } of programs) process.kill('SIGKILL');
  await origin.stop();
});

const IMPORT = `
from mana_gpu_lease import *
ledger = GpuLedger(owner="mana-tts")
`;

function python(script: string, environment: Record<string, string> = {}): PythonProgram {
  const program = startPython(`${IMPORT}${script}`, {
    ...{ PYTHONPATH: CLIENT_DIR, MANA_GPU_URL: origin.url, MANA_GPU_KEY: INTERNAL_KEY },
    ...environment,
  });
  programs.push(program);
  return program;
}

async function status(): Promise<GpuStatus> {
  const headers = { 'X-API-Key': INTERNAL_KEY };
  return (await (await fetch(`${origin.url}/v1/gpu`, { headers })).json()) as GpuStatus;
}

/** Fulfils when the ledger looks like that. */
async function seen(looks: (found: GpuStatus) => boolean): Promise<GpuStatus> {
  for (;;) {
    const found = await status();
    if (looks(found)) return found;
  }
}

describe.skipIf(!isThere)('mana_gpu_lease.py', () => {
  it('holds a lease for the time of a block', async () => {
    const program = python(`
with ledger.lease("f5", mib=6000, target="cuda/float16", wait=5) as lease:
    lease.loaded()
    say([lease.mib, lease.device, ledger.device_index(lease.device)])
    input()
say(ledger.status()["leases"])
`);
    expect(await program.next()).toEqual([6000, GPU_A, 0]);
    expect((await status()).leases).toMatchObject([
      {
        ...{ owner: 'mana-tts', model: 'f5', target: 'cuda/float16', in_use: true, loaded: true },
        pid: program.process.pid,
      },
    ]);
    program.go();
    expect(await program.next()).toEqual([]);
    expect(await program.ended()).toBe(0);
  });

  it('releases when the block fails', async () => {
    const program = python(`
try:
    with ledger.lease("f5", mib=6000):
        raise ValueError("no such voice")
except ValueError as error:
    say([str(error), ledger.status()["leases"]])
`);
    expect(await program.next()).toEqual(['no such voice', []]);
  });

  it('releases at the end of the program', async () => {
    const program = python('lease = ledger.lease("f5", mib=6000).acquire()\nsay(1)');
    await program.next();
    expect(await program.ended()).toBe(0);
    expect((await status()).leases).toEqual([]);
  });

  it('leaves the lease of a killed program to its time', async () => {
    const program = python(`
lease = ledger.lease("f5", mib=6000, ttl=5).acquire()
say(1)
input()
`);
    await program.next();
    program.process.kill('SIGKILL');
    await program.ended();
    expect((await status()).leases).toHaveLength(1);
    origin.clock.advance(5000);
    expect((await status()).leases).toEqual([]);
  });

  it('keeps a lease alive by heartbeats', async () => {
    const program = python(`
with ledger.lease("f5", mib=6000, ttl=5) as lease:
    say(1)
    input()
`);
    await program.next();
    origin.clock.advance(4000);
    const { leases } = await seen(({ leases: [lease] }) => lease?.expires_at !== isoOf(5000));
    expect(leases).toMatchObject([{ expires_at: isoOf(9000) }]);
    program.go();
    expect(await program.ended()).toBe(0);
  });

  it('says who would have to go', async () => {
    await origin.vram.manager.acquire(newDemand({ mib: 20_000 }), { waitMs: 0 });
    const program = python(`
try:
    ledger.lease("f5", mib=6000).acquire()
except NoMemory as error:
    say([str(error), error.status, error.blockers])
`);
    expect(await program.next()).toEqual([
      expect.stringContaining('tts/f5 (20000 MiB, in use)'),
      503,
      [{ owner: 'tts', model: 'f5', mib: 20_000, priority: 5, in_use: true }],
    ]);
  });

  it('waits for room', async () => {
    const first = await origin.vram.manager.acquire(newDemand({ mib: 20_000 }), { waitMs: 0 });
    const program = python('lease = ledger.lease("f5", mib=6000, wait=60).acquire()\nsay(1)');
    await seen(({ waiting }) => waiting.length === 1);
    origin.vram.manager.release(first.id);
    expect(await program.next()).toBe(1);
  });

  it('lets go when it is idle and somebody else wants the room', async () => {
    const program = python(`
def let_go(lease):
    say("asked")
    lease.release()
lease = ledger.lease("f5", mib=20000, ttl=5, on_release=let_go).acquire()
lease.loaded()
lease.idle()
say("idle")
input()
try:
    with lease.use():
        say("used")
except LeaseLost as error:
    say(error.code)
`);
    expect(await program.next()).toBe('idle');
    const other = origin.vram.manager.acquire(newDemand({ mib: 20_000 }), { waitMs: 100_000 });
    expect(await program.next()).toBe('asked');
    expect(await other).toMatchObject({ mib: 20_000 });
    program.go();
    expect(await program.next()).toBe('lease_ended');
  });

  it('begins no use while it lets go', async () => {
    const program = python(`
import threading
begun = threading.Event()
def let_go(lease):
    begun.set()
    say("unloading")
    input()
    lease.release()
lease = ledger.lease("f5", mib=20000, ttl=5, on_release=let_go).acquire()
lease.idle()
say("idle")
begun.wait()
try:
    with lease.use():
        say("used")
except LeaseLost:
    say("gone")
`);
    expect(await program.next()).toBe('idle');
    const other = origin.vram.manager.acquire(newDemand({ mib: 20_000 }), { waitMs: 100_000 });
    expect(await program.next()).toBe('unloading');
    program.go();
    expect(await program.next()).toBe('gone');
    expect(await other).toMatchObject({ mib: 20_000 });
  });

  it('is in use inside of overlapping blocks, idle after the last', async () => {
    const program = python(`
lease = ledger.lease("f5", mib=6000).acquire()
def is_used():
    return ledger.status()["leases"][0]["in_use"]
lease.idle()
found = [is_used()]
with lease.use():
    with lease.use():
        found.append(is_used())
    found.append(is_used())
found.append(is_used())
say(found)
`);
    expect(await program.next()).toEqual([false, true, true, false]);
  });

  it('tells of a lease that is no more, and takes a new one', async () => {
    const program = python(`
lease = ledger.lease("f5", mib=6000, on_lost=lambda lease: say("lost")).acquire()
say(lease.id)
input()
try:
    with lease.use():
        say("never")
except LeaseLost as error:
    input()
    say([error.code, error.status, lease.is_lost])
lease.release()
lease.acquire()
say(len(ledger.status()["leases"]))
`);
    origin.vram.manager.release(String(await program.next()));
    program.go();
    expect(await program.next()).toBe('lost');
    program.go();
    expect(await program.next()).toEqual(['lease_ended', 410, true]);
    expect(await program.next()).toBe(1);
  });

  it('refuses to take a lease twice, and forgives a second release', async () => {
    const program = python(`
lease = ledger.lease("f5", mib=6000).acquire()
try:
    lease.acquire()
except RuntimeError as error:
    say(str(error))
lease.release()
lease.release()
say(ledger.status()["leases"])
`);
    expect(await program.next()).toBe('this lease is taken already');
    expect(await program.next()).toEqual([]);
  });

  it.each([
    ['a wrong key', { MANA_GPU_KEY: 'wrong' }, [401, 'unauthenticated']],
    ['no key', { MANA_GPU_KEY: '' }, [401, 'unauthenticated']],
    ['the key of an app', { MANA_GPU_KEY: APP_KEY }, [403, 'forbidden']],
    ['a port where nobody listens', { MANA_GPU_URL: 'http://127.0.0.1:9' }, [0, 'unreachable']],
  ])('fails clearly with %s', async (_what, environment, [code, kind]) => {
    const program = python(FAILING, environment);
    expect(await program.next()).toEqual([code, kind]);
  });

  it.each([
    ['<html>proxy</html>', 200],
    ['<html>proxy</html>', 502],
    ['[]', 200],
    ['', 302],
  ])('takes an answer of %j with status %i for none', async (body, code) => {
    const other = createServer((_request, response) => {
      response.writeHead(code, { Location: origin.url }).end(body);
    });
    await once(other.listen(0, '127.0.0.1'), 'listening');
    const port = (other.address() as AddressInfo).port;
    const program = python(FAILING, { MANA_GPU_URL: `http://127.0.0.1:${port}` });
    expect(await program.next()).toEqual([0, 'unreachable']);
    other.close();
    other.closeAllConnections();
  });

  it('is one file that Python 3.8 reads, with the standard library only', async () => {
    const program = python(`
import ast, sys
source = open("${CLIENT_DIR}/mana_gpu_lease.py").read()
tree = ast.parse(source, feature_version=(3, 8))
nodes = [node for node in ast.walk(tree) if isinstance(node, (ast.Import, ast.ImportFrom))]
names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
names += [node.module for node in nodes if isinstance(node, ast.ImportFrom)]
known = getattr(sys, "stdlib_module_names", None)
say([] if known is None else [name for name in names if name.split(".")[0] not in known])
`);
    expect(await program.next()).toEqual([]);
  });
});

const FAILING = `
try:
    ledger.lease("f5", mib=6000).acquire()
except LedgerError as error:
    say([error.status, error.code])
`;

function isoOf(ms: number): string {
  return new Date(ms).toISOString();
}
