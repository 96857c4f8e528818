import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PNG } from 'pngjs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { convertChannels } from '../src/calibration/channels.js';
import { readCalibration } from '../src/calibration/read-calibration.js';
import { fitImage, type Planes } from '../src/calibration/resize.js';
import { encodeNpy } from '../src/npy.js';
import { resolvePreprocessing, type Preprocessing } from '../src/preprocess.js';

const RAW = resolvePreprocessing('raw', { graph: { inputs: [] } } as never);

function image(
  channels: number,
  height: number,
  width: number,
  f: (c: number, y: number, x: number) => number,
): Planes {
  const data = Float32Array.from({ length: channels * height * width }, (_, i) =>
    f(Math.floor(i / (height * width)), Math.floor(i / width) % height, i % width),
  );
  return { channels, height, width, data };
}

describe('fitting', () => {
  test('leaves an image of the right size as it is', () => {
    const square = image(3, 7, 5, (c, y, x) => 50 * c + 7 * y + x);
    expect(fitImage(square, 7, 5)).toEqual(square);
  });

  test('keeps what is of one colour, whatever the sizes', () => {
    const flat = image(2, 9, 13, (c) => 100 + c);
    for (const [height, width] of [
      [3, 3],
      [20, 31],
      [1, 1],
      [9, 4],
    ]) {
      const { data } = fitImage(flat, height, width);
      expect(data).toHaveLength(2 * height * width);
      data.forEach((x, i) => {
        expect(x).toBeCloseTo(i < height * width ? 100 : 101, 3);
      });
    }
  });

  test('halved, a ramp is the ramp at the centres of the larger pixels', () => {
    const ramp = image(1, 16, 16, (_, y, x) => 10 * y + x);
    const half = fitImage(ramp, 8, 8);
    for (const y of [2, 3, 5]) {
      for (const x of [2, 4, 5]) {
        expect(half.data[y * 8 + x]).toBeCloseTo(10 * (2 * y + 0.5) + 2 * x + 0.5, 3);
      }
    }
  });

  test('doubled, a ramp is interpolated between the centres of pixels', () => {
    const ramp = image(1, 4, 4, (_, y, x) => 8 * y + 4 * x);
    const twice = fitImage(ramp, 8, 8);
    for (const y of [1, 3, 6]) {
      for (const x of [1, 4, 6]) {
        expect(twice.data[y * 8 + x]).toBeCloseTo(8 * ((y + 0.5) / 2 - 0.5) + 4 * ((x + 0.5) / 2 - 0.5), 3);
      }
    }
  });

  test('weighs the pixels under a smaller one by a triangle', () => {
    // Scale 1/2, pixel 1 of 4: centre 3, reach 2, pixels 1 to 4 at distances 1.5, 0.5, 0.5, 1.5.
    const row = image(1, 2, 8, (_, __, x) => [0, 0, 100, 0, 0, 0, 0, 0][x]);
    expect(fitImage(row, 1, 4).data[1]).toBeCloseTo(100 * (0.75 / 2), 4);
  });

  test('cuts the middle out of what is wider or taller', () => {
    const wide = image(1, 4, 10, (_, __, x) => x);
    expect([...fitImage(wide, 4, 4).data.subarray(0, 4)]).toEqual([3, 4, 5, 6]);
    const tall = image(1, 8, 2, (_, y) => y);
    expect([...fitImage(tall, 2, 2).data]).toEqual([3, 3, 4, 4]);
  });
});

describe('channels', () => {
  const pixel = (...values: number[]) => image(values.length, 1, 1, (c) => values[c]);
  test.each([
    ['grey to colour', pixel(40), 3, [40, 40, 40]],
    ['colour to grey', pixel(200, 100, 50), 1, [0.299 * 200 + 0.587 * 100 + 0.114 * 50]],
    ['opaque', pixel(1, 2, 3, 255), 3, [1, 2, 3]],
    ['transparent', pixel(1, 2, 3, 0), 3, [255, 255, 255]],
    ['half transparent grey', pixel(100, 51), 1, [255 - 155 / 5]],
    ['grey with opacity to colour', pixel(100, 255), 3, [100, 100, 100]],
    ['as many as wanted', pixel(1, 2, 3, 4, 5), 5, [1, 2, 3, 4, 5]],
  ])('%s', (_, given, wanted, expected) => {
    const { channels, data } = convertChannels(given, wanted, 'x');
    expect(channels).toBe(wanted);
    expected.forEach((value, c) => {
      expect(data[c]).toBeCloseTo(value, 3);
    });
  });

  test('others are refused', () => {
    expect(() => convertChannels(pixel(1, 2, 3), 12, 'x.npy')).toThrow(
      /'x.npy' has images of 3 channels, .* 12/,
    );
  });
});

describe('files', () => {
  let folder: string;
  const notes: string[] = [];
  const onNote = (note: string) => notes.push(note);
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'calibration-'));
    notes.length = 0;
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });
  const write = (name: string, bytes: Uint8Array) => {
    const path = join(folder, name);
    writeFileSync(path, bytes);
    return path;
  };
  const npy = (shape: number[], first = 0) => {
    const data = Uint8Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => first + i);
    return encodeNpy({ type: 'uint8', shape, data });
  };
  const png = (height: number, width: number, rgba: number[]) => {
    const file = new PNG({ height, width });
    file.data.forEach((_, i) => (file.data[i] = rgba[i % 4]));
    return PNG.sync.write(file);
  };
  const read = (path: string, shape = [8, 3, 2, 2], preprocessing: Preprocessing = RAW) =>
    readCalibration(
      path,
      { network: { input: { name: 'x', shape, layout: 'NCHW' } }, preprocessing },
      { onNote },
    );

  test('a .npy file of the right shape is read as it is', async () => {
    const { shape, data } = await read(write('a.npy', npy([2, 3, 2, 2])));
    expect(shape).toEqual([2, 3, 2, 2]);
    data.forEach((x, i) => {
      expect(x).toBeCloseTo(i, 3);
    });
    expect(notes.join()).toMatch(/holds 2 images; .* rough/);
  });

  test('a folder is read by name, .png and .npy; what is scaled or left out is noted', async () => {
    write('b.npy', npy([1, 3, 2, 2], 100));
    write('a.PNG', png(4, 6, [10, 20, 30, 255]));
    write('c.jpg', new Uint8Array(3));
    write('labels.txt', new Uint8Array(3));
    const { shape, data } = await read(folder);
    expect(shape).toEqual([2, 3, 2, 2]);
    [10, 10, 10, 10, 20, 20, 20, 20, 30, 30, 30, 30, 100, 101].forEach((value, i) => {
      expect(data[i]).toBeCloseTo(value, 3);
    });
    expect(notes[0]).toMatch(/^1 images in .* neither PNG nor \.npy/);
    expect(notes[1]).toMatch(/^1 of 2 images in .* 2x2/);
  });

  test('pixels arrive in the units of the model', async () => {
    const imagenet = resolvePreprocessing('imagenet', { graph: { inputs: [] } } as never);
    const { data } = await read(write('a.npy', npy([1, 3, 2, 2], 51)), [1, 3, 2, 2], imagenet);
    expect(data[0]).toBeCloseTo((51 / 255 - 0.485) / 0.229, 4);
    expect(data[8]).toBeCloseTo((59 / 255 - 0.406) / 0.225, 4);
  });

  test.each<[string, string, () => string, RegExp]>([
    ['nothing there', 'E_IO', () => join(folder, 'none'), /Cannot read/],
    ['an empty folder', 'E_ARG', () => folder, /holds no \.png or \.npy file\.$/],
    [
      'a folder of other images',
      'E_ARG',
      () => (write('a.jpeg', new Uint8Array(1)), folder),
      /1 images of other kinds, which are not read/,
    ],
    [
      'another file',
      'E_ARG',
      () => write('a.jpg', new Uint8Array(9)),
      /neither a folder nor a \.png or \.npy/,
    ],
    ['no images', 'E_ARG', () => write('a.npy', npy([0, 3, 2, 2])), /holds no images/],
    [
      'floats',
      'E_TENSOR',
      () => write('a.npy', encodeNpy({ type: 'float32', shape: [1, 3, 2, 2], data: new Float32Array(12) })),
      /float32 .* uint8/,
    ],
    ['one image without a count', 'E_TENSOR', () => write('a.npy', npy([3, 2, 2])), /\(3, 2, 2\)/],
    ['five channels', 'E_SHAPE', () => write('a.npy', npy([1, 5, 2, 2])), /5 channels/],
    ['damage', 'E_PARSE', () => write('a.png', png(2, 2, [1, 2, 3, 4]).subarray(0, 40)), /not a valid PNG/],
    [
      'a bomb',
      'E_LIMIT',
      () => {
        const bytes = Buffer.from(png(2, 2, [1, 2, 3, 4]));
        bytes.writeUInt32BE(2 ** 30, 16);
        return write('a.png', bytes);
      },
      /more than \d+ pixels/,
    ],
    ['a folder in disguise', 'E_IO', () => (mkdirSync(join(folder, 'a.png')), folder), /Cannot read/],
  ])('%s: %s', async (_, code, path, message) => {
    await expect(read(path())).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  });

  test('images without a known preprocessing are refused', async () => {
    const path = write('a.npy', npy([1, 3, 2, 2]));
    await expect(read(path, [1, 3, 2, 2], { ...RAW, range: null })).rejects.toMatchObject({ code: 'E_ARG' });
  });
});
