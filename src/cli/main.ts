#!/usr/bin/env node
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { DfkdError, printable, printableJson } from '../index.js';
import { devicesCommand } from './devices.js';
import { dreamCommand } from './dream.js';
import { evaluateCommand } from './evaluate.js';
import { inspectCommand } from './inspect.js';
import { opsCommand } from './ops.js';
import { recoverCommand } from './recover.js';
import { signalStatus } from './signals.js';
import { verifyCommand } from './verify.js';

const INTERNAL = 70;

/** yargs' own complaints, in the words of this tool and on one line. */
function usageError(message: string): DfkdError {
  const choice = /Argument: ([\w-]+), Given: "?(.*?)"?, Choices: (.*)/.exec(message);
  if (choice) {
    const [, option, given, choices] = choice;
    return new DfkdError(
      'E_ARG',
      `--${option} cannot be '${given}'; it is one of ${choices.replaceAll('"', '')}.`,
    );
  }
  const missing = /^Not enough arguments following: ([\w-]+)/.exec(message);
  if (missing) return new DfkdError('E_ARG', `--${missing[1]} needs a value.`);
  if (message.startsWith('Not enough non-option arguments')) {
    return new DfkdError('E_ARG', 'A file name is missing; onnx-dfkd --help shows what each command takes.');
  }
  const sentence = message.replaceAll(/\s*\n\s*/g, ' ').trim();
  return new DfkdError('E_ARG', `${sentence}; see onnx-dfkd --help.`);
}

async function run(args: string[]): Promise<void> {
  await yargs(args)
    .scriptName('onnx-dfkd')
    .parserConfiguration({
      'boolean-negation': false,
      'camel-case-expansion': false,
      'dot-notation': false,
      'duplicate-arguments-array': false,
      'parse-numbers': false,
      'parse-positional-numbers': false,
    })
    .locale('en')
    .command(recoverCommand)
    .command(dreamCommand)
    .command(inspectCommand)
    .command(opsCommand)
    .command(evaluateCommand)
    .command(verifyCommand)
    .command(devicesCommand)
    .strict()
    .help()
    .wrap(110)
    .exitProcess(false)
    .fail((message, error: Error | undefined) => {
      throw error === undefined || error.name === 'YError' ? usageError(error?.message ?? message) : error;
    })
    .parseAsync();
}

/** One sentence on stderr always; with --json the same as a document on stdout. A stack only with DEBUG set. */
function reportFailure(error: unknown, json: boolean): number {
  const known = error instanceof DfkdError;
  const code = known ? error.code : 'E_INTERNAL';
  const text = error instanceof Error ? error.message : String(error);
  const message = known ? text : `Unexpected failure, please report it: ${text.split('\n')[0]}`;
  process.stderr.write(`onnx-dfkd: ${printable(message)}\n`);
  if (process.env['DEBUG'] && error instanceof Error) process.stderr.write(`${error.stack}\n`);
  if (json) process.stdout.write(`${printableJson({ error: { code, message } })}\n`);
  return signalStatus() ?? (known ? error.exitStatus : INTERNAL);
}

const args = hideBin(process.argv);
// A reader that closes the pipe early (`| head`) wants no more; that is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit();
  throw error;
});
try {
  await run(args);
} catch (error) {
  process.exitCode = reportFailure(error, args.includes('--json'));
}
