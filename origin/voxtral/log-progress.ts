/** What a line of vLLM's log says of how far its start has come. Pure; unknown lines say nothing. */

export interface StartProgress {
  readonly stage: 'starting' | 'downloading' | 'loading' | 'compiling' | 'capturing' | 'serving';
  /** 0..1 within the stage; null where the line gives none. */
  readonly share: number | null;
}

/** Null: the line is about something else. */
export function readProgress(line: string): StartProgress | null {
  for (const { stage, pattern } of SIGNS) {
    const found = pattern.exec(line);
    if (found === null) continue;
    const percent = found.groups?.['percent'];
    return { stage, share: percent === undefined ? null : Math.min(1, Number(percent) / 100) };
  }
  return null;
}

/** What most often keeps vLLM from starting, and what to do, in words for the operator. Null: nothing known. */
export function explainFailure(lines: string): string | null {
  return REASONS.find(({ pattern }) => pattern.test(lines))?.advice ?? null;
}

/** The wording changes between versions, so each pattern takes as little of it as tells stages apart. */
const SIGNS: readonly { readonly stage: StartProgress['stage']; readonly pattern: RegExp }[] = [
  { stage: 'serving', pattern: /Application startup complete|Uvicorn running on/i },
  { stage: 'capturing', pattern: /Capturing CUDA graphs?.{0,80}?\b(?<percent>\d{1,3})%/i },
  { stage: 'capturing', pattern: /Graph capturing (?:finished|took)|Capturing CUDA graph/i },
  { stage: 'compiling', pattern: /torch\.compile|Dynamo bytecode transform|Compiling a graph/i },
  {
    stage: 'loading',
    pattern: /Loading \S{1,40} checkpoint shards:\s{0,9}(?<percent>\d{1,3})% Completed/i,
  },
  { stage: 'loading', pattern: /Loading weights took|Model loading took|Starting to load model/i },
  {
    stage: 'downloading',
    pattern: /(?:Fetching \d{1,6} files|\.safetensors|tekken\.json):\s{0,9}(?<percent>\d{1,3})%/i,
  },
  { stage: 'starting', pattern: /vLLM API server version|Initializing a V1 LLM engine/i },
];

const REASONS: readonly { readonly pattern: RegExp; readonly advice: string }[] = [
  {
    pattern: /CUDA out of memory|OutOfMemoryError|less than desired GPU memory utilization/i,
    advice:
      'the card has too little free memory: lower VLLM_GPU_MEMORY_UTILIZATION, or free what others hold',
  },
  {
    pattern:
      /max seq len .{0,80}larger than the maximum number of tokens|No available memory for the cache/i,
    advice:
      'the context does not fit beside the weights: raise VLLM_GPU_MEMORY_UTILIZATION, or set --max-model-len in VLLM_EXTRA_ARGS',
  },
  {
    pattern: /401 Client Error|403 Client Error|gated repo|GatedRepoError/i,
    advice: "accept the model's terms on Hugging Face, then set HF_TOKEN",
  },
  {
    pattern: /LocalEntryNotFoundError|Max retries exceeded|Temporary failure in name resolution/i,
    advice: 'the model is not on this machine and Hugging Face cannot be reached',
  },
  {
    pattern: /address already in use/i,
    advice: 'another program listens on the port: set VLLM_PORT',
  },
  {
    pattern: /No module named|unrecognized arguments|invalid choice/i,
    advice: 'this vLLM lacks what Voxtral needs: install vllm >= 0.20 with "mistral-common[audio]"',
  },
  {
    pattern: /ENOENT|command not found|No such file/i,
    advice: 'vLLM was not found: set VLLM_COMMAND or VLLM_PYTHON',
  },
];
