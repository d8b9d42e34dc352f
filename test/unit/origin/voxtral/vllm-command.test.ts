import { describe, expect, it } from 'vitest';
import { findVoxtralModel } from '#origin/voxtral/models.ts';
import { toVllmCommand } from '#origin/voxtral/vllm-command.ts';
import type { VllmLaunch } from '#origin/voxtral/voxtral-settings.ts';

const LAUNCH: VllmLaunch = {
  port: 8100,
  command: ['vllm'],
  extraArgs: [],
  gpuMemoryUtilization: 0.62,
  wsl: null,
  startTimeoutSeconds: 600,
  idleTimeoutSeconds: 300,
  idleAction: 'sleep-1',
};
const RUN_ID = '0123456789abcdef0123456789abcdef';

function commandFor(launch: Partial<VllmLaunch> = {}, model = '4B', environment = {}) {
  const settings = { ...LAUNCH, ...launch };
  return toVllmCommand(findVoxtralModel(model)!, settings, { runId: RUN_ID, environment });
}

describe('toVllmCommand', () => {
  it('starts the realtime model as its recipe says, on loopback', () => {
    expect(commandFor()).toMatchObject({
      program: 'vllm',
      args: [
        'serve',
        'mistralai/Voxtral-Mini-4B-Realtime-2602',
        '--host',
        '127.0.0.1',
        '--port',
        '8100',
        '--tokenizer-mode',
        'mistral',
        '--compilation_config',
        '{"cudagraph_mode":"PIECEWISE"}',
        '--max-model-len',
        '45000',
        '--gpu-memory-utilization',
        '0.62',
        '--enable-sleep-mode',
      ],
      env: {
        MANA_STT_VLLM_RUN: RUN_ID,
        VLLM_SERVER_DEV_MODE: '1',
        VLLM_DISABLE_COMPILE_CACHE: '1',
      },
    });
  });

  it('gives the 3B the format of its files', () => {
    expect(commandFor({}, '3B').args.join(' ')).toContain(
      '--tokenizer-mode mistral --config-format mistral --load-format mistral',
    );
  });

  it('opens no routes for sleep where nobody sleeps', () => {
    const { args, env } = commandFor({ idleAction: 'stop' });
    expect(args).not.toContain('--enable-sleep-mode');
    expect(env['VLLM_SERVER_DEV_MODE']).toBeUndefined();
  });

  it('puts further arguments last, so that they win', () => {
    expect(commandFor({ extraArgs: ['--max-model-len', '9000'] }).args.slice(-2)).toEqual([
      '--max-model-len',
      '9000',
    ]);
  });

  it('takes settings away with which sleep frees nothing', () => {
    const environment = { PATH: '/bin', PYTORCH_CUDA_ALLOC_CONF: 'expandable_segments:True' };
    const { env } = commandFor({}, '3B', environment);
    expect(env['PATH']).toBe('/bin');
    expect(env).not.toHaveProperty('PYTORCH_CUDA_ALLOC_CONF');
  });

  it('goes into WSL without a shell, with its variables on the command line', () => {
    const { program, args } = commandFor({ wsl: { distribution: 'Ubuntu-24.04' } });
    expect(program).toBe('wsl.exe');
    expect(args.slice(0, 4)).toEqual(['--distribution', 'Ubuntu-24.04', '--exec', 'env']);
    expect(args).toContain(`MANA_STT_VLLM_RUN=${RUN_ID}`);
    expect(args[args.indexOf('vllm') + 1]).toBe('serve');
  });

  it('keeps our own settings and secrets away from vllm, to which they mean other things', () => {
    const environment = {
      VLLM_PORT: '8100',
      VLLM_API_KEY: 'k',
      API_KEYS: 'sk',
      INTERNAL_API_KEY: 'sk',
      MISTRAL_API_KEY: 'sk',
      EDGE_ASSERTION_PRIVATE_KEY: 'sk',
      HF_TOKEN: 'hf',
      CUDA_VISIBLE_DEVICES: '1',
      VLLM_LOGGING_LEVEL: 'DEBUG',
    };
    const { env } = commandFor({}, '3B', environment);
    expect(Object.keys(env).filter((name) => name in environment)).toEqual([
      'HF_TOKEN',
      'CUDA_VISIBLE_DEVICES',
      'VLLM_LOGGING_LEVEL',
    ]);
  });

  it('lets the token for downloads cross into WSL without showing it', () => {
    const environment = { HF_TOKEN: 'hf', WSLENV: 'A/p' };
    const { args, env } = commandFor({ wsl: { distribution: null } }, '3B', environment);
    expect(env['WSLENV']).toBe('A/p:HF_TOKEN/u');
    expect(args.join(' ')).not.toContain('hf ');
  });
});
