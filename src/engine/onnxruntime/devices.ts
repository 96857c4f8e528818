/** What this machine offers to compute on, found out by trying it. */
import { execFile } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { cpus } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DfkdError } from '../../../converters/errors.js';
import { DEVICES, type Device, type DeviceList, type DeviceStatus } from '../device.js';
import { explainFailure, softwareRenderer, type Obstacle } from './device-failures.js';
import type { Probe } from './device-probe.js';
import { loadOnnxRuntime } from './runtime.js';

/** Shaders and kernels are compiled on first use. */
const PROBE_TIMEOUT_MS = 120_000;

export async function listDevices(): Promise<DeviceList> {
  const devices: DeviceStatus[] = [];
  for (const name of DEVICES) devices.push(await examine(name));
  return { devices, auto: devices.find(isChosen)!.name };
}

/**
 * The device to compute on. `auto` is the first of `DEVICES` that passes its self-check and is a GPU, else cpu.
 * Throws E_UNSUPPORTED, saying why and what to do, where a device asked for by name is not available.
 */
export async function resolveDevice(wanted: Device | 'auto'): Promise<Device> {
  if (wanted === 'cpu') return wanted;
  for (const name of wanted === 'auto' ? DEVICES : [wanted]) {
    const status = await examine(name);
    if (wanted === 'auto' ? isChosen(status) : status.available) return name;
    if (wanted !== 'auto') throw unavailable(status);
  }
  return 'cpu';
}

const isChosen = ({ available, softwareRenderer: software }: DeviceStatus): boolean =>
  available && software === undefined;

function unavailable({ name, reason, hint }: DeviceStatus): DfkdError {
  const advice = hint === undefined ? '' : `; ${hint}`;
  return new DfkdError(
    'E_UNSUPPORTED',
    `The device '${name}' cannot be used: ${reason ?? 'it is missing'}${advice}. \`onnx-dfkd devices\` lists what this machine offers.`,
  );
}

async function examine(name: Device): Promise<DeviceStatus> {
  if (name === 'cpu') return { name, available: true, ...describeCpu() };
  const obstacle = missingLibrary(name);
  if (obstacle !== undefined) return { name, available: false, ...obstacle };
  const probe = await runProbe(name);
  if ('reason' in probe) return { name, available: false, ...probe };
  const { selfCheck, libraries } = probe;
  const software = softwareRenderer(libraries, hasGpu());
  return {
    name,
    available: selfCheck.passed,
    selfCheck,
    ...(software === undefined ? {} : { softwareRenderer: software }),
    ...(selfCheck.passed
      ? {}
      : {
          reason: `its results differ from the cpu's by ${selfCheck.maxDifference.toPrecision(2)} relatively`,
        }),
  };
}

function describeCpu(): { readonly description?: string } {
  const [model] = cpus().map((cpu) => cpu.model.trim());
  return model ? { description: model } : {};
}

/** What can be told without running native code. */
function missingLibrary(name: Device): Obstacle | undefined {
  const provider = loadOnnxRuntime()
    .listSupportedBackends()
    .find((backend) => backend.name === name);
  if (provider === undefined) {
    return { reason: `onnxruntime-node does not have it on ${process.platform} ${process.arch}` };
  }
  if (name !== 'cuda') return undefined;
  const folder = libraryFolder();
  const missing = ['shared', 'cuda']
    .map((kind) => `libonnxruntime_providers_${kind}.so`)
    .filter((file) => !existsSync(join(folder, file)));
  if (missing.length === 0) return undefined;
  return {
    reason: `${missing.join(' and ')} ${missing.length === 1 ? 'is' : 'are'} not in ${folder}`,
    hint: "they come with NuGet's package Microsoft.ML.OnnxRuntime.Gpu.Linux, which onnxruntime-node's install script downloads: npm rebuild onnxruntime-node --ignore-scripts=false",
  };
}

/** Of onnxruntime's libraries for this platform. */
function libraryFolder(): string {
  const main = createRequire(import.meta.url).resolve('onnxruntime-node');
  return join(dirname(main), '..', 'bin', 'napi-v6', process.platform, process.arch);
}

/** Where the operating system shows that (Linux); elsewhere there always may be one. */
function hasGpu(): boolean {
  if (process.platform !== 'linux') return true;
  const nodes = existsSync('/dev/dri') ? readdirSync('/dev/dri') : [];
  const render = nodes.some((node) => node.startsWith('renderD'));
  return render || existsSync('/dev/nvidia0') || existsSync('/dev/dxg');
}

/** The self-check in a process of its own. */
function runProbe(name: Device): Promise<Probe | Obstacle> {
  const script = fileURLToPath(new URL('device-probe.js', import.meta.url));
  const options = { timeout: PROBE_TIMEOUT_MS, killSignal: 'SIGKILL' as const };
  return new Promise((resolve) => {
    execFile(process.execPath, [script, name], options, (error, stdout, stderr) => {
      if (error === null) resolve(JSON.parse(stdout) as Probe);
      else if (error.killed)
        resolve({ reason: `its self-check took longer than ${PROBE_TIMEOUT_MS / 1000} s` });
      else
        resolve(explainFailure(name, error.signal ? `${stderr}\nError: ended by ${error.signal}` : stderr));
    });
  });
}
