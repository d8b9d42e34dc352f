import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { DataFile } from '#models/onnx/data-file.ts';
import { useTempDirs } from '#test/support/temp-dir.ts';

const tempDir = useTempDirs();

describe('DataFile.put', () => {
  it('starts every tensor at a page of 4096 bytes, so that it can be mapped', () => {
    const path = join(tempDir(), 'weights.data');
    const file = new DataFile(path);
    const places = [
      file.put('a', () => Uint8Array.of(1, 2, 3)),
      file.put('b', () => new Float32Array(1024).fill(2)),
      file.put('c', () => Int8Array.of(-1)),
    ];
    file.close();
    expect(places).toEqual([
      { location: 'weights.data', offset: 0, length: 3 },
      { location: 'weights.data', offset: 4096, length: 4096 },
      { location: 'weights.data', offset: 8192, length: 1 },
    ]);
    const bytes = readFileSync(path);
    expect(bytes).toHaveLength(8193);
    expect([...bytes.subarray(0, 4)]).toEqual([1, 2, 3, 0]);
    expect(bytes.readFloatLE(4096)).toBe(2);
    expect(bytes.readInt8(8192)).toBe(-1);
  });

  it('writes a tensor once: the second time its values are not even made', () => {
    const file = new DataFile(join(tempDir(), 'weights.data'));
    const make = vi.fn(() => Uint8Array.of(1));
    expect(file.put('a', make)).toEqual(file.put('a', make));
    expect(make).toHaveBeenCalledOnce();
    expect(file.sizeBytes).toBe(1);
    file.close();
  });

  it('writes the part of a buffer that a view shows', () => {
    const path = join(tempDir(), 'weights.data');
    const file = new DataFile(path);
    file.put('a', () => new Uint8Array([9, 8, 7, 6]).subarray(1, 3));
    file.close();
    expect([...readFileSync(path)]).toEqual([8, 7]);
  });
});
