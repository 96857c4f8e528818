import type { CommandModule } from 'yargs';
import { evaluateModel, formatEvaluation } from '../index.js';
import { JSON_OPTION, PREPROCESS_OPTIONS, type PreprocessArguments, readPreprocess } from './options.js';
import { printResult } from './output.js';

interface Arguments extends PreprocessArguments {
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
      ...JSON_OPTION,
    }),
  handler: async ({ model, images, labels, json, ...rest }) => {
    const options = { images, labels, preprocess: readPreprocess(rest) };
    await printResult(json, await evaluateModel(model, options), formatEvaluation);
  },
};
