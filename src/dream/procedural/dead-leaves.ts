import type { Random } from '../../random.js';
import { between, clamp, drawColour, paint, type Canvas, type Colour } from './canvas.js';

/** Radius of the smallest leaf, in pixels. */
const SMALLEST = 1.5;
/** Share of the image that stays ground; random leaves are slow to cover the last of it. */
const GROUND = 0.02;

/** An ellipse or a rectangle, flat, shaded or striped. */
interface Leaf {
  readonly x: number;
  readonly y: number;
  /** Half axes; the longer is the radius. */
  readonly axes: readonly [number, number];
  readonly angle: number;
  readonly isRectangle: boolean;
  readonly colours: readonly [Colour, Colour];
  /** The wave from one colour to the other: radians per pixel along the image's axes, and its phase. */
  readonly wave: readonly [number, number, number];
}

/**
 * Objects that hide one another, their radii r distributed as r^-3, which makes the image look the same at every
 * scale: its power falls with the square of the spatial frequency (Lee, Mumford and Huang, Occlusion models for natural
 * images, 2001). From front to back, so that a pixel is done with once it is covered.
 */
export function drawDeadLeaves(canvas: Canvas, random: Random): void {
  const size = canvas.height * canvas.width;
  const open = new Float32Array(size).fill(1);
  let left = size;
  for (let i = 0; i < size && left > GROUND * size; i++) {
    left -= paintLeaf(canvas, drawLeaf(canvas, random), open);
  }
  const ground = drawColour(random, canvas.channels);
  open.forEach((share, at) => {
    if (share > 0) paint(canvas, at, [ground, ground], 0, share, 1);
  });
}

function drawLeaf({ channels, height, width }: Canvas, random: Random): Leaf {
  const largest = Math.max(height, width, 2 * SMALLEST) / 2;
  const radius = SMALLEST / Math.sqrt(1 - random.uniform() * (1 - (SMALLEST / largest) ** 2));
  // From a gradient over the whole leaf to stripes of a few pixels.
  const frequency = Math.exp(between(random, Math.log(0.5 / radius), Math.log(2)));
  const direction = between(random, 0, 2 * Math.PI);
  const first = drawColour(random, channels);
  const isFlat = random.uniform() < 0.4;
  return {
    x: between(random, -0.2, 1.2) * width,
    y: between(random, -0.2, 1.2) * height,
    axes: [radius, radius * between(random, 0.3, 1)],
    angle: between(random, 0, Math.PI),
    isRectangle: random.uniform() < 0.4,
    colours: [first, isFlat ? first : drawColour(random, channels)],
    wave: [frequency * Math.cos(direction), frequency * Math.sin(direction), direction],
  };
}

/** Paints a leaf where the image is open still; returns how many pixels it closed. */
function paintLeaf(canvas: Canvas, leaf: Leaf, open: Float32Array): number {
  const { height, width } = canvas;
  const reach = Math.hypot(...leaf.axes) + 1;
  const [top, bottom] = [Math.max(0, Math.floor(leaf.y - reach)), Math.min(height, leaf.y + reach)];
  const [left, right] = [Math.max(0, Math.floor(leaf.x - reach)), Math.min(width, leaf.x + reach)];
  const [cos, sin] = [Math.cos(leaf.angle), Math.sin(leaf.angle)];
  let closed = 0;
  for (let row = top; row < bottom; row++) {
    for (let column = left; column < right; column++) {
      const at = row * width + column;
      if (open[at] === 0) continue;
      const dx = column + 0.5 - leaf.x;
      const dy = row + 0.5 - leaf.y;
      const coverage = clamp(0.5 - signedDistance(leaf, cos * dx + sin * dy, cos * dy - sin * dx));
      if (coverage === 0) continue;
      const share = 0.5 + 0.5 * Math.sin(leaf.wave[0] * dx + leaf.wave[1] * dy + leaf.wave[2]);
      const alpha = open[at] * coverage;
      paint(canvas, at, leaf.colours, share, alpha, 1);
      open[at] -= alpha;
      closed += alpha;
    }
  }
  return closed;
}

/** From a point (u, v) along the leaf's axes to its rim, about, in pixels; negative inside. */
function signedDistance({ axes: [a, b], isRectangle }: Leaf, u: number, v: number): number {
  if (isRectangle) return Math.max(Math.abs(u) - a, Math.abs(v) - b);
  return (Math.sqrt((u / a) ** 2 + (v / b) ** 2) - 1) * b;
}
