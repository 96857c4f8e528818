import type { CommandModule } from 'yargs';
import { formatDevices, listDevices } from '../index.js';
import { JSON_OPTION } from './options.js';
import { printResult } from './output.js';

interface Arguments {
  readonly json: boolean;
}

export const devicesCommand: CommandModule<object, Arguments> = {
  command: 'devices',
  describe: 'Show what this machine can compute on, and why not on the rest',
  builder: (yargs) => yargs.options(JSON_OPTION),
  handler: async ({ json }) => {
    await printResult(json, await listDevices(), formatDevices);
  },
};
