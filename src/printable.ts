import { printable } from '../converters/printable.js';

export { printable, shorten } from '../converters/printable.js';

/** JSON on one line, of which every control character is an escape; it parses to the same value. */
export function printableJson(value: unknown): string {
  return printable(JSON.stringify(value));
}
