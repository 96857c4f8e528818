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
  readSignature,
  SIGNATURE_OPTIONS,
  type SignatureArguments,
} from './options.js';
import { printNote, printResult } from './output.js';

interface Arguments extends PreprocessArguments, SignatureArguments, MemoryArguments {
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
      ...SIGNATURE_OPTIONS,
      ...MEMORY_OPTION,
      ...JSON_OPTION,
    }),
  handler: async ({ model, images, labels, json, ...rest }) => {
    const options = {
      images,
      labels,
      preprocess: readPreprocess(rest),
      ...readSignature(rest),
      maxMemory: readMaxMemory(rest),
      onNote: printNote,
    };
    await printResult(json, await evaluateModel(model, options), formatEvaluation);
  },
};
