import { once } from 'node:events';
import { printable, printableJson } from '../index.js';

/** Results go to stdout: one JSON document, or a table for people. */
export async function printResult<T>(json: boolean, result: T, format: (result: T) => string): Promise<void> {
  await write(json ? printableJson(result) : format(result));
}

/** What the user should know goes to stderr, one line each. */
export function printNote(note: string): void {
  process.stderr.write(`${printable(note)}\n`);
}

/** Waits until stdout took the text: a pipe may be slower than the end of the process. */
async function write(text: string): Promise<void> {
  if (!process.stdout.write(`${text}\n`)) await once(process.stdout, 'drain');
}
