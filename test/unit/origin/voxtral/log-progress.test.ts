import { describe, expect, it } from 'vitest';
import { explainFailure, readProgress } from '#origin/voxtral/log-progress.ts';

describe('readProgress', () => {
  it.each([
    [
      'Loading safetensors checkpoint shards:  56% Completed | 5/9 [00:13<00:11,  2.87s/it]',
      { stage: 'loading', share: 0.56 },
    ],
    [
      '(EngineCore pid=1) INFO 06-02 00:51:40 [model_runner.py:295] Model loading took 7.64 GiB and 32.96 seconds',
      { stage: 'loading', share: null },
    ],
    [
      'INFO 06-02 00:51:49 [backends.py:1148] Dynamo bytecode transform time: 8.52 s',
      { stage: 'compiling', share: null },
    ],
    [
      'Capturing CUDA graphs (mixed prefill-decode, PIECEWISE):  85%|████▎ | 57/67 [00:03<00:00]',
      { stage: 'capturing', share: 0.85 },
    ],
    [
      'consolidated.safetensors:  12%|█▏ | 1.1G/9.3G [00:10<01:20, 100MB/s]',
      { stage: 'downloading', share: 0.12 },
    ],
    ['INFO:     Application startup complete.', { stage: 'serving', share: null }],
    [
      'INFO 11-25 [api_server.py:1] vLLM API server version 0.24.0',
      { stage: 'starting', share: null },
    ],
  ])('understands %s', (line, progress) => {
    expect(readProgress(line)).toEqual(progress);
  });

  it('says nothing of other lines', () => {
    expect(readProgress('WARNING [op.py:241] Priority not set for op rms_norm')).toBeNull();
  });

  it('is not slowed down by a hostile line', () => {
    const line = `Capturing CUDA graphs ${'1 '.repeat(1000)}`.slice(0, 2000);
    expect(readProgress(line)).toEqual({ stage: 'capturing', share: null });
  });
});

describe('explainFailure', () => {
  it.each([
    ['torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB', 'VLLM_GPU_MEMORY'],
    ['GatedRepoError: 403 Client Error', 'HF_TOKEN'],
    ['OSError: [Errno 98] error while attempting to bind: address already in use', 'VLLM_PORT'],
    ['vllm: error: unrecognized arguments: --enable-sleep-mode', 'vllm >= 0.20'],
    ['spawn vllm ENOENT', 'VLLM_COMMAND'],
  ])('has advice for %s', (lines, advice) => {
    expect(explainFailure(lines)).toContain(advice);
  });

  it('has none for what nobody knows', () => {
    expect(explainFailure('KeyError: 3')).toBeNull();
  });
});
