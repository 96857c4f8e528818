import type { CommandModule } from 'yargs';
import { formatParity, verifyModels } from '../index.js';
import {
  JSON_OPTION,
  MEMORY_OPTION,
  type MemoryArguments,
  readMaxMemory,
  readSignature,
  SIGNATURE_OPTIONS,
  type SignatureArguments,
} from './options.js';
import { printNote, printResult } from './output.js';

interface Arguments extends SignatureArguments, MemoryArguments {
  readonly a: string;
  readonly b: string;
  readonly json: boolean;
}

export const verifyCommand: CommandModule<object, Arguments> = {
  command: 'verify <a> <b>',
  describe: 'Compare the outputs of two models on the same random inputs',
  builder: (yargs) =>
    yargs
      .positional('a', { type: 'string', demandOption: true, describe: 'ONNX file, the reference' })
      .positional('b', { type: 'string', demandOption: true, describe: 'ONNX file' })
      .options({ ...SIGNATURE_OPTIONS, ...MEMORY_OPTION, ...JSON_OPTION }),
  handler: async ({ a, b, json, ...rest }) => {
    const options = { ...readSignature(rest), maxMemory: readMaxMemory(rest), onNote: printNote };
    await printResult(json, await verifyModels(a, b, options), formatParity);
  },
};
