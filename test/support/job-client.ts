/** A new origin for each test, whose transcriber waits for the test, and what a client of `/jobs` does with it. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect } from 'vitest';
import { JobResponse } from '#shared/contracts/jobs.ts';
import { form, RECORDING } from '#test/support/forms.ts';
import { ManualClock } from '#test/support/manual-clock.ts';
import {
  type DrivenTranscriber,
  startTestOrigin,
  type TestOrigin,
  type TestOriginOptions,
} from '#test/support/origin-server.ts';

type Fields = readonly (readonly [name: string, value: string | Blob])[];
type Headers = Readonly<Record<string, string>>;

/** To be made once in a file; `origin` and `clock` are those of the test that runs. */
export class JobClient {
  clock = new ManualClock();
  #origin: TestOrigin | null = null;

  constructor() {
    beforeEach(() => this.start());
    afterEach(() => this.origin.stop());
  }

  get origin(): TestOrigin {
    if (this.#origin === null) throw new Error('there is an origin only while a test runs');
    return this.#origin;
  }

  get transcriber(): DrivenTranscriber {
    return this.origin.transcriber;
  }

  /**
   * Starts an origin; the caller is `x-caller`, or `a`. Where it continues with the data of an earlier one, its
   * transcriber answers at once.
   */
  async start(environment: Headers = {}, options: TestOriginOptions = {}): Promise<void> {
    this.clock = new ManualClock();
    const principalId: TestOriginOptions['principalId'] = (c) => c.req.header('x-caller') ?? 'a';
    const given = { jobClock: this.clock, principalId, ...options };
    this.#origin = await startTestOrigin({ ...environment }, given);
    this.transcriber.holds = options.dataDir === undefined;
  }

  /** Another origin in place of the one that runs. */
  async restart(environment: Headers): Promise<void> {
    await this.origin.stop();
    await this.start(environment);
  }

  get(path: string, init: RequestInit = {}): Promise<Response> {
    return fetch(`${this.origin.url}${path}`, init);
  }

  submit(fields: Fields = [], headers: Headers = {}): Promise<Response> {
    const body = form(['file', RECORDING], ...fields.map(([name, value]) => pair(name, value)));
    return this.get('/jobs', { method: 'POST', body, headers: { ...headers } });
  }

  async submitted(fields: Fields = [], headers: Headers = {}): Promise<JobResponse> {
    const response = await this.submit(fields, headers);
    expect(response.status).toBe(202);
    return JobResponse.strict().parse(await response.json());
  }

  async look(id: string, query = ''): Promise<JobResponse> {
    const response = await this.get(`/jobs/${id}${query}`);
    expect(response.status).toBe(200);
    return JobResponse.strict().parse(await response.json());
  }

  /** Long polls, which the end of the job ends: with a clock that stands still nothing else does. */
  ended(id: string): Promise<JobResponse> {
    return this.look(id, '?wait=30');
  }

  resultOf(id: string): Promise<Response> {
    return this.get(`/jobs/${id}/result`);
  }

  remove(id: string): Promise<Response> {
    return this.get(`/jobs/${id}`, { method: 'DELETE' });
  }

  /** Jobs that have files. */
  jobFiles(): string[] {
    return readdirSync(join(this.origin.dataDir, 'jobs/files'));
  }
}

function pair(name: string, value: string | Blob): [string, string | Blob] {
  return [name, value];
}
