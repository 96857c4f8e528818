import type { Random } from '../../random.js';
import { between, drawColour, paint, type Canvas } from './canvas.js';

/**
 * Waves of random direction between two colours: one or two are gratings, many are clouds; pushed towards the two colours,
 * stripes, checks and blobs with edges. Three layers, the upper ones let the lower ones through in parts.
 */
export function drawTexture(canvas: Canvas, random: Random): void {
  const { channels, height, width } = canvas;
  for (let layer = 0; layer < 3; layer++) {
    const colours = [drawColour(random, channels), drawColour(random, channels)] as const;
    const field = drawField(height, width, random);
    const cover = layer === 0 ? undefined : drawField(height, width, random);
    field.forEach((share, at) => {
      const alpha = cover?.[at] ?? 1;
      paint(canvas, at, colours, share, alpha, 1 - alpha);
    });
  }
}

/**
 * A sum of plane waves in 0..1, [height, width]. As many waves in one octave as in the next, all of one amplitude: the
 * power per area of the spectrum falls with the square of the spatial frequency (Field, 1987).
 */
export function drawField(height: number, width: number, random: Random): Float32Array {
  const waves = 1 + Math.floor(20 * random.uniform() ** 2);
  // From half a wave over the image to one in four pixels.
  const lowest = Math.PI / Math.max(height, width, 4);
  const sharpness = Math.exp(between(random, -0.5, 2));
  const field = new Float32Array(height * width);
  for (let wave = 0; wave < waves; wave++) {
    const frequency = lowest * (Math.PI / 2 / lowest) ** random.uniform();
    const direction = between(random, 0, Math.PI);
    const phase = between(random, 0, 2 * Math.PI);
    addWave(field, width, frequency * Math.sin(direction), frequency * Math.cos(direction), phase);
  }
  const scale = sharpness / Math.sqrt(waves / 2);
  return field.map((value) => 0.5 + 0.5 * Math.tanh(value * scale));
}

/** Adds cos(down y + across x + phase): a cosine and a sine for each row and each column, none for each pixel. */
function addWave(field: Float32Array, width: number, down: number, across: number, phase: number): void {
  const cos = new Float64Array(width).map((_, x) => Math.cos(across * x));
  const sin = new Float64Array(width).map((_, x) => Math.sin(across * x));
  for (let start = 0, y = 0; start < field.length; start += width, y++) {
    const [c, s] = [Math.cos(down * y + phase), Math.sin(down * y + phase)];
    for (let x = 0; x < width; x++) field[start + x] += c * cos[x] - s * sin[x];
  }
}
