import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { API_DOCS_FILE, renderApiDocs } from '#origin/cli/api-docs.ts';
import { OriginEnvironment, SECRET_VARIABLES } from '#origin/config-schema.ts';
import { VoxtralEnvironment } from '#origin/voxtral/voxtral-settings.ts';
import { TranscriptionResponse } from '#shared/contracts/transcription.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const pages = findPages(root);
const textOf = (page: string) => readFileSync(join(root, page), 'utf8');
const packageJson = z
  .object({ scripts: z.record(z.string(), z.string()), exports: z.record(z.string(), z.string()) })
  .parse(JSON.parse(textOf('package.json')));

/** All Markdown files of the repository. */
function findPages(folder: string): string[] {
  const skipped = ['node_modules', 'build', 'data', '.git', '.cache'];
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return skipped.includes(entry.name) ? [] : findPages(path);
    return entry.name.endsWith('.md') ? [relative(root, path)] : [];
  });
}

/** Targets of Markdown links outside code blocks. */
function linksOf(page: string): string[] {
  const prose = textOf(page).replaceAll(/^```[\s\S]*?^```/gm, '');
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target ?? '');
}

/** GitHub's anchor of each heading. */
function anchorsOf(path: string): string[] {
  const headings = readFileSync(path, 'utf8').matchAll(/^#+ (.*)$/gm);
  return [...headings].map(([, heading]) => {
    const plain = (heading ?? '').toLowerCase().replaceAll(/[^\p{L}\p{N}\s_-]/gu, '');
    return plain.replaceAll(' ', '-');
  });
}

describe('the pages', () => {
  it.each(pages)('%s links only to what exists', (page) => {
    const local = linksOf(page).filter((target) => !/^[a-z]+:/.test(target));
    const broken = local.filter((target) => {
      const [file = '', anchor] = target.split('#');
      const path = file === '' ? join(root, page) : join(root, dirname(page), file);
      return !existsSync(path) || (anchor !== undefined && !anchorsOf(path).includes(anchor));
    });
    expect(broken).toEqual([]);
  });

  it.each(pages)('%s names only npm scripts that exist', (page) => {
    const named = [...textOf(page).matchAll(/npm run (?:-s )?([a-z][a-z:]*)/g)].map(
      ([, name]) => name,
    );
    const unknown = named.filter((name) => packageJson.scripts[name ?? ''] === undefined);
    expect(unknown).toEqual([]);
  });

  it.each(pages)('%s names only source files that exist', (page) => {
    const named = [...textOf(page).matchAll(/\b(?:origin|models|shared|test)\/[\w./-]+\.ts\b/g)];
    const missing = named.map(([path]) => path).filter((path) => !existsSync(join(root, path)));
    expect(missing).toEqual([]);
  });
});

describe('docs/api.md', () => {
  const page = readFileSync(API_DOCS_FILE, 'utf8');

  it('is up to date (node origin/cli/api-docs.ts)', () => {
    expect(page).toBe(renderApiDocs(page));
  });

  it('has a row for each route of the app', () => {
    const app = textOf('origin/app.ts');
    const routes = [...app.matchAll(/app\.(get|post)\('([^']+)'/g)];
    expect(routes.length).toBeGreaterThan(4);
    for (const [, method, path] of routes) {
      expect(page).toContain(`| \`${method?.toUpperCase()} ${path}\` |`);
    }
  });
});

describe('the docs', () => {
  it.each(pages)('%s names only settings that exist', (page) => {
    // Not ours: Hugging Face's, Node's and the system's, and those of the commands.
    const others =
      /^(HF_|NODE_|ONNXRUNTIME_|GLOBAL_AGENT_|HTTPS_PROXY|LD_LIBRARY_PATH|OTEL_EXPORTER_OTLP_HEADERS$|TMPDIR$|PATH$|EDGE_PORT$)/;
    const bindings = textOf('edge-worker/bindings.ts').matchAll(/^ {2}([A-Z][A-Z_]+): /gm);
    const edgeSettings = [...bindings].map(([, name]) => name);
    const named = [...textOf(page).matchAll(/`([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)(?:=[^`]*)?`/g)];
    const unknown = named
      .map(([, name]) => name ?? '')
      .filter((name) => !others.test(name) && !(name in OriginEnvironment.shape))
      .filter((name) => !(name in VoxtralEnvironment))
      .filter((name) => !edgeSettings.includes(name))
      .filter((name) => !SECRET_VARIABLES.includes(name.replace(/_FILE$/, '')));
    expect(unknown).toEqual([]);
  });
});

describe('README.md', () => {
  const readme = textOf('README.md');

  it('shows an answer with no other members than the contract has, and all that are never absent', () => {
    const answer = /<!-- answer -->\n```\w*\n([\s\S]*?)```/.exec(readme)?.[1] ?? '';
    const shown = [...answer.matchAll(/^ {2}"(\w+)":/gm)].map(([, name]) => name);
    const { shape } = TranscriptionResponse;
    expect(shown).toEqual(shown.filter((name) => (name ?? '') in shape));
    const required = Object.keys(shape).filter(
      (name) => !shape[name as keyof typeof shape].safeParse(undefined).success,
    );
    expect(shown).toEqual(expect.arrayContaining(required));
  });

  it('names every entry of the package', () => {
    for (const entry of Object.keys(packageJson.exports)) expect(readme).toContain(`\`${entry}\``);
  });
});
