import type { Arrays } from '../../engine/engine.js';
import type { Random } from '../../random.js';
import { balancedTargets, oneHot } from '../targets.js';

/** Numbers that an image is drawn from, besides its class. */
export const LATENT = 128;

/**
 * Of what is drawn, before it is brought into the valid range by a sigmoid: the deviation of the logarithm of its contrast,
 * of its brightness, and of each colour's besides. Photographs differ so, and statistics of batch norms do not tell that
 * from differences within an image: a generator left to itself draws all images in the same light.
 */
const CONTRAST = 0.3;
const BRIGHTNESS = 0.7;
const TINT = 0.2;

/** How many of a batch have another of the same class in it, at a distance of batch - pairs. */
export const pairsOf = (batch: number): number => Math.floor(batch / 2);

/** Classes of batch after batch: those of the first half in balance over all, then the same ones again. */
export function pairedTargets(classes: number, batch: number): (index: number) => readonly number[] {
  const half = batch - pairsOf(batch);
  const first = balancedTargets(classes, half);
  return (index) => {
    const targets = first(index);
    return [...targets, ...targets.slice(0, batch - half)];
  };
}

/**
 * What images of these classes are drawn from: `latent` [batch, LATENT], one-hot `targets` [batch, classes]; `contrast`
 * [batch, 1, 1, 1] and `light` [batch, channels, 1, 1], in which the generator has no say.
 */
export function drawVariation(
  targets: readonly number[],
  { classes, channels }: { readonly classes: number; readonly channels: number },
  random: Random,
): Arrays {
  const batch = targets.length;
  const brightness = random.gaussian(batch);
  const tint = random.gaussian(batch * channels);
  return {
    latent: { shape: [batch, LATENT], data: random.gaussian(batch * LATENT) },
    targets: oneHot(targets, classes),
    contrast: { shape: [batch, 1, 1, 1], data: random.gaussian(batch).map((x) => Math.exp(CONTRAST * x)) },
    light: {
      shape: [batch, channels, 1, 1],
      data: tint.map((x, i) => TINT * x + BRIGHTNESS * brightness[Math.floor(i / channels)]),
    },
  };
}
