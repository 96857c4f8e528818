import type { CommandModule } from 'yargs';
import { formatRecovery, recoverModel, type RecoverOptions, type RungName } from '../index.js';
import {
  COMPUTE_OPTIONS,
  type ComputeArguments,
  JSON_OPTION,
  MEMORY_OPTION,
  type MemoryArguments,
  PREPROCESS_OPTIONS,
  type PreprocessArguments,
  SIGNATURE_OPTIONS,
  type SignatureArguments,
  readDuration,
  readInteger,
  readMaxMemory,
  readNumber,
  readPreprocess,
  readSignature,
  readThreads,
} from './options.js';
import { printNote, printResult } from './output.js';
import { createProgress } from './progress.js';
import { interruption } from './signals.js';

interface Arguments extends PreprocessArguments, SignatureArguments, MemoryArguments, ComputeArguments {
  readonly teacher: string;
  readonly student: string;
  readonly sparsity?: string | undefined;
  readonly criterion: RecoverOptions['criterion'];
  readonly schedule: RecoverOptions['schedule'];
  readonly pattern: string;
  readonly rungs?: string | undefined;
  readonly budget?: string | undefined;
  readonly preset: 'fast' | 'standard' | 'thorough';
  readonly seed: string;
  readonly synthesis: RecoverOptions['synthesis'];
  readonly calib?: string | undefined;
  readonly dreams?: string | undefined;
  readonly report?: string | undefined;
  readonly force: boolean;
  readonly 'no-recover': boolean;
  readonly 'dry-run': boolean;
  readonly json: boolean;
}

const OPTIONS = {
  sparsity: {
    type: 'string',
    requiresArg: true,
    describe: 'Share of conv and linear weights to cut, 0 <= s < 1 (default 0.75)',
  },
  criterion: {
    type: 'string',
    choices: ['magnitude', 'lamp', 'uniform'],
    default: 'magnitude',
    requiresArg: true,
    describe: 'By what the weights to cut are chosen',
  },
  schedule: {
    type: 'string',
    choices: ['gradual', 'one-shot'],
    default: 'gradual',
    requiresArg: true,
    describe: 'Whether weights are cut while the student learns, or all before',
  },
  pattern: {
    type: 'string',
    default: 'unstructured',
    requiresArg: true,
    describe: 'What is cut together: unstructured, block, or n:m such as 2:4',
  },
  preset: {
    type: 'string',
    choices: ['fast', 'standard', 'thorough'],
    default: 'standard',
    requiresArg: true,
    describe: 'How much work to spend on recovery',
  },
  rungs: {
    type: 'string',
    requiresArg: true,
    describe: 'Of statistics,match,reconstruct,distil, those to climb (default by the cut)',
  },
  budget: {
    type: 'string',
    requiresArg: true,
    describe: 'Time for the whole run, such as 30s, 3m or 1h (default: what the preset takes)',
  },
  synthesis: {
    type: 'string',
    choices: ['generator', 'deepinversion', 'adaptive'],
    default: 'generator',
    requiresArg: true,
    describe: 'What the student learns from',
  },
  seed: { type: 'string', default: '0', requiresArg: true, describe: 'Seed of all randomness' },
  ...PREPROCESS_OPTIONS,
  ...SIGNATURE_OPTIONS,
  ...COMPUTE_OPTIONS,
  ...MEMORY_OPTION,
  dreams: {
    type: 'string',
    requiresArg: true,
    describe:
      'Images to learn from in place of dreams made now: a folder of onnx-dfkd dream, or a uint8 NCHW .npy',
  },
  calib: {
    type: 'string',
    requiresArg: true,
    describe: 'Unlabelled images to learn from as well: a .npy file, or a folder of .png and .npy files',
  },
  report: { type: 'string', requiresArg: true, describe: 'Write an HTML report to this file' },
  ...JSON_OPTION,
  force: { type: 'boolean', default: false, describe: 'Replace files that exist' },
  'no-recover': { type: 'boolean', default: false, describe: 'Prune only' },
  'dry-run': {
    type: 'boolean',
    default: false,
    describe: 'Stop before the first training step, write nothing',
  },
} as const;

export const recoverCommand: CommandModule<object, Arguments> = {
  command: '$0 <teacher> <student>',
  describe: 'Prune a trained ONNX classifier and recover its accuracy without its training data',
  builder: (yargs) =>
    yargs
      .positional('teacher', { type: 'string', demandOption: true, describe: 'ONNX file to read' })
      .positional('student', { type: 'string', demandOption: true, describe: 'ONNX file to write' })
      .options(OPTIONS),
  handler: async (argv) => {
    const progress = createProgress(process.stderr);
    const options = {
      sparsity: argv.sparsity === undefined ? undefined : readNumber('--sparsity', argv.sparsity),
      criterion: argv.criterion,
      schedule: argv.schedule,
      pattern: argv.pattern,
      rungs: argv.rungs?.split(',').map((name) => name.trim() as RungName),
      budget: argv.budget === undefined ? undefined : readDuration('--budget', argv.budget),
      preset: argv.preset,
      synthesis: argv.synthesis,
      seed: readInteger('--seed', argv.seed, 0),
      preprocess: readPreprocess(argv),
      ...readSignature(argv),
      engine: argv.engine,
      threads: readThreads(argv.threads),
      maxMemory: readMaxMemory(argv),
      device: argv.device,
      calibration: argv.calib,
      dreams: argv.dreams,
      report: argv.report,
      recover: !argv['no-recover'],
      force: argv.force,
      dryRun: argv['dry-run'],
      onProgress: progress.update,
      onNote: printNote,
      signal: interruption(),
    };
    try {
      const result = await recoverModel(argv.teacher, argv.student, options);
      progress.end();
      await printResult(argv.json, result, formatRecovery);
    } finally {
      progress.end();
    }
  },
};
