import { existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { explainFailure, softwareRenderer } from '../src/engine/onnxruntime/device-failures.js';
import { sessionOptions } from '../src/engine/onnxruntime/session.js';
import { useCliFolder } from './support/cli-folder.js';
import { runCli } from './support/run-cli.js';

const ADAPTER =
  'Error: /onnxruntime_src/onnxruntime/core/providers/webgpu/webgpu_context.cc:136 Initialize adapter_result.status == wgpu::RequestAdapterStatus::Success was false. Failed to get a WebGPU adapter: No supported adapters';
const folder = '/modules/onnxruntime-node/bin/napi-v6/linux/x64/';

describe('why a device cannot be used', () => {
  test.each([
    [
      'webgpu',
      `Warning: Couldn't load Vulkan: libvulkan.so.1: cannot open shared object file: No such file or directory\n${ADAPTER}`,
      /no Vulkan loader/,
      /libvulkan1/,
    ],
    [
      'webgpu',
      `Warning: vkCreateInstance: Found no drivers!\nWarning: vkCreateInstance failed with VK_ERROR_INCOMPATIBLE_DRIVER\n${ADAPTER}`,
      /loader found no driver/,
      /mesa-vulkan-drivers/,
    ],
    ['webgpu', ADAPTER, /no GPU/, /driver/],
    [
      'cuda',
      `Failed to load library ${folder}libonnxruntime_providers_cuda.so with error: libcudnn.so.9: cannot open shared object file: No such file or directory\nError: OrtSessionOptionsAppendExecutionProvider_Cuda: Failed to load shared library`,
      /^its library libcudnn\.so\.9 is missing$/,
      /cuDNN 9/,
    ],
    [
      'cuda',
      'Error: CUDA failure 35: CUDA driver version is insufficient for CUDA runtime version',
      /driver/,
      /NVIDIA/,
    ],
    [
      'cuda',
      'Error: CUDA failure 100: no CUDA-capable device is detected ; GPU=-1',
      /no CUDA-capable GPU/,
      undefined,
    ],
    [
      'dml',
      'at x (y.js:1:2)\nError: 887A0004 The device does not support it\n  at z',
      /^Error: 887A0004/,
      undefined,
    ],
    ['coreml', '', /without a word/, undefined],
  ] as const)('%s, %#', (device, output, reason, hint) => {
    const obstacle = explainFailure(device, output);
    expect(obstacle.reason).toMatch(reason);
    if (hint) expect(obstacle.hint).toMatch(hint);
    else expect(obstacle.hint).toBeUndefined();
  });
});

test.each([
  [['/usr/lib/chromium/./libvk_swiftshader.so'], true, 'SwiftShader'],
  [['/usr/lib/x86_64-linux-gnu/libvulkan_lvp.so'], false, 'llvmpipe'],
  // Distributions install all of Mesa's drivers, whatever is in the machine.
  [['/usr/lib/libvulkan_lvp.so', '/usr/lib/libvulkan_radeon.so'], false, 'llvmpipe'],
  [['/usr/lib/libvulkan_lvp.so', '/usr/lib/libvulkan_radeon.so'], true, undefined],
  [['/usr/lib/libvulkan_lvp.so', '/usr/lib/libGLX_nvidia.so.0'], true, undefined],
  [['C:\\Windows\\System32\\d3d10warp.dll'], true, 'WARP'],
  [['C:\\Windows\\System32\\d3d10warp.dll', 'C:\\drivers\\nvwgf2umx.dll'], true, undefined],
  [['/System/Library/Frameworks/Metal.framework/Metal'], true, undefined],
])('libraries %j, GPU %s: %s', (libraries, hasGpu, expected) => {
  expect(softwareRenderer(libraries, hasGpu)).toBe(expected);
});

test('a session asks for its device, and keeps there what it is told to', () => {
  expect(sessionOptions({ device: 'cuda' })).toMatchObject({ executionProviders: ['cuda'] });
  expect(sessionOptions({ device: 'cuda' })).not.toHaveProperty('preferredOutputLocation');
  expect(sessionOptions({ device: 'webgpu', threads: 3, onDevice: ['new state:w'] })).toMatchObject({
    executionProviders: [{ name: 'webgpu', preferredLayout: 'NCHW' }],
    preferredOutputLocation: { 'new state:w': 'gpu-buffer' },
    intraOpNumThreads: 3,
  });
});

const libraries = join(
  dirname(createRequire(import.meta.url).resolve('onnxruntime-node')),
  `../bin/napi-v6/${process.platform}/${process.arch}`,
);
const hasCuda =
  existsSync(libraries) && readdirSync(libraries).some((file) => file.includes('providers_cuda'));

describe('the command', () => {
  const cli = useCliFolder();

  test('lists every device, with a reason for each that is not there', () => {
    const { status, stdout } = runCli(['devices', '--json'], cli.path);
    expect(status).toBe(0);
    const { devices, auto } = JSON.parse(stdout) as {
      devices: { name: string; available: boolean; reason?: string }[];
      auto: string;
    };
    expect(devices.map(({ name }) => name)).toEqual(['cuda', 'dml', 'coreml', 'webgpu', 'cpu']);
    for (const { available, reason } of devices) expect(reason === undefined).toBe(available);
    expect(devices.find(({ name }) => name === auto)?.available).toBe(true);
    expect(runCli(['devices'], cli.path).stdout).toMatch(/^cpu +available/m);
  });

  test.skipIf(hasCuda || process.platform !== 'linux')(
    'a device asked for by name that is missing ends the run (skipped where CUDA is there)',
    () => {
      const { status, stderr, stdout } = cli.run('teacher.onnx', 'out.onnx', '--device', 'cuda', '--json');
      expect(status).toBe(4);
      expect(stderr).toMatch(/^onnx-dfkd: The device 'cuda' cannot be used: .*\n$/);
      expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'E_UNSUPPORTED' } });
      expect(readdirSync(cli.path)).toEqual(['teacher.onnx']);
    },
  );

  test('a device there is no name for is wrong usage', () => {
    expect(cli.run('teacher.onnx', 'out.onnx', '--device', 'tpu')).toMatchObject({ status: 2, stdout: '' });
  });
});
