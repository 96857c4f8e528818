/**
 * WebGPU on SwiftShader, the renderer on the cpu that comes with Debian's chromium: slow, but the real provider.
 * With TEST_GPU=1 on the machine's own GPU.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import type { DeviceList } from '../src/engine/device.js';
import { useCliFolder } from './support/cli-folder.js';
import { runCli } from './support/run-cli.js';

const CHROMIUM = '/usr/lib/chromium';
const DRIVER = join(CHROMIUM, 'vk_swiftshader_icd.json');
const OWN_GPU = process.env.TEST_GPU === '1';
/** chromium brings a Vulkan loader too. */
const ENV = OWN_GPU ? process.env : { ...process.env, VK_DRIVER_FILES: DRIVER, LD_LIBRARY_PATH: CHROMIUM };
const RUN_STEPS = fileURLToPath(new URL('support/run-steps.js', import.meta.url));

interface StepResult {
  readonly outputs: readonly Readonly<Record<string, readonly number[]>>[];
  readonly end: Readonly<Record<string, readonly number[]>>;
  readonly again: Readonly<Record<string, readonly number[]>>;
  readonly cause: null;
}

function runSteps(device: string, folder: string): Record<string, StepResult> {
  const { status, stdout, stderr } = spawnSync(process.execPath, [RUN_STEPS, device, 'teacher.onnx'], {
    cwd: folder,
    env: ENV,
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  expect(status, stderr).toBe(0);
  return JSON.parse(stdout) as Record<string, StepResult>;
}

/** Every number within a thousandth of the cpu's, in relation to the largest of its tensor. */
function expectClose(actual: StepResult['end'], expected: StepResult['end'], name: string): void {
  expect(Object.keys(actual).sort()).toEqual(Object.keys(expected).sort());
  for (const [key, values] of Object.entries(expected)) {
    const scale = Math.max(...values.map(Math.abs));
    expect(actual[key]).toHaveLength(values.length);
    const differences = values.map((value, i) => Math.abs(actual[key][i] - value));
    expect(Math.max(...differences) <= 1e-3 * scale, `${name}, ${key}`).toBe(true);
  }
}

describe.skipIf(!OWN_GPU && !existsSync(DRIVER))(`webgpu (skipped where there is no ${DRIVER})`, () => {
  const cli = useCliFolder();

  test('dreaming, distillation and statistics give what they give on the cpu', () => {
    const expected = runSteps('cpu', cli.path);
    const actual = runSteps('webgpu', cli.path);
    expect(Object.keys(actual)).toEqual(['dream', 'distil', 'statistics']);
    for (const [name, { outputs, end, again, cause }] of Object.entries(expected)) {
      outputs.forEach((output, i) => {
        expectClose(actual[name].outputs[i], output, `${name} step ${i + 1}`);
      });
      expectClose(actual[name].end, end, `${name} state`);
      expectClose(actual[name].again, again, `${name} state after it was written`);
      expect([cause, actual[name].cause]).toEqual([null, null]);
    }
  }, 240_000);

  test('is tried in a process of its own, and listed as what it is; auto chooses a GPU alone', () => {
    const library = new URL('../dist/src/index.js', import.meta.url).href;
    const script = `
      const list = await (await import(${JSON.stringify(library)})).listDevices();
      const libraries = process.report.getReport().sharedObjects.filter((path) => path.includes('vulkan'));
      console.log(JSON.stringify({ ...list, libraries }));`;
    const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
      env: ENV,
      encoding: 'utf8',
    });
    expect(status, stderr).toBe(0);
    const { devices, auto, libraries } = JSON.parse(stdout) as DeviceList & { libraries: string[] };
    expect(libraries).toEqual([]);
    const webgpu = devices.find(({ name }) => name === 'webgpu');
    expect(webgpu).toMatchObject({ available: true, selfCheck: { passed: true } });
    expect(webgpu?.softwareRenderer).toBe(OWN_GPU ? undefined : 'SwiftShader');
    if (OWN_GPU) expect(auto).not.toBe('cpu');
    else expect(auto).not.toBe('webgpu');
  }, 120_000);

  test('the command computes there when told to, and says so', () => {
    const args = [
      'teacher.onnx',
      'out.onnx',
      '--no-recover',
      '--preprocess',
      'unit',
      '--device',
      'webgpu',
      '--json',
    ];
    const { status, stdout, stderr } = runCli(args, cli.path, { env: ENV });
    expect(status, stderr).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ device: 'webgpu' });
  }, 120_000);
});
