import { resolve } from 'node:path';
import { DfkdError } from '../../converters/errors.js';
import { checkOutput, writeWhole } from '../output-file.js';
import type { RecoverResult } from '../recover-result.js';
import { renderReport } from './html.js';

/** Refuses, before any work, a report that would replace the input, the output, or (without `force`) any file. */
export async function checkReport(
  input: string,
  output: string,
  report: string,
  force: boolean,
): Promise<void> {
  await checkOutput(input, report, force);
  if (resolve(report) === resolve(output)) {
    throw new DfkdError('E_ARG', `The report '${report}' is the output; choose another name.`);
  }
}

/** Writes the HTML report of a run. Throws E_IO. */
export async function writeReport(path: string, result: RecoverResult): Promise<void> {
  await writeWhole(path, Buffer.from(renderReport(result)), async () => {
    // A report needs no check of its own.
  });
}
