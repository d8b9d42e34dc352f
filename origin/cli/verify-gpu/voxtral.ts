/** What of Voxtral only a machine with a GPU and vLLM can show, one finding after the other. */
import { type Finding, fault, ok, warning } from '#origin/cli/checks/finding.ts';
import { compareWords, describeShare, isFaithful } from '#origin/cli/verify-gpu/compare-words.ts';
import type { Speech } from '#origin/cli/verify-gpu/speech.ts';
import { tileSpeech } from '#origin/cli/verify-gpu/tile-speech.ts';
import type { EngineLog } from '#origin/engine/child-output.ts';
import { transcribePiece } from '#origin/voxtral/client.ts';
import type { SleepLevel, VllmControl } from '#origin/voxtral/control.ts';
import type { VoxtralFailure } from '#origin/voxtral/failure.ts';
import type { ServerAddress } from '#origin/voxtral/server.ts';
import type { VllmSupervisor } from '#origin/voxtral/supervisor.ts';
import { transcribeVoxtral } from '#origin/voxtral/transcribe-voxtral.ts';
import { ok as done, type Result } from '#shared/result.ts';

export interface VoxtralWorld {
  readonly vllm: VllmSupervisor;
  readonly control: VllmControl;
  readonly timeoutMs: number;
  /** Longest wait for a start. */
  readonly startMs: number;
  readonly short: readonly Speech[];
  readonly long: Speech;
  readonly readUsedMib: () => Promise<number | null>;
  /** Milliseconds, never backwards. */
  readonly now: () => number;
  readonly log: EngineLog;
}

/** Stops vLLM at the end, whatever happens. Ends early when vLLM does not start. */
export async function* verifyVoxtral(world: VoxtralWorld): AsyncGenerator<Finding, void> {
  const emptyMib = await world.readUsedMib();
  try {
    const start = await checkStart(world, emptyMib);
    yield start;
    if (start.state === 'fault') return;
    yield await checkVersion(world);
    for (const speech of world.short) {
      yield await checkText(world, speech, false);
      yield await checkText(world, speech, true);
    }
    yield await checkLong(world);
    yield await checkLeaving(world);
    yield await checkSleep(world, 1);
    yield await checkSleep(world, 2);
    yield await checkKill(world);
  } finally {
    await world.vllm.stop();
  }
  yield await checkStop(world, emptyMib);
}

async function checkStart(world: VoxtralWorld, emptyMib: number | null): Promise<Finding> {
  const { vllm, now } = world;
  const begun = now();
  const result = await use(world, async () => done(null));
  if (!result.ok) {
    const reason = vllm.status().reason ?? result.error.kind;
    return fault(
      'start',
      `vLLM did not start: ${reason}`,
      'read the lines of vLLM in the log file named above',
    );
  }
  const usedMib = await world.readUsedMib();
  const taken =
    usedMib === null || emptyMib === null ? 'memory unknown' : `${usedMib - emptyMib} MiB`;
  return ok('start', `${vllm.model.repository} was ready after ${took(now() - begun)}, ${taken}`);
}

/** Before 0.20 the realtime model is unknown; before 0.24 a large body could exhaust the memory (CVE-2026-55646). */
async function checkVersion(world: VoxtralWorld): Promise<Finding> {
  const version = await world.control.version();
  const [major = 0, minor = 0] = (version ?? '')
    .split('.')
    .map((part) => Number.parseInt(part, 10));
  if (version === null)
    return warning('version', 'vLLM does not tell its version', 'look at its log');
  if (major > 0 || minor >= 24) return ok('version', `vLLM ${version}`);
  return warning(
    'version',
    `vLLM ${version}`,
    'install 0.24 or later, which closes CVE-2026-55646',
  );
}

async function checkText(world: VoxtralWorld, speech: Speech, stream: boolean): Promise<Finding> {
  const check = `${stream ? 'stream' : 'JSON'} ${speech.language}`;
  const begun = world.now();
  let deltas = 0;
  const result = await hear(world, speech, {
    stream,
    onDelta: () => {
      deltas += 1;
    },
  });
  if (!result.ok) return failed(check, result.error);
  const share = compareWords(speech.text, result.value);
  const message = `${describeShare(share)}, ${took(world.now() - begun)}${stream ? `, ${deltas} deltas` : ''}`;
  if (!isFaithful(share))
    return fault(check, message, `the text was: ${result.value.slice(0, 200)}`);
  return stream && deltas < 2
    ? warning(check, message, 'the text came in one piece: watchdogs for streams cannot work')
    : ok(check, message);
}

const REPETITIONS = 6;

/** Pieces at the same time, cuts inside speech, joined again. */
async function checkLong(world: VoxtralWorld): Promise<Finding> {
  const recording = tileSpeech(world.long, REPETITIONS);
  const begun = world.now();
  const result = await transcribeVoxtral(recording, {
    server: world.vllm,
    settings: { timeoutMs: world.timeoutMs, maxPieceSeconds: 60, concurrency: 4 },
    signal: new AbortController().signal,
    log: world.log,
  });
  if (!result.ok) return failed('long', result.error);
  const seconds = (world.now() - begun) / 1000;
  const audioSeconds = recording.totalSamples / 16_000;
  const { pieces, text, warnings } = result.value;
  const share = compareWords(`${world.long.text} `.repeat(REPETITIONS), text);
  const speed = `${audioSeconds.toFixed(0)} s of audio in ${seconds.toFixed(1)} s, ${(audioSeconds / seconds).toFixed(0)} times as fast`;
  const message = `${pieces.length} pieces, ${describeShare(share)}, ${speed}`;
  if (!isFaithful(share)) return fault('long', message, 'compare the pieces in the log');
  return warnings.length === 0 ? ok('long', message) : warning('long', message, warnings.join(' '));
}

/** A client that left has crashed vLLM before (34532). */
async function checkLeaving(world: VoxtralWorld): Promise<Finding> {
  const [speech] = world.short;
  if (speech === undefined) return warning('leaving', 'no recording', 'restore test/fixtures');
  const { crashes } = world.vllm.status();
  const caller = new AbortController();
  await hear(world, speech, { stream: true, signal: caller.signal, onDelta: () => caller.abort() });
  const next = await hear(world, speech, { stream: true });
  if (!next.ok) return failed('leaving', next.error);
  return world.vllm.status().crashes === crashes
    ? ok('leaving', 'a request goes well after one whose caller left')
    : fault('leaving', 'vLLM ended when a caller left', 'install a later vLLM');
}

async function checkSleep(world: VoxtralWorld, level: SleepLevel): Promise<Finding> {
  const check = `sleep ${level}`;
  const [speech] = world.short;
  const { control, now, readUsedMib } = world;
  const before = await readUsedMib();
  const begun = now();
  if (!(await control.sleep(level))) {
    return fault(check, 'vLLM refused to sleep', 'set VLLM_IDLE_ACTION=stop');
  }
  const asleep = now();
  const after = await readUsedMib();
  if (!(await control.wake(level))) {
    return fault(
      check,
      'vLLM did not wake up',
      `set VLLM_IDLE_ACTION=${level === 1 ? 'stop' : 'sleep-1'}`,
    );
  }
  const awake = now();
  const freed = before === null || after === null ? null : before - after;
  const message = `asleep after ${took(asleep - begun)}, awake after ${took(awake - asleep)}, ${freed === null ? 'memory unknown' : `${freed} MiB came back`}`;
  const result = speech === undefined ? null : await hear(world, speech, { stream: true });
  if (result !== null && !result.ok) return failed(check, result.error);
  if (
    result !== null &&
    speech !== undefined &&
    !isFaithful(compareWords(speech.text, result.value))
  ) {
    return fault(check, `${message}; afterwards it wrote nonsense`, 'do not use this level');
  }
  if (freed === null)
    return warning(check, message, 'make nvidia-smi work, so that the service can check this');
  return freed >= 0.7 * world.vllm.model.weightsMib
    ? ok(check, message)
    : warning(
        check,
        message,
        'the service will end vLLM instead; VLLM_IDLE_ACTION=stop saves the attempt',
      );
}

async function checkKill(world: VoxtralWorld): Promise<Finding> {
  const { vllm, now } = world;
  const { pid } = vllm.status();
  if (pid === null) return fault('kill', 'there is no process', 'read the log file');
  const begun = now();
  process.kill(pid, 'SIGKILL');
  // The next use may come before the loss is noticed; the one after it waits for the new process.
  await use(world, async () => done(null));
  const [speech] = world.short;
  const result = speech === undefined ? null : await hear(world, speech, { stream: true });
  const again =
    result?.ok === false ? await hear(world, speech as Speech, { stream: true }) : result;
  if (again !== null && !again.ok) return failed('kill', again.error);
  return ok('kill', `vLLM was killed and answered again after ${took(now() - begun)}`);
}

const SMALL_REST_MIB = 500;

async function checkStop(world: VoxtralWorld, emptyMib: number | null): Promise<Finding> {
  const usedMib = await world.readUsedMib();
  if (usedMib === null || emptyMib === null) {
    return warning('stop', 'vLLM was ended; memory unknown', 'make nvidia-smi work');
  }
  const rest = usedMib - emptyMib;
  const message = `vLLM was ended, ${rest} MiB more in use than at the beginning`;
  return rest <= SMALL_REST_MIB
    ? ok('stop', message)
    : fault('stop', message, 'look with nvidia-smi who holds it');
}

interface Hear {
  readonly stream: boolean;
  readonly signal?: AbortSignal;
  readonly onDelta?: () => void;
}

function hear(
  world: VoxtralWorld,
  { samples, language }: Speech,
  { stream, signal = new AbortController().signal, onDelta }: Hear,
): Promise<Result<string, VoxtralFailure>> {
  const { vllm, timeoutMs } = world;
  return use(world, (address) =>
    transcribePiece(
      { model: vllm.model, samples, language },
      { address, timeoutMs, signal, stream, ...(onDelta && { onDelta }) },
    ),
  );
}

function use<Value>(
  { vllm, startMs }: VoxtralWorld,
  work: (address: ServerAddress) => Promise<Result<Value, VoxtralFailure>>,
): Promise<Result<Value, VoxtralFailure>> {
  return vllm.use(work, { signal: new AbortController().signal, maxWaitMs: startMs });
}

function failed(check: string, failure: VoxtralFailure): Finding {
  return fault(
    check,
    JSON.stringify(failure),
    'read the lines of vLLM in the log file named above',
  );
}

function took(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
