/** Why a device cannot be used, read from what onnxruntime and its providers say. */
import type { Device } from '../device.js';

export interface Obstacle {
  /** What is missing, as the end of a sentence. */
  readonly reason: string;
  /** What to do about it, as a sentence without its full stop. */
  readonly hint?: string;
}

interface Rule extends Obstacle {
  readonly device: Device;
  readonly message: RegExp;
}

const VULKAN_HINT =
  'install the Vulkan loader (Debian and Ubuntu: libvulkan1) and the Vulkan driver of the GPU (NVIDIA: part of its driver; AMD and Intel: mesa-vulkan-drivers)';
const CUDA_HINT = 'install CUDA 12 and cuDNN 9, and put their libraries on LD_LIBRARY_PATH';

const RULES: readonly Rule[] = [
  {
    device: 'webgpu',
    message: /libvulkan\.so\.1: cannot open/,
    reason: 'there is no Vulkan loader (libvulkan.so.1)',
    hint: VULKAN_HINT,
  },
  {
    device: 'webgpu',
    message: /Found no drivers|VK_ERROR_INCOMPATIBLE_DRIVER/,
    reason: 'the Vulkan loader found no driver',
    hint: VULKAN_HINT,
  },
  {
    device: 'webgpu',
    message: /Failed to get a WebGPU adapter/,
    reason: 'no GPU that WebGPU can use was found',
    hint: 'update the driver of the GPU',
  },
  {
    device: 'cuda',
    message: /CUDA failure 35\b|driver version is insufficient/i,
    reason: "NVIDIA's driver is missing or too old for CUDA 12",
    hint: "install or update NVIDIA's driver",
  },
  {
    device: 'cuda',
    message: /CUDA failure 100\b|no CUDA-capable device/i,
    reason: 'no CUDA-capable GPU was found',
  },
];

/** A rule without what it is recognised by. */
const obstacleOf = ({ reason, hint }: Rule): Obstacle => (hint === undefined ? { reason } : { reason, hint });

/** `with error: libcudnn.so.9: cannot open shared object file`, as the dynamic linker says it. */
const MISSING_LIBRARY = /with error: (?:.*: )?([\w.+-]+\.so[\w.]*): cannot open shared object file/;

/** @param output what the attempt wrote to stderr, its error included */
export function explainFailure(device: Device, output: string): Obstacle {
  const rule = RULES.find((candidate) => candidate.device === device && candidate.message.test(output));
  if (rule !== undefined) return obstacleOf(rule);
  const library = MISSING_LIBRARY.exec(output)?.[1];
  if (library !== undefined) {
    return { reason: `its library ${library} is missing`, ...(device === 'cuda' ? { hint: CUDA_HINT } : {}) };
  }
  const lines = output.split('\n').map((line) => line.trim());
  const error = lines.find((line) => /^(\w+)?Error: /.test(line)) ?? lines.find(Boolean);
  return { reason: error ?? 'its self-check ended without a word' };
}

const SOFTWARE: Readonly<Record<string, RegExp>> = {
  SwiftShader: /vk_swiftshader/i,
  llvmpipe: /vulkan_lvp/i,
  WARP: /d3d10warp/i,
};
/** Drivers of GPUs on Linux (distributions install several, whatever the machine has) and on Windows. */
const HARDWARE =
  /libGLX_nvidia|vulkan_(radeon|intel|nouveau|asahi|freedreno|panfrost)|amdvlk|nvldumd|nvwgf2um|amdxc|atidx|igd1\dum|qcdx/i;

/**
 * The renderer on the cpu that stands in for a GPU, by the drivers a WebGPU or DirectML process has loaded; undefined
 * where a GPU computes. Correct, but slower than the cpu's own provider.
 * @param hasGpu whether the operating system shows a GPU
 */
export function softwareRenderer(libraries: readonly string[], hasGpu: boolean): string | undefined {
  if (hasGpu && libraries.some((path) => HARDWARE.test(path))) return undefined;
  return Object.keys(SOFTWARE).find((name) => libraries.some((path) => SOFTWARE[name].test(path)));
}
