import type { CommandModule } from 'yargs';
import { formatOperators, supportedOperators } from '../index.js';
import { JSON_OPTION } from './options.js';
import { printResult } from './output.js';

export const opsCommand: CommandModule<object, { readonly json: boolean }> = {
  command: 'ops',
  describe: 'List the operators that models may use',
  builder: (yargs) => yargs.options(JSON_OPTION),
  handler: async ({ json }) => {
    await printResult(json, await supportedOperators(), formatOperators);
  },
};
