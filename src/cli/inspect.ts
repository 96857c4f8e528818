import type { CommandModule } from 'yargs';
import { formatInspection, inspectModel } from '../index.js';
import {
  JSON_OPTION,
  MEMORY_OPTION,
  type MemoryArguments,
  readMaxMemory,
  readSignature,
  SIGNATURE_OPTIONS,
  type SignatureArguments,
} from './options.js';
import { printResult } from './output.js';

interface Arguments extends SignatureArguments, MemoryArguments {
  readonly model: string;
  readonly json: boolean;
}

export const inspectCommand: CommandModule<object, Arguments> = {
  command: 'inspect <model>',
  describe: 'Show what a model is made of and whether it can be worked on',
  builder: (yargs) =>
    yargs
      .positional('model', { type: 'string', demandOption: true, describe: 'ONNX file' })
      .options({ ...SIGNATURE_OPTIONS, ...MEMORY_OPTION, ...JSON_OPTION }),
  handler: async ({ model, json, ...rest }) => {
    const options = { ...readSignature(rest), maxMemory: readMaxMemory(rest) };
    await printResult(json, await inspectModel(model, options), formatInspection);
  },
};
