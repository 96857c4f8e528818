// Builds the addon of @tensorflow/tfjs-node (or -gpu) against the libraries and headers of an installed TensorFlow wheel.
// The package's own installer downloads libtensorflow 2.9 (CUDA 11.2) instead. Linux only: that is where the wheels
// carry the C API.
//
//   npm run build:tensorflow -- [--python python3]
//
// The addon finds the wheel's libraries where they are, so that these find the CUDA libraries beside them: the wheel
// must stay where it is, and after another one is installed the addon is built again.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';

const PACKAGES = ['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node'];
const VERSION = '4.22.0';
const DESCRIBE_WHEEL = `
import json, tensorflow as tf
print(json.dumps({
    "version": tf.__version__,
    "cuda": tf.sysconfig.get_build_info().get("cuda_version"),
    "lib": tf.sysconfig.get_lib(),
    "include": tf.sysconfig.get_include(),
}))`;
const LOAD_ADDON = `
try {
  console.log(require(process.argv[1]).isUsingGpuDevice() ? 'GPU' : 'CPU');
} catch ({ message }) {
  console.error(message);
  process.exit(1);
}`;

const options = readOptions();
if (process.platform !== 'linux')
  fail(`TensorFlow's wheels can be built against on Linux, not on ${process.platform}.`);
const root = findPackage();
const wheel = findWheel(options.python);
for (const tool of ['make', process.env.CXX ?? 'g++']) {
  if (!run(tool, ['--version']).ok) fail(`'${tool}' does not run; install a C++ compiler and make.`);
}
console.log(`TensorFlow ${wheel.version} (${wheel.cuda ? `CUDA ${wheel.cuda}` : 'no CUDA'}) in ${wheel.lib}`);
link(wheel);
const addon = compile(wheel);
const loaded = run(process.execPath, ['-e', LOAD_ADDON, addon]);
if (!loaded.ok) fail(`the addon was built but does not load: ${lastLine(loaded.stderr)}`);
const device = loaded.stdout.trim();
console.log(`Built ${addon}; it computes on the ${device}.`);
if (wheel.cuda && device === 'CPU') {
  console.log(
    `If there is a GPU, TensorFlow did not find its libraries; try LD_LIBRARY_PATH=${cudaLibraries(wheel)}`,
  );
}

function readOptions() {
  try {
    return parseArgs({ options: { python: { type: 'string', default: 'python3' } } }).values;
  } catch ({ message }) {
    return fail(message);
  }
}

/** The folder of the installed package; the one for GPUs first, as the engine looks for them. */
function findPackage() {
  const require = createRequire(import.meta.url);
  for (const name of PACKAGES) {
    try {
      return dirname(require.resolve(`${name}/package.json`));
    } catch {
      // Not this one.
    }
  }
  return fail(
    `${PACKAGES[1]} is not installed; run npm install --ignore-scripts --no-save --save-dev ${PACKAGES[1]}@${VERSION}`,
  );
}

/** Where the wheel has its libraries and headers. */
function findWheel(python) {
  const described = run(python, ['-c', DESCRIBE_WHEEL], { TF_CPP_MIN_LOG_LEVEL: '3' });
  if (described.missing) fail(`there is no '${python}'; name the Python that has TensorFlow with --python.`);
  if (!described.ok) {
    fail(
      `'${python}' has no working TensorFlow (${lastLine(described.stderr)}); ` +
        "pip install 'tensorflow[and-cuda]' for NVIDIA GPUs, tensorflow-cpu otherwise.",
    );
  }
  const found = JSON.parse(lastLine(described.stdout));
  const files = {
    library: join(found.lib, 'libtensorflow_cc.so.2'),
    framework: join(found.lib, 'libtensorflow_framework.so.2'),
    header: join(found.include, 'tensorflow/c/eager/c_api.h'),
  };
  for (const file of Object.values(files)) {
    if (!existsSync(file)) fail(`TensorFlow ${found.version} has no ${file}; use another build of it.`);
  }
  return { ...found, ...files };
}

/** Lays out deps/ as binding.gyp expects it. */
function link({ include, library, framework }) {
  const deps = join(root, 'deps');
  rmSync(deps, { recursive: true, force: true });
  mkdirSync(join(deps, 'lib'), { recursive: true });
  symlinkSync(include, join(deps, 'include'));
  symlinkSync(library, join(deps, 'lib/libtensorflow.so'));
  symlinkSync(framework, join(deps, 'lib/libtensorflow_framework.so'));
}

/** Compiles to where the package looks for its addon. npm brings node-gyp and tells it where Node's headers are. */
function compile({ lib }) {
  const { binary } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const napi = Math.max(...binary.napi_versions);
  const folder = join(root, binary.module_path.replace('{napi_build_version}', napi));
  const variables = `--module_name=${binary.module_name} --module_path="$FOLDER" --napi_build_version=${napi}`;
  const { status } = spawnSync('npm', ['exec', '--call', `node-gyp rebuild --silent ${variables}`], {
    cwd: root,
    stdio: 'inherit',
    env: {
      ...process.env,
      FOLDER: folder,
      NODE_GYP_FORCE_PYTHON: options.python,
      LDFLAGS: `${process.env.LDFLAGS ?? ''} -Wl,-rpath,${lib}`,
    },
  });
  if (status !== 0) fail('node-gyp failed, see above.');
  return join(folder, `${binary.module_name}.node`);
}

/** The folders in which pip's packages of NVIDIA keep their libraries. */
function cudaLibraries({ lib }) {
  const nvidia = join(lib, '../nvidia');
  const packages = existsSync(nvidia) ? readdirSync(nvidia) : [];
  return packages
    .map((name) => join(nvidia, name, 'lib'))
    .filter(existsSync)
    .join(':');
}

function run(command, args, env = {}) {
  const { error, status, stdout, stderr } = spawnSync(command, args, {
    encoding: 'utf8',
    env: { ...process.env, ...env },
  });
  return { ok: status === 0, missing: error?.code === 'ENOENT', stdout, stderr };
}

function lastLine(text) {
  return text.trim().split('\n').at(-1);
}

function fail(message) {
  console.error(`build:tensorflow: ${message}`);
  process.exit(1);
}
