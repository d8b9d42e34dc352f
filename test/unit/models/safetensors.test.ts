import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import {
  narrowToBfloat16,
  narrowToFloat16,
  widenBfloat16,
  widenFloat16,
} from '#models/half-floats.ts';
import { openSafetensors } from '#models/safetensors.ts';
import {
  encodeFloats,
  writeSafetensors,
  writeSparseSafetensors,
} from '#models/safetensors-write.ts';
import { useTempDirs } from '#test/support/temp-dir.ts';

const tempDir = useTempDirs();

/** Writes a file with any header, right or wrong. */
function writeRaw(path: string, header: string, dataBytes: number, claimed?: bigint): string {
  const json = Buffer.from(header);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(claimed ?? BigInt(json.length));
  writeFileSync(path, Buffer.concat([length, json, Buffer.alloc(dataBytes)]));
  return path;
}

function entry(shape: unknown, offsets: unknown, dtype: unknown = 'F32') {
  return { dtype, shape, data_offsets: offsets };
}

describe('openSafetensors', () => {
  it('gives back what was written, as the type holds it (property)', () => {
    const path = join(tempDir(), 'x.safetensors');
    const floats = fc.float32Array({ minLength: 0, maxLength: 40 });
    const dtype = fc.constantFrom('F32' as const, 'F16' as const, 'BF16' as const);
    fc.assert(
      fc.property(fc.array(fc.tuple(dtype, floats), { maxLength: 6 }), (items) => {
        const tensors = items.map(([kind, values], i) => ({
          name: `layer.${i}.weight`,
          dtype: kind,
          shape: [values.length, 1],
          data: encodeFloats(values, kind),
        }));
        writeSafetensors(path, tensors, { format: 'pt' });
        const store = openSafetensors(path);
        for (const [i, [kind, values]] of items.entries()) {
          expect(store.readFloat32(`layer.${i}.weight`)).toEqual(rounded(values, kind));
        }
        expect([...store.tensors.keys()].sort()).toEqual(tensors.map((t) => t.name).sort());
        store.close();
      }),
      { numRuns: 60 },
    );
  });

  it('converts a tensor larger than its conversion buffer', () => {
    const path = join(tempDir(), 'x.safetensors');
    const values = Float32Array.from({ length: 3_000_001 }, (_, i) => (i % 2048) - 1024);
    writeSafetensors(path, [
      { name: 'before', dtype: 'U8', shape: [3], data: Uint8Array.of(1, 2, 3) },
      { name: 'w', dtype: 'F16', shape: [3_000_001], data: encodeFloats(values, 'F16') },
    ]);
    const store = openSafetensors(path);
    expect(
      Buffer.compare(Buffer.from(store.readFloat32('w').buffer), Buffer.from(values.buffer)),
    ).toBe(0);
    expect([...store.readRaw('before')]).toEqual([1, 2, 3]);
    store.close();
  });

  it('says where each tensor lies in its file', () => {
    const path = join(tempDir(), 'x.safetensors');
    writeSafetensors(path, [
      { name: 'a', dtype: 'F32', shape: [2], data: Float32Array.of(1, 2) },
      { name: 'b', dtype: 'I64', shape: [1, 2], data: BigInt64Array.of(7n, -1n) },
    ]);
    const store = openSafetensors(path);
    const b = store.tensors.get('b');
    expect(b).toMatchObject({ dtype: 'I64', shape: [1, 2], file: path, byteLength: 16 });
    expect(b?.offset).toBe(statSync(path).size - 16);
    expect([...new BigInt64Array(store.readRaw('b').buffer)]).toEqual([7n, -1n]);
    expect(() => store.readFloat32('b')).toThrow(/"b" is I64/);
    expect(() => store.readRaw('c')).toThrow(/no tensor "c"/);
    store.close();
    expect(() => store.readRaw('a')).toThrow(/after close/);
  });

  it('reads a folder of shards through its index', () => {
    const dir = tempDir();
    writeShards(dir, {
      a: 'model-00001-of-00002.safetensors',
      b: 'model-00002-of-00002.safetensors',
    });
    const store = openSafetensors(dir);
    expect([...store.readFloat32('a'), ...store.readFloat32('b')]).toEqual([1, 2]);
    store.close();
  });

  it.each([
    '../outside.safetensors',
    '/etc/model.safetensors',
    'sub/model.safetensors',
    '..\\outside.safetensors',
    '.hidden.safetensors',
    'model.bin',
  ])('refuses the shard name %s', (shard) => {
    const dir = tempDir();
    mkdirSync(join(dir, 'm'));
    writeShards(join(dir, 'm'), { a: shard });
    expect(() => openSafetensors(join(dir, 'm'))).toThrow(/not a plain file name/);
  });

  it('names the tensor that an index puts into the wrong shard', () => {
    const dir = tempDir();
    writeShards(dir, {
      a: 'model-00001-of-00002.safetensors',
      z: 'model-00001-of-00002.safetensors',
    });
    expect(() => openSafetensors(dir)).toThrow(/tensor "z" is not in model-00001-of-00002/);
  });

  it('says what is missing in an empty folder and at a wrong path', () => {
    const dir = tempDir();
    expect(() => openSafetensors(dir)).toThrow(/holds neither model\.safetensors nor/);
    expect(() => openSafetensors(join(dir, 'nowhere'))).toThrow(/does not exist/);
  });
});

describe('a hostile header', () => {
  const cases: [string, string, number, RegExp, bigint?][] = [
    ['longer than the file', '{}', 0, /claims 50 bytes, but the file has only 10/, 50n],
    ['of 2^63 bytes', '{}', 0, /claims 9223372036854775808 bytes/, 2n ** 63n],
    ['that is not JSON', '{"a": NaN}', 0, /header is not JSON/],
    ['that is an array', '[]', 0, /not a JSON object/],
    ['with a negative size', header({ a: entry([-1], [0, 4]) }), 4, /"a": shape\.0/],
    ['with a fraction as size', header({ a: entry([0.5], [0, 2]) }), 2, /"a": shape\.0/],
    ['with sizes beyond integers', header({ a: entry([1e300], [0, 4]) }), 4, /"a": shape\.0/],
    ['with a huge product', header({ a: entry([2 ** 40, 2 ** 40], [0, 4]) }), 4, /needs .* span 4/],
    ['with an unknown type', header({ a: entry([1], [0, 4], 'F99') }), 4, /"a": dtype/],
    ['with one offset', header({ a: entry([1], [0]) }), 4, /"a": data_offsets/],
    [
      'with offsets backwards',
      header({ a: entry([1], [8, 4]) }),
      8,
      /ends at 4, before its start 8/,
    ],
    ['past the end', header({ a: entry([2], [0, 8]) }), 4, /ends at byte .* only/],
    [
      'of the wrong shape',
      header({ a: entry([3], [0, 8]) }),
      8,
      /needs 12 bytes, its offsets span 8/,
    ],
    [
      'with an overlap',
      header({ a: entry([2], [0, 8]), b: entry([2], [4, 12]) }),
      12,
      /"b" overlaps/,
    ],
    [
      'with a hole',
      header({ a: entry([1], [0, 4]), b: entry([1], [8, 12]) }),
      12,
      /4 bytes before "b"/,
    ],
    ['with bytes left over', header({ a: entry([1], [0, 4]) }), 9, /5 bytes at its end/],
    ['with a wrong entry', header({ a: 7 }), 0, /tensor "a": entry/],
    ['with numbers as metadata', '{"__metadata__": {"a": 1}}', 0, /not a table of strings/],
    ['of rank 9', header({ a: entry([1, 1, 1, 1, 1, 1, 1, 1, 1], [0, 4]) }), 4, /"a": shape/],
  ];

  it.each(cases)('%s is refused with its reason', (_, json, dataBytes, reason, claimed) => {
    const path = writeRaw(join(tempDir(), 'x.safetensors'), json, dataBytes, claimed);
    expect(() => openSafetensors(path)).toThrow(reason);
    expect(() => openSafetensors(path)).toThrow(
      expect.objectContaining({ name: 'ModelError', code: 'bad-safetensors' }),
    );
  });

  it('with more tensors than the limit is refused', () => {
    const many = Array.from({ length: 65_537 }, (_, i) => [`t${i}`, entry([0], [0, 0])]);
    const path = join(tempDir(), 'x.safetensors');
    writeRaw(path, header(Object.fromEntries(many)), 0);
    expect(() => openSafetensors(path)).toThrow(/65537 tensors; the limit is 65536/);
  });

  it('with a tensor named __proto__ is only a tensor', () => {
    const path = join(tempDir(), 'x.safetensors');
    writeRaw(path, `{"__proto__": ${header(entry([1], [0, 4]))}}`, 4);
    const store = openSafetensors(path);
    expect([...store.tensors.keys()]).toEqual(['__proto__']);
    store.close();
  });

  it('too short for a length is refused', () => {
    const path = join(tempDir(), 'x.safetensors');
    writeFileSync(path, 'abc');
    expect(() => openSafetensors(path)).toThrow(/3 bytes, which is too short/);
  });

  it('of random bytes never does anything but throw a ModelError (property)', () => {
    const path = join(tempDir(), 'x.safetensors');
    fc.assert(
      fc.property(fc.json({ maxDepth: 4 }), fc.nat(64), (json, dataBytes) => {
        writeRaw(path, json, dataBytes);
        try {
          openSafetensors(path).close();
        } catch (error) {
          expect(error).toMatchObject({ name: 'ModelError', code: 'bad-safetensors' });
        }
      }),
      { numRuns: 200 },
    );
  });
});

describe('writeSafetensors', () => {
  it('takes the data piece by piece', () => {
    const path = join(tempDir(), 'x.safetensors');
    function* pieces() {
      yield Float32Array.of(1, 2);
      yield Float32Array.of(3);
    }
    writeSafetensors(path, [{ name: 'a', dtype: 'F32', shape: [3], data: pieces() }]);
    const store = openSafetensors(path);
    expect([...store.readFloat32('a')]).toEqual([1, 2, 3]);
    store.close();
  });

  it('refuses data that does not fill the shape', () => {
    const path = join(tempDir(), 'x.safetensors');
    const tensor = { name: 'a', dtype: 'F32', shape: [3], data: Float32Array.of(1) } as const;
    expect(() => writeSafetensors(path, [tensor])).toThrow('tensor "a" needs 12 bytes, got 4');
  });
});

describe('writeSparseSafetensors', () => {
  it('has the full length but takes almost no disk space', () => {
    const path = join(tempDir(), 'x.safetensors');
    writeSparseSafetensors(path, [
      { name: 'big', dtype: 'F32', shape: [1_000_000, 1000] },
      { name: 'last', dtype: 'F16', shape: [2] },
    ]);
    const { size, blocks } = statSync(path);
    expect(size).toBeGreaterThan(4_000_000_000);
    expect(blocks * 512).toBeLessThan(1_000_000);
    const store = openSafetensors(path);
    expect([...store.readFloat32('last')]).toEqual([0, 0]);
    store.close();
  });
});

function header(value: object): string {
  return JSON.stringify(value);
}

function rounded(values: Float32Array, dtype: 'F32' | 'F16' | 'BF16'): Float32Array {
  if (dtype === 'F32') return values;
  const out = new Float32Array(values.length);
  if (dtype === 'F16') widenFloat16(narrowToFloat16(values), out);
  else widenBfloat16(narrowToBfloat16(values), out);
  return out;
}

function writeShards(dir: string, weightMap: Record<string, string>): void {
  for (const [i, name] of ['a', 'b'].entries()) {
    const file = join(dir, `model-0000${i + 1}-of-00002.safetensors`);
    writeSafetensors(file, [{ name, dtype: 'F32', shape: [1], data: Float32Array.of(i + 1) }]);
  }
  const index = { metadata: { total_size: 8 }, weight_map: weightMap };
  writeFileSync(join(dir, 'model.safetensors.index.json'), JSON.stringify(index));
}
