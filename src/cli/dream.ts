import type { CommandModule } from 'yargs';
import {
  assignShard,
  DfkdError,
  type DreamsOptions,
  formatDreams,
  makeDreams,
  mergeDreams,
  SYNTHESES,
  type SynthesisName,
} from '../index.js';
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
  readInteger,
  readMaxMemory,
  readPreprocess,
  readSignature,
  readThreads,
} from './options.js';
import { printNote, printResult } from './output.js';
import { createProgress } from './progress.js';
import { interruption } from './signals.js';

interface Arguments extends PreprocessArguments, SignatureArguments, MemoryArguments, ComputeArguments {
  readonly teacher: string;
  readonly dir?: string | undefined;
  /** The command, and positional arguments beyond the two. */
  readonly _: readonly (string | number)[];
  readonly merge: boolean;
  readonly count: string;
  readonly synthesis: SynthesisName;
  readonly preset: 'fast' | 'standard' | 'thorough';
  readonly seed: string;
  readonly shard?: string | undefined;
  readonly resume: boolean;
  readonly force: boolean;
  readonly json: boolean;
}

const OPTIONS = {
  count: { type: 'string', default: '1024', requiresArg: true, describe: 'Images in all' },
  synthesis: {
    type: 'string',
    choices: SYNTHESES,
    default: SYNTHESES[0],
    requiresArg: true,
    describe: 'How images are made',
  },
  preset: {
    type: 'string',
    choices: ['fast', 'standard', 'thorough'],
    default: 'standard',
    requiresArg: true,
    describe: 'How much work to spend on each image',
  },
  seed: { type: 'string', default: '0', requiresArg: true, describe: 'Seed of all randomness' },
  shard: {
    type: 'string',
    requiresArg: true,
    describe: "Make one of n shards alone: i/n from 0, or /n with the index of Slurm's or Kubernetes' task",
  },
  resume: { type: 'boolean', default: false, describe: 'Keep the shards that are there, make the others' },
  merge: { type: 'boolean', default: false, describe: 'Make one set, in the first folder, of shards' },
  ...PREPROCESS_OPTIONS,
  ...SIGNATURE_OPTIONS,
  ...COMPUTE_OPTIONS,
  ...MEMORY_OPTION,
  ...JSON_OPTION,
  force: { type: 'boolean', default: false, describe: 'Replace dreams that exist' },
} as const;

export const dreamCommand: CommandModule<object, Arguments> = {
  command: 'dream <teacher> [dir]',
  describe:
    'Make images from a teacher alone and keep them; with --merge <dir> [dirs...], make one set of shards',
  builder: (yargs) =>
    yargs
      .positional('teacher', {
        type: 'string',
        demandOption: true,
        describe: 'ONNX file; with --merge a folder',
      })
      .positional('dir', {
        type: 'string',
        describe: 'Folder to write; with --merge another one of shards, and so on',
      })
      .options(OPTIONS)
      // More folders are left in `_`: of a variadic positional, yargs keeps the last as it does of a repeated option.
      .strict(false)
      .strictOptions(),
  handler: async (argv) => {
    const progress = createProgress(process.stderr);
    try {
      const result = await (argv.merge ? merge(argv) : make(argv, progress.update));
      progress.end();
      await printResult(argv.json, result, formatDreams);
    } finally {
      progress.end();
    }
  },
};

function merge({ teacher, dir, _: [, ...others] }: Arguments) {
  const folders = [teacher, ...(dir === undefined ? [] : [dir]), ...others.map(String)];
  return mergeDreams(folders, { signal: interruption() });
}

function make(argv: Arguments, onProgress: DreamsOptions['onProgress']) {
  const { dir, _: others } = argv;
  if (dir === undefined || others.length > 1) {
    const what = dir === undefined ? 'The folder to write is missing' : 'One folder is written';
    throw new DfkdError('E_ARG', `${what}: onnx-dfkd dream <teacher.onnx> <dir>.`);
  }
  return makeDreams(argv.teacher, dir, {
    count: readInteger('--count', argv.count, 1),
    synthesis: argv.synthesis,
    preset: argv.preset,
    seed: readInteger('--seed', argv.seed, 0),
    shard: assignShard(argv.shard, process.env),
    resume: argv.resume,
    preprocess: readPreprocess(argv),
    ...readSignature(argv),
    engine: argv.engine,
    threads: readThreads(argv.threads),
    maxMemory: readMaxMemory(argv),
    device: argv.device,
    force: argv.force,
    ...(onProgress ? { onProgress } : {}),
    onNote: printNote,
    signal: interruption(),
  });
}
