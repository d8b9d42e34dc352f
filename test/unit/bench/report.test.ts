import { describe, expect, it } from 'vitest';
import { renderReport, replaceBlock } from '#test/bench/lib/report.ts';
import { median, pairedRatio, percentile } from '#test/bench/lib/statistics.ts';

describe('replaceBlock', () => {
  const document = 'Intro\n<!-- bench:speed -->\nold\n<!-- /bench:speed -->\nEnd\n';

  it('replaces what stands between the markers and keeps the rest', () => {
    expect(replaceBlock(document, 'speed', 'new')).toBe(
      'Intro\n<!-- bench:speed -->\n\nnew\n\n<!-- /bench:speed -->\nEnd\n',
    );
  });

  it('gives the same document when it is applied twice', () => {
    const once = replaceBlock(document, 'speed', 'new');
    expect(replaceBlock(once, 'speed', 'new')).toBe(once);
  });

  it('adds a block that the document lacks at its end', () => {
    expect(replaceBlock('Intro\n', 'wer', 'text')).toBe(
      'Intro\n\n<!-- bench:wer -->\n\ntext\n\n<!-- /bench:wer -->\n',
    );
  });

  it('refuses a block that is never closed', () => {
    expect(() => replaceBlock('<!-- bench:wer -->', 'wer', '')).toThrow('<!-- /bench:wer -->');
  });
});

describe('renderReport', () => {
  it('writes title, machine, tables and notes as markdown', () => {
    const table = { columns: ['', 's'], rows: [['a', '1.0']] };
    const report = { name: 'x', title: 'X', tables: [table], notes: ['n'] };
    expect(renderReport(report, 'Machine.')).toBe(
      '### X\n\nMachine.\n\n|  | s |\n| --- | ---: |\n| a | 1.0 |\n\n- n',
    );
  });
});

describe('median', () => {
  it('is the middle of an odd and the mean of the middle two of an even number of values', () => {
    expect(median([9, 1, 5])).toBe(5);
    expect(median([10, 1, 2, 4])).toBe(3);
  });
});

describe('percentile', () => {
  it('is the smallest value that covers so many per cent of all', () => {
    const values = Array.from({ length: 20 }, (_, index) => 20 - index);
    expect(percentile(values, 95)).toBe(19);
    expect(percentile(values, 100)).toBe(20);
    expect(percentile([7], 95)).toBe(7);
  });
});

describe('pairedRatio', () => {
  it('divides run by run, not median by median', () => {
    expect(pairedRatio([2, 30, 4], [1, 10, 4])).toEqual({ median: 2, min: 1, max: 3 });
  });
});
