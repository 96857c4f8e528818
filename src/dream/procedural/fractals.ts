import type { Random } from '../../random.js';
import { between, drawColour, paint, type Canvas } from './canvas.js';
import { drawTexture } from './textures.js';

/** x' = a x + b y + e, y' = c x + d y + f. */
interface AffineMap {
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly d: number;
  readonly e: number;
  readonly f: number;
}

/** Where the chaos game went: coordinates, and which map's colour each point carries, 0..1. */
interface Points {
  readonly x: Float32Array;
  readonly y: Float32Array;
  readonly hue: Float32Array;
}

/** Points per pixel, and how many of the first are on their way to the attractor still. */
const DENSITY = 3;
const APPROACH = 20;

/**
 * The attractor of a random iterated function system (Kataoka et al., arXiv 2101.08515), in two colours by the maps that
 * led there (as Draves' flames), over a texture.
 */
export function drawFractal(canvas: Canvas, random: Random): void {
  const { channels, height, width } = canvas;
  drawTexture(canvas, random);
  const size = height * width;
  const points = playChaosGame(drawSystem(random), DENSITY * size, random);
  const [columns, rows] = [toPixels(points.x, width, random), toPixels(points.y, height, random)];
  const hits = new Float32Array(size);
  const hues = new Float32Array(size);
  columns.forEach((column, i) => {
    const at = rows[i] * width + column;
    hits[at]++;
    hues[at] += points.hue[i];
  });
  const colours = [drawColour(random, channels), drawColour(random, channels)] as const;
  hits.forEach((count, at) => {
    // Opaque where points are denser than on average.
    const alpha = Math.min(1, count / DENSITY);
    if (count > 0) paint(canvas, at, colours, hues[at] / count, alpha, 1 - alpha);
  });
}

/**
 * Two to five contractions, whose singular values s1 >= s2 add up to the middle of the range in which Anderson and
 * Farrell (arXiv 2110.03091, section 3.2) found attractors neither too thin nor too full:
 * (5 + n) / 2 <= sum of (s1 + 2 s2) <= (6 + n) / 2 for n maps.
 */
function drawSystem(random: Random): AffineMap[] {
  const count = 2 + random.integer(4);
  const wanted = (5.5 + count) / 2;
  const singular = Array.from({ length: count }, () => {
    const [p, q] = [random.uniform(), random.uniform()];
    return [Math.max(p, q), Math.min(p, q)];
  });
  const sum = singular.reduce((total, [first, second]) => total + first + 2 * second, 0);
  return singular.map(([first, second]) => {
    const [s1, s2] = [first, second].map((value) => Math.min((value * wanted) / sum, 0.95));
    const turn = () => between(random, 0, 2 * Math.PI);
    const [left, right] = [turn(), turn()];
    const [cl, sl, cr, sr] = [Math.cos(left), Math.sin(left), Math.cos(right), Math.sin(right)];
    const flip = random.integer(2) === 0 ? s2 : -s2;
    // Rotation, scaling, rotation.
    return {
      a: cl * s1 * cr - sl * flip * sr,
      b: -cl * s1 * sr - sl * flip * cr,
      c: sl * s1 * cr + cl * flip * sr,
      d: -sl * s1 * sr + cl * flip * cr,
      e: between(random, -1, 1),
      f: between(random, -1, 1),
    };
  });
}

/** Applies maps at random, each as often as it covers area; a point's hue halves its way to that of its last map. */
function playChaosGame(maps: readonly AffineMap[], count: number, random: Random): Points {
  const areas = maps.map(({ a, b, c, d }) => Math.abs(a * d - b * c) + 0.01);
  const total = areas.reduce((sum, area) => sum + area);
  const limits = areas.map((_, i) => areas.slice(0, i + 1).reduce((sum, area) => sum + area) / total);
  const points = { x: new Float32Array(count), y: new Float32Array(count), hue: new Float32Array(count) };
  let [x, y, hue] = [0, 0, 0.5];
  for (let i = -APPROACH; i < count; i++) {
    const draw = random.uniform();
    let map = 0;
    while (map < maps.length - 1 && draw >= limits[map]) map++;
    const { a, b, c, d, e, f } = maps[map];
    [x, y] = [a * x + b * y + e, c * x + d * y + f];
    hue = (hue + map / (maps.length - 1)) / 2;
    if (i < 0) continue;
    points.x[i] = x;
    points.y[i] = y;
    points.hue[i] = hue;
  }
  return points;
}

/** The attractor's extent onto a random part of 0..size - 1, at least half of it. */
function toPixels(values: Float32Array, size: number, random: Random): Uint16Array {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  const extent = between(random, 0.5, 1) * size;
  const start = between(random, 0, size - extent);
  const scale = high > low ? extent / (high - low) : 0;
  // Not `from`, which takes its elements from an iterator, one by one.
  return new Uint16Array(values.map((value) => Math.min(start + (value - low) * scale, size - 1)));
}
