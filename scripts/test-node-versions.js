// Runs the test suite on other versions of Node, whose binaries come from the npm registry.
//
//   npm run test:nodes [-- 22 24]
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const VITEST = fileURLToPath(new URL('../node_modules/vitest/vitest.mjs', import.meta.url));
const versions = process.argv.length > 2 ? process.argv.slice(2) : ['22', '24'];

const folder = mkdtempSync(join(tmpdir(), 'onnx-dfkd-node-'));
try {
  for (const version of versions) {
    const name = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`;
    run('npm', ['install', '--no-save', '--no-audit', '--no-fund', '--prefix', folder, `${name}@${version}`]);
    const node = join(folder, 'node_modules', name, 'bin', 'node');
    run(node, ['--version']);
    run(node, [VITEST, 'run']);
  }
} finally {
  rmSync(folder, { recursive: true });
}

function run(command, args) {
  // What a test starts with `node` must be the same one.
  const path = command === 'npm' ? process.env.PATH : `${join(command, '..')}:${process.env.PATH}`;
  const { status, error } = spawnSync(command, args, {
    stdio: 'inherit',
    env: { ...process.env, PATH: path },
  });
  if (error) console.error(`test:nodes: ${error.message}`);
  if (status !== 0) {
    rmSync(folder, { recursive: true, force: true });
    process.exit(1);
  }
}
