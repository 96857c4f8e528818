import { existsSync } from 'node:fs';
import { PNG } from 'pngjs';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { renderChart } from '../src/report/chart.js';
import { encodePngGrid } from '../src/report/png.js';
import { renderReport } from '../src/report/html.js';
import type { RecoverResult } from '../src/recover-result.js';
import { formatTable } from '../src/report/terminal.js';

const CHROMIUM = '/usr/bin/chromium';
const HOSTILE = '</title><img src=x onerror="document.title=1"><script>document.title=2</script>\u202E&amp;';

/** Two 2x2 colour images whose pixels tell where they are. */
const IMAGES = { shape: [2, 3, 2, 2], data: Uint8ClampedArray.from({ length: 24 }, (_, i) => 10 * i) };

const RESULT: RecoverResult = {
  input: { path: 'in.onnx', sha256: 'aa' },
  output: { path: HOSTILE, sha256: 'bb', bytes: 1100 },
  seed: 7,
  preset: 'fast',
  device: 'cpu',
  seconds: 61.25,
  sparsity: { target: 0.8, achieved: 0.8003 },
  agreement: { pruned: 0.416, recovered: 0.875 },
  stages: [
    { name: 'dream', seconds: 40, agreement: null },
    { name: 'distil', seconds: 20, agreement: 0.875 },
  ],
  parity: { maxAbsDiff: 1.25e-6 },
  details: {
    inputBytes: 1200,
    engine: 'onnxruntime',
    notes: ['No range is assumed.'],
    layers: [{ name: HOSTILE, weights: 432, zeros: 108 }],
    curves: [
      {
        stage: 'dream',
        steps: [1, 2, 3],
        terms: { loss: [100, 10, 1], batchNorm: [50, 5, 0.5], nothing: [0, 0, 0] },
      },
      { stage: 'distil', steps: [1, 2], terms: { loss: [2, 1] } },
    ],
    images: IMAGES,
  },
};

describe('encodePngGrid', () => {
  test('puts every pixel in its place, enlarged, one pixel apart', () => {
    const { width, height, data } = PNG.sync.read(Buffer.from(encodePngGrid(IMAGES, 2, 2)));
    expect([width, height]).toEqual([9, 4]);
    const pixel = (x: number, y: number) => [...data.subarray(4 * (y * width + x), 4 * (y * width + x) + 4)];
    // Image 1, row 1, column 0: elements 12 + 2, 16 + 2, 20 + 2.
    expect(pixel(5, 2)).toEqual([140, 180, 220, 255]);
    expect(pixel(6, 3)).toEqual([140, 180, 220, 255]);
    expect(pixel(4, 0)[3]).toBe(0);
  });

  test('shows one channel as grey, and fills rows', () => {
    const grey = { shape: [3, 1, 1, 1], data: Uint8Array.of(1, 2, 3) };
    const { width, height, data } = PNG.sync.read(Buffer.from(encodePngGrid(grey, 2)));
    expect([width, height]).toEqual([3, 3]);
    expect([...data.subarray(4 * 6, 4 * 6 + 4)]).toEqual([3, 3, 3, 255]);
  });
});

test('formatTable aligns columns and makes control characters visible', () => {
  expect(
    formatTable([
      ['a\x1b[31m', '1'],
      ['b', '22'],
    ]),
  ).toBe(`a\\u001b[31m   1\nb${' '.repeat(10)}  22`);
});

test('a curve of very many steps keeps its ends and a bearable number of points', () => {
  const steps = Array.from({ length: 200_000 }, (_, i) => i + 1);
  const svg = renderChart({ stage: 'dream', steps, terms: { loss: steps } });
  const [points] = /points="([^"]*)"/.exec(svg)!.slice(1);
  expect(points.split(' ').length).toBeLessThanOrEqual(1001);
  expect(svg).toContain('step 200000');
});

test('renderReport names nothing outside itself', () => {
  const html = renderReport(RESULT);
  expect(html).not.toMatch(/https?:|<script|src="(?!data:)/);
  expect(html).not.toContain('<img src=x');
});

const browserTest = describe.skipIf(!existsSync(CHROMIUM));
browserTest(`the report in a browser (skipped without ${CHROMIUM})`, () => {
  let browser: Browser;
  let page: Page;
  const requests: string[] = [];
  beforeAll(async () => {
    browser = await chromium.launch({
      executablePath: CHROMIUM,
      args: [
        '--headless',
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    });
    page = await browser.newPage();
    page.on('request', (request) => requests.push(request.url()));
    await page.setContent(renderReport(RESULT));
  });
  afterAll(async () => {
    await browser.close();
  });

  test('asks for nothing and runs nothing', async () => {
    expect(requests.filter((url) => !url.startsWith('data:'))).toEqual([]);
    // The hostile name would have changed the title to 1 or 2.
    expect(await page.title()).toBe(`onnx-dfkd: ${HOSTILE.replace('\u202E', '\\u202e')}`);
  });

  test('shows figures, stages and layers', async () => {
    const text = await page.innerText('body');
    for (const shown of [
      '41.6%',
      '87.5%',
      '80.0%',
      '1200',
      '1100',
      '40.0',
      '25.0%',
      '1.25e-6',
      HOSTILE.slice(0, 30),
    ]) {
      expect(text).toContain(shown);
    }
  });

  test('draws falling losses, and none for a term that is always zero', async () => {
    expect(await page.locator('figure').first().locator('polyline').count()).toBe(2);
    const points = await page.locator('polyline').first().getAttribute('points');
    const heights = points!.split(' ').map((point) => Number(point.split(',')[1]));
    expect(heights).toHaveLength(3);
    // Equal ratios are equal distances on a logarithmic axis, and y grows downwards.
    expect(heights[1] - heights[0]).toBeGreaterThan(0);
    expect(heights[2] - heights[1]).toBeCloseTo(heights[1] - heights[0], 0);
  });

  test('shows the images', async () => {
    const size = await page.locator('img').evaluate((image) => {
      const { naturalWidth, naturalHeight } = image as unknown as {
        naturalWidth: number;
        naturalHeight: number;
      };
      return [naturalWidth, naturalHeight];
    });
    expect(size).toEqual([9, 4]);
  });

  test('follows the reader: dark paper in the dark', async () => {
    const paper = () => page.evaluate('getComputedStyle(document.body).backgroundColor');
    await page.emulateMedia({ colorScheme: 'light' });
    expect(await paper()).toBe('rgb(255, 255, 255)');
    await page.emulateMedia({ colorScheme: 'dark' });
    expect(await paper()).toBe('rgb(21, 24, 28)');
  });
});
