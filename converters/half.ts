/** float16 (IEEE 754 binary16) and bfloat16 bits from and to float32 values. Widening is exact. */

import type { DataType } from './model.js';

const word = new Uint32Array(1);
const float = new Float32Array(word.buffer);

export function float16ToFloat32(bits: Uint16Array): Float32Array {
  return Float32Array.from(bits, (half) => {
    const sign = half & 0x8000 ? -1 : 1;
    const exponent = (half >> 10) & 0x1f;
    const fraction = half & 0x3ff;
    if (exponent === 0) return sign * fraction * 2 ** -24;
    if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
    return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
  });
}

export function bfloat16ToFloat32(bits: Uint16Array): Float32Array {
  return new Float32Array(Uint32Array.from(bits, (half) => half << 16).buffer);
}

/** Rounds to nearest, ties to even; overflow becomes infinity. */
export function float32ToFloat16(values: Float32Array): Uint16Array {
  return Uint16Array.from(values, (value) => {
    float[0] = value;
    const bits = word[0];
    const sign = (bits >>> 16) & 0x8000;
    const magnitude = Math.abs(value);
    if (Number.isNaN(value)) return sign | 0x7e00;
    if (magnitude >= 65520) return sign | 0x7c00;
    // Below the least normal, 2^-14, values are multiples of 2^-24.
    if (magnitude < 2 ** -14) return sign | roundToEven(magnitude * 2 ** 24);
    const exponent = ((bits >>> 23) & 0xff) - 127;
    // A fraction rounded up to 1024 carries into the exponent, as it should.
    return sign | (((exponent + 15) << 10) + roundToEven((magnitude / 2 ** exponent - 1) * 1024));
  });
}

/** Rounds to nearest, ties to even. */
export function float32ToBfloat16(values: Float32Array): Uint16Array {
  return Uint16Array.from(values, (value) => {
    float[0] = value;
    const bits = word[0];
    if (Number.isNaN(value)) return (bits >>> 16) | 0x40;
    return (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
  });
}

/** Largest finite values. */
const LARGEST = { float16: 65504, bfloat16: 3.3895313892515355e38 } as const;

/** The nearest finite value of a type, as float32; float and double hold every float32. */
export function roundTo(type: DataType, values: Float32Array): Float32Array {
  if (type !== 'float16' && type !== 'bfloat16') return values;
  const largest = LARGEST[type];
  const finite = values.map((value) => Math.max(-largest, Math.min(largest, value)));
  return type === 'float16'
    ? float16ToFloat32(float32ToFloat16(finite))
    : bfloat16ToFloat32(float32ToBfloat16(finite));
}

function roundToEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
}
