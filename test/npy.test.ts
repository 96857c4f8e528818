import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeNpy, encodeNpy, type NpyArray, readNpy } from '../src/npy.js';

/** Files as NumPy 2 writes them, in base64. */
const NUMPY = {
  uint8:
    'k05VTVBZAQB2AHsnZGVzY3InOiAnfHUxJywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKDEsIDIsIDMpLCB9ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoAAQIDBAU=',
  int64:
    'k05VTVBZAQB2AHsnZGVzY3InOiAnPGk4JywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKDIsKSwgfSAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAr//////////wEAAAAAACAA',
  scalar:
    'k05VTVBZAQB2AHsnZGVzY3InOiAnPGY0JywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKCksIH0gICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoAAMA/',
  version2:
    'k05VTVBZAgB0AAAAeydkZXNjcic6ICc8ZjgnLCAnZm9ydHJhbl9vcmRlcic6IEZhbHNlLCAnc2hhcGUnOiAoMiwgMiksIH0gICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoAAAAAAAD4PwAAAAAAAACAAAAAAAAA+H8AAAAAAADwfw==',
  version3:
    'k05VTVBZAwB0AAAAeydkZXNjcic6ICc8aTInLCAnZm9ydHJhbl9vcmRlcic6IEZhbHNlLCAnc2hhcGUnOiAoMywpLCB9ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoBAP7/AwA=',
  fortran:
    'k05VTVBZAQB2AHsnZGVzY3InOiAnPGk0JywgJ2ZvcnRyYW5fb3JkZXInOiBUcnVlLCAnc2hhcGUnOiAoMiwgMyksIH0gICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoAAAAAAwAAAAEAAAAEAAAAAgAAAAUAAAA=',
  bigEndian:
    'k05VTVBZAQB2AHsnZGVzY3InOiAnPmk0JywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKDIsKSwgfSAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoAAAABAAAAAg==',
  float16:
    'k05VTVBZAQB2AHsnZGVzY3InOiAnPGYyJywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKDIsKSwgfSAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoAPABA',
  empty:
    'k05VTVBZAQB2AHsnZGVzY3InOiAnfGkxJywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKDAsIDMpLCB9ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAo=',
};

function numpy(name: keyof typeof NUMPY): Uint8Array {
  return new Uint8Array(Buffer.from(NUMPY[name], 'base64'));
}

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    return (error as { code: string }).code;
  }
  return 'none';
}

describe('decodeNpy reads what NumPy wrote', () => {
  test.each<[keyof typeof NUMPY, NpyArray]>([
    ['uint8', { type: 'uint8', shape: [1, 2, 3], data: new Uint8Array([0, 1, 2, 3, 4, 5]) }],
    ['int64', { type: 'int64', shape: [2], data: new BigInt64Array([-1n, 2n ** 53n + 1n]) }],
    ['scalar', { type: 'float32', shape: [], data: new Float32Array([1.5]) }],
    ['version2', { type: 'float64', shape: [2, 2], data: new Float64Array([1.5, -0, NaN, Infinity]) }],
    ['version3', { type: 'int16', shape: [3], data: new Int16Array([1, -2, 3]) }],
    ['empty', { type: 'int8', shape: [0, 3], data: new Int8Array(0) }],
  ])('%s', (name, expected) => {
    expect(decodeNpy(numpy(name))).toEqual(expected);
  });

  test('at any offset of a larger buffer', () => {
    const file = numpy('int64');
    const shifted = new Uint8Array(file.length + 3);
    shifted.set(file, 3);
    expect(decodeNpy(shifted.subarray(3))).toEqual(decodeNpy(file));
  });
});

describe('encodeNpy', () => {
  test.each(['uint8', 'int64', 'scalar', 'empty'] as const)('writes the bytes NumPy wrote: %s', (name) => {
    expect(Buffer.from(encodeNpy(decodeNpy(numpy(name)))).toString('base64')).toBe(
      Buffer.from(numpy(name)).toString('base64'),
    );
  });
});

describe('decodeNpy refuses', () => {
  test.each([
    ['fortran', 'E_TENSOR'],
    ['bigEndian', 'E_TENSOR'],
    ['float16', 'E_TENSOR'],
  ] as const)('%s', (name, code) => {
    expect(codeOf(() => decodeNpy(numpy(name)))).toBe(code);
  });

  test('anything cut short, without any other kind of failure', () => {
    const file = numpy('int64');
    fc.assert(
      fc.property(fc.integer({ min: 0, max: file.length - 1 }), (length) => {
        expect(codeOf(() => decodeNpy(file.subarray(0, length)))).toMatch(/^E_(PARSE|TENSOR)$/);
      }),
    );
  });

  test('text, and a file that does not exist', async () => {
    expect(codeOf(() => decodeNpy(Buffer.from('class,label\n1,2\n3,4\n')))).toBe('E_PARSE');
    const folder = await mkdtemp(join(tmpdir(), 'npy-'));
    const path = join(folder, 'x.npy');
    await expect(readNpy(path)).rejects.toMatchObject({ code: 'E_IO' });
    await writeFile(path, numpy('uint8'));
    await expect(readNpy(path)).resolves.toEqual(decodeNpy(numpy('uint8')));
    await rm(folder, { recursive: true });
  });
});
