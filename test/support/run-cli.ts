import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** The built command; `npm test` builds it. */
export const CLI = `${ROOT}dist/src/cli/main.js`;

export interface CliRun {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the built command in a folder; `wrapper` is a command to run it under. */
export function runCli(
  args: readonly string[],
  folder: string,
  options: { wrapper?: readonly string[]; env?: NodeJS.ProcessEnv } = {},
): CliRun {
  if (!existsSync(CLI)) throw new Error('dist/ is missing: npm run build');
  const [command, ...rest] = [...(options.wrapper ?? []), process.execPath, CLI, ...args];
  const { status, stdout, stderr, error } = spawnSync(command, rest, {
    cwd: folder,
    env: options.env ?? process.env,
    encoding: 'utf8',
    timeout: 240_000,
  });
  if (error) throw error;
  return { status, stdout, stderr };
}
