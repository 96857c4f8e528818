// Builds dist/: TypeScript by tsc, the generated schema copied, and tfjs' gradients bundled, because Node
// cannot import @tensorflow/tfjs-core/dist/register_all_gradients (its imports lack file extensions).
import { spawnSync } from 'node:child_process';
import { cpSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
process.chdir(root);
rmSync('dist', { recursive: true, force: true });

// First, because the compiler looks it up. The registry of gradients is a property of the global object, so this
// copy serves every instance of tfjs. Its tensors have a class of their own, whose methods (some gradients call
// `dy.clone()`) tfjs sets up in base_side_effects; only that part of it is wanted.
const entry = `
import '@tensorflow/tfjs-core/dist/register_all_gradients.js';
import { cast } from '@tensorflow/tfjs-core/dist/ops/cast.js';
import { clone } from '@tensorflow/tfjs-core/dist/ops/clone.js';
import { setOpHandler } from '@tensorflow/tfjs-core/dist/tensor.js';
setOpHandler({ cast, clone });
`;
await build({
  stdin: { contents: entry, resolveDir: root },
  bundle: true,
  format: 'esm',
  platform: 'node',
  mainFields: ['module', 'main'],
  legalComments: 'linked',
  outfile: 'dist/vendor/tfjs-gradients.js',
});

const tsc = spawnSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.json'], {
  stdio: 'inherit',
});
if (tsc.status !== 0) process.exit(tsc.status ?? 1);

for (const file of ['onnx.js', 'onnx.d.ts']) {
  cpSync(`converters/schema/${file}`, `dist/converters/schema/${file}`);
}
