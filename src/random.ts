import { createHash } from 'node:crypto';
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plusFromState } from 'pure-rand/generator/xoroshiro128plus';

/** A stream of random numbers that depends on the seed and its name alone. */
export interface Random {
  /**
   * Another stream, independent of this one and of how much was drawn from it. The same name gives the same stream;
   * `split('a').split('b')` is `split('a/b')`.
   */
  split(name: string): Random;
  /** A number in [0, 1). */
  uniform(): number;
  /** A whole number in [0, bound). */
  integer(bound: number): number;
  /** `size` numbers of mean 0 and standard deviation 1. */
  gaussian(size: number): Float32Array;
  /** The numbers 0 to size - 1 in random order. */
  permutation(size: number): number[];
}

export function createRandom(seed: number): Random {
  return createStream(String(seed));
}

function createStream(path: string): Random {
  const digest = createHash('sha256').update(path).digest();
  const generator = xoroshiro128plusFromState([0, 4, 8, 12].map((at) => digest.readInt32LE(at)));
  const uniform = () => uniformFloat64(generator);
  const integer = (bound: number) => uniformInt(generator, 0, bound - 1);

  return {
    split: (name) => createStream(`${path}/${name}`),
    uniform,
    integer,
    gaussian(size) {
      const values = new Float32Array(size);
      // Box and Muller (1958): two uniform numbers make two Gaussian ones. 1 - u keeps the logarithm finite.
      for (let i = 0; i < size; i += 2) {
        const radius = Math.sqrt(-2 * Math.log(1 - uniform()));
        const angle = 2 * Math.PI * uniform();
        values[i] = radius * Math.cos(angle);
        if (i + 1 < size) values[i + 1] = radius * Math.sin(angle);
      }
      return values;
    },
    permutation(size) {
      // Fisher and Yates' shuffle.
      const order = Array.from({ length: size }, (_, i) => i);
      for (let last = size - 1; last > 0; last--) {
        const other = integer(last + 1);
        [order[last], order[other]] = [order[other], order[last]];
      }
      return order;
    },
  };
}
