import { describe, expect, test } from 'vitest';
import { DfkdError } from '../converters/errors.js';
import { assignShard } from '../src/dream/shards/assignment.js';
import { parsePlan, parseShardName, shardName, shardRange } from '../src/dream/shards/plan.js';
import { decodeSafetensors, encodeSafetensors } from '../src/dream/shards/safetensors.js';
import { decodeShard, encodeShard, restoreImages, storeImages } from '../src/dream/shards/shard.js';
import type { Preprocessing } from '../src/preprocess.js';
import { tinyPlan, tinyShard } from './support/dream-sets.js';

/** A file made by hand: the header's length, the header, the bytes. */
function file(header: string, data: readonly number[] = []): Uint8Array {
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(Buffer.byteLength(header)));
  return Buffer.concat([length, Buffer.from(header), Buffer.from(data)]);
}

function failure(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    expect(error).toBeInstanceOf(DfkdError);
    return `${(error as DfkdError).code}: ${(error as DfkdError).message}`;
  }
  return 'accepted';
}

describe('safetensors', () => {
  test('a file made by hand after the specification is read', () => {
    const header =
      '{"__metadata__":{"a":"b"},"y":{"dtype":"U8","shape":[2],"data_offsets":[4,6]},"x":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}  ';
    const { metadata, tensors } = decodeSafetensors(file(header, [0, 0, 0x80, 0x3f, 7, 8]), 'x');
    expect([...metadata]).toEqual([['a', 'b']]);
    expect(tensors.get('x')).toEqual({ shape: [], data: Float32Array.of(1) });
    expect(tensors.get('y')).toEqual({ shape: [2], data: Uint8Array.of(7, 8) });
  });

  test('what is written begins with its header, aligned, and is read back', () => {
    const content = {
      metadata: new Map([['key', 'välue']]),
      tensors: new Map([
        ['__proto__', { shape: [3], data: Uint8Array.of(1, 2, 3) }],
        ['floats', { shape: [1, 2], data: Float32Array.of(1.5, -2) }],
        ['none', { shape: [0, 4], data: Int32Array.of() }],
      ]),
    };
    const bytes = encodeSafetensors(content);
    expect(decodeSafetensors(bytes, 'x')).toEqual({ ...content, tensors: expect.any(Map) });
    expect(decodeSafetensors(bytes, 'x').tensors).toEqual(content.tensors);
    const header = Number(Buffer.from(bytes).readBigUInt64LE());
    expect(header % 8).toBe(0);
    expect(bytes.length).toBe(8 + header + 8 + 3);
  });

  const entry = (body: string) => `{"x":{${body}}}`;
  test.each([
    ['nothing', new Uint8Array(), /ends within its header/],
    ['a header longer than the file', file('{}').subarray(0, 9), /ends within its header/],
    ['a header of 2^63 bytes', Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0x80), /ends within its header/],
    ['text', file('hello'), /not JSON/],
    [
      'broken UTF-8',
      Buffer.concat([file('').subarray(0, 0), Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0, 0xff)]),
      /not JSON/,
    ],
    ['a list', file('[]'), /not a JSON object/],
    ['metadata that is no text', file('{"__metadata__":{"a":1}}'), /metadata is not text/],
    ['metadata that is a list', file('{"__metadata__":[]}'), /metadata is not text/],
    ['an entry that is no object', file('{"x":3}'), /not of type/],
    ['an unknown type', file(entry('"dtype":"toString","shape":[],"data_offsets":[0,0]')), /not of type/],
    ['a negative size', file(entry('"dtype":"U8","shape":[-1],"data_offsets":[0,0]')), /malformed shape/],
    ['a fraction', file(entry('"dtype":"U8","shape":[0.5],"data_offsets":[0,0]')), /malformed shape/],
    ['no offsets', file(entry('"dtype":"U8","shape":[1]')), /malformed shape/],
    [
      'too few bytes',
      file(entry('"dtype":"F32","shape":[2],"data_offsets":[0,4]'), [0, 0, 0, 0]),
      /4 bytes for shape/,
    ],
    [
      'a size that overflows',
      file(entry('"dtype":"U8","shape":[9007199254740991,9007199254740991],"data_offsets":[0,1]'), [0]),
      /for shape/,
    ],
    [
      'bytes beyond the file',
      file(entry('"dtype":"U8","shape":[9],"data_offsets":[0,9]')),
      /beyond the file/,
    ],
    ['a hole', file(entry('"dtype":"U8","shape":[1],"data_offsets":[1,2]'), [0, 0]), /does not begin where/],
    ['a tail', file('{}', [0]), /belong to no tensor/],
    [
      'an overlap',
      file(
        '{"x":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"y":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}}',
        [0, 0, 0],
      ),
      /does not begin where/,
    ],
  ])('%s is refused', (_, bytes, message) => {
    const said = failure(() => decodeSafetensors(bytes, 'f'));
    expect(said).toMatch(/^E_PARSE: 'f' is not a well-formed safetensors file: /);
    expect(said).toMatch(message);
  });
});

describe('a shard', () => {
  test('is read back as it was written, and written again as the same bytes', () => {
    const bytes = encodeShard(tinyShard());
    const read = decodeShard(bytes, 'x');
    expect(read).toEqual(tinyShard());
    expect(encodeShard(read)).toEqual(bytes);
  });

  test('any bit that changes is noticed', () => {
    const bytes = encodeShard(tinyShard());
    let unnoticed = 0;
    for (let at = 0; at < bytes.length; at++) {
      const damaged = Uint8Array.from(bytes);
      damaged[at] ^= 1;
      if (failure(() => decodeShard(damaged, 'x')) === 'accepted') unnoticed++;
    }
    expect(unnoticed).toBe(0);
  });

  test.each([
    [
      'another number of images',
      { images: { shape: [2, 1, 2, 2], data: new Uint8Array(8) } },
      /lacks finite images/,
    ],
    [
      'float images where bytes are due',
      { images: { shape: [3, 1, 2, 2], data: new Float32Array(12) } },
      /images/,
    ],
    ['an infinite logit', { logits: { shape: [3, 3], data: new Float32Array(9).fill(Infinity) } }, /logits/],
    [
      'a target beyond the classes',
      { targets: Int32Array.of(0, 1, 3) },
      /the target 3, but logits of 3 classes/,
    ],
    ['a negative target', { targets: Int32Array.of(0, 1, -1) }, /the target -1/],
    ['features of other images', { features: { shape: [4, 1], data: new Float32Array(4) } }, /features/],
    [
      'statistics of other layers',
      { statistics: { ...tinyShard().statistics, square: new Float32Array(4) } },
      /batchNorm.square of shape \[5\]; they are \[4\]/,
    ],
    ['a curve without steps', { curves: [{ stage: 'dream', steps: [1], terms: { loss: [2, 1] } }] }, /curve/],
  ])('with %s is refused', (_, change, message) => {
    const said = failure(() => decodeShard(encodeShard({ ...tinyShard(), ...change }), 'f'));
    expect(said).toMatch(/^E_TENSOR: 'f' /);
    expect(said).toMatch(message);
  });

  test('with an index beyond its plan, or layers of no width, is refused', () => {
    const encode = (change: object) => encodeShard({ ...tinyShard(), ...change });
    expect(failure(() => decodeShard(encode({ index: 2 }), 'f'))).toMatch(/^E_PARSE: .* one of its 2 shards/);
    const layers = [{ name: 'first', channels: 0 }];
    const statistics = { ...tinyShard().statistics, layers };
    expect(failure(() => decodeShard(encode({ statistics }), 'f'))).toMatch(/^E_PARSE: .* layers/);
  });

  test('a safetensors file of something else is refused', () => {
    const other = encodeSafetensors({ metadata: new Map(), tensors: new Map() });
    expect(failure(() => decodeShard(other, 'f'))).toBe("E_PARSE: 'f' is not a shard of dreams.");
  });
});

describe('a plan', () => {
  test.each([
    ['no object', [], /its plan/],
    ['no teacher', { teacher: null }, /its teacher/],
    ['a short hash', { teacher: { sha256: 'ab' } }, /SHA-256/],
    ['a negative seed', { seed: -1 }, /seed/],
    ['no configuration', { config: 3 }, /config/],
    ['no images', tinyPlan({ count: 0 }), /number of images/],
    ['more shards than images', tinyPlan({ shards: 7 }), /number of images/],
    ['an input of two sizes', tinyPlan({ input: [1, 2] }), /input/],
    [
      'a scale for each of two channels',
      tinyPlan({ preprocessing: { scale: [1, 1], offset: [0], range: null } }),
      /preprocessing/,
    ],
    [
      'a range without an end',
      tinyPlan({
        preprocessing: { scale: [1], offset: [0], range: { low: 0 } as { low: number; high: number } },
      }),
      /range/,
    ],
  ])('with %s is refused', (_, change, message) => {
    const plan = Array.isArray(change) ? change : { ...tinyPlan(), ...change };
    const said = failure(() => parsePlan(plan, 'f'));
    expect(said).toMatch(/^E_PARSE: 'f' does not describe dreams/);
    expect(said).toMatch(message);
  });

  test('shares images out without gap and overlap, in nearly equal parts', () => {
    for (const [count, shards] of [
      [1024, 4],
      [1000, 7],
      [5, 5],
    ]) {
      let next = 0;
      for (let index = 0; index < shards; index++) {
        const { first, size } = shardRange({ count, shards }, index);
        expect(first).toBe(next);
        expect(Math.abs(size - count / shards)).toBeLessThan(1);
        next += size;
      }
      expect(next).toBe(count);
    }
  });

  test('names shards, and knows the names', () => {
    expect(shardName(3, 8)).toBe('shard-00003-of-00008.safetensors');
    expect(parseShardName(shardName(3, 8))).toEqual({ index: 3, shards: 8 });
    expect(parseShardName('shard-3-of-8.safetensors')).toBeUndefined();
  });
});

describe('which shard a process makes', () => {
  const slurm = { SLURM_ARRAY_TASK_ID: '5', SLURM_ARRAY_TASK_MIN: '1', SLURM_ARRAY_TASK_COUNT: '8' };
  test.each([
    [undefined, {}, undefined],
    ['0/1', {}, { index: 0, of: 1 }],
    ['7/8', slurm, { index: 7, of: 8 }],
    ['/8', slurm, { index: 5, of: 8 }],
    ['/8', { JOB_COMPLETION_INDEX: '0' }, { index: 0, of: 8 }],
    [undefined, slurm, { index: 4, of: 8 }],
    [undefined, { ...slurm, SLURM_ARRAY_TASK_STEP: '2' }, { index: 2, of: 8 }],
  ])('%j in %j is %j', (text, environment, expected) => {
    expect(assignShard(text, environment)).toEqual(expected);
  });

  test.each([
    ['8/8', {}, /no shard 8\/8/],
    ['0/0', {}, /no shard 0\/0/],
    ['-1/8', {}, /must be i\/n/],
    ['3', {}, /must be i\/n/],
    ['/8', {}, /neither SLURM_ARRAY_TASK_ID nor/],
    ['/8', { SLURM_ARRAY_TASK_ID: '9' }, /no shard 9\/8/],
    [undefined, { SLURM_ARRAY_TASK_ID: '0' }, /no shard 0\/\?/],
    [undefined, { JOB_COMPLETION_INDEX: '3' }, /not of how many/],
  ])('%j in %j is refused', (text, environment, message) => {
    const said = failure(() => assignShard(text, environment));
    expect(said).toMatch(/^E_ARG: /);
    expect(said).toMatch(message);
  });
});

describe('images in a shard', () => {
  const preprocessing: Preprocessing = {
    name: 'test',
    channels: 1,
    scale: [0.5],
    offset: [0.25],
    range: { low: -1.8, high: 2.2 },
  };
  test('are the nearest pixels, and what the model takes for these', () => {
    // u = (pixel / 255 - 0.45) / 0.25, and the model takes 0.5 u + 0.25.
    const input = (pixel: number) => 0.5 * ((pixel / 255 - 0.45) / 0.25) + 0.25;
    const images = {
      shape: [1, 1, 1, 4],
      data: Float32Array.of(input(0), input(99.6), input(100.4), input(255)),
    };
    const stored = storeImages(images, preprocessing);
    expect(stored.data).toEqual(Uint8Array.of(0, 100, 100, 255));
    const restored = restoreImages(stored, preprocessing);
    [0, 100, 100, 255].forEach((pixel, i) => {
      expect(restored.data[i]).toBeCloseTo(input(pixel), 5);
    });
  });

  test('stay floats where the range of pixels is unknown', () => {
    const images = { shape: [1, 1, 1, 2], data: Float32Array.of(-7.25, 1e-3) };
    const unknown = { ...preprocessing, range: null };
    expect(restoreImages(storeImages(images, unknown), unknown)).toEqual(images);
  });
});
