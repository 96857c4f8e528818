import type { Random } from '../../random.js';

/** One image while it is drawn: `data` [channels, height, width], pixels in 0..1. */
export interface Canvas {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  readonly data: Float32Array;
}

/** Draws on all of a canvas of zeros; the same stream gives the same image. */
export type Draw = (canvas: Canvas, random: Random) => void;

/** One value per channel, in 0..1. */
export type Colour = readonly number[];

/**
 * A colour of natural images, in which brightness varies far more than hue: of the variance of their colours about nine
 * tenths lie along grey (Ruderman, Cronin and Chiao, 1998).
 */
export function drawColour(random: Random, channels: number): Colour {
  const brightness = 0.85 * random.uniform();
  return Array.from(random.gaussian(channels), (hue) => clamp(0.03 + brightness + 0.1 * hue));
}

/** Pixel `at` of the plane becomes `keep` times what it is, plus `alpha` times `first + share (second - first)`. */
export function paint(
  { channels, height, width, data }: Canvas,
  at: number,
  [first, second]: readonly [Colour, Colour],
  share: number,
  alpha: number,
  keep: number,
): void {
  for (let c = 0, i = at; c < channels; c++, i += height * width) {
    data[i] = keep * data[i] + alpha * (first[c] + share * (second[c] - first[c]));
  }
}

export function clamp(x: number): number {
  return Math.min(Math.max(x, 0), 1);
}

/** Uniform within [low, high). */
export function between(random: Random, low: number, high: number): number {
  return low + (high - low) * random.uniform();
}
