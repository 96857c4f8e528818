import type { CommandModule } from 'yargs';
import { evaluateModel, formatEvaluation } from '../index.js';
import {
  JSON_OPTION,
  MEMORY_OPTION,
  type MemoryArguments,
  PREPROCESS_OPTIONS,
  type PreprocessArguments,
  readMaxMemory,
  readPreprocess,
} from './options.js';
import { printResult } from './output.js';

interface Arguments extends PreprocessArguments, MemoryArguments {
  readonly model: string;
  readonly images: string;
  readonly labels: string;
  readonly json: boolean;
}

export const evaluateCommand: CommandModule<object, Arguments> = {
  command: 'evaluate <model>',
  describe: 'Top-1 accuracy on labelled images of your own',
  builder: (yargs) =>
    yargs.positional('model', { type: 'string', demandOption: true, describe: 'ONNX file' }).options({
      images: { type: 'string', demandOption: true, requiresArg: true, describe: 'uint8 NCHW .npy' },
      labels: { type: 'string', demandOption: true, requiresArg: true, describe: 'integer .npy' },
      ...PREPROCESS_OPTIONS,
      ...MEMORY_OPTION,
      ...JSON_OPTION,
    }),
  handler: async ({ model, images, labels, json, ...rest }) => {
    const options = { images, labels, preprocess: readPreprocess(rest), maxMemory: readMaxMemory(rest) };
    await printResult(json, await evaluateModel(model, options), formatEvaluation);
  },
};
