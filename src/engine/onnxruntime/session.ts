/** onnxruntime sessions for graphs of ours, on any device. */
import type { InferenceSession } from 'onnxruntime-node';
import type { Device } from '../device.js';
import { loadOnnxRuntime } from './runtime.js';
import { defaultThreads } from './threads.js';

export type Session = InferenceSession;

export interface GraphSessionOptions {
  readonly device: Device;
  /** Within one operator; default: `defaultThreads`. */
  readonly threads?: number | undefined;
  /** Whether the graph is in blocks already (blocked/): onnxruntime finds nothing more to do, but looks for a second. */
  readonly blocked?: boolean;
  /** Where a profile goes when the session is released: the path that its file's name begins with. */
  readonly profile?: string | undefined;
  /** Outputs that stay in WebGPU buffers; the others come to the host. */
  readonly onDevice?: readonly string[];
}

export function createSession(model: Uint8Array, options: GraphSessionOptions): Promise<Session> {
  return loadOnnxRuntime().InferenceSession.create(model, sessionOptions(options));
}

/** What a provider has no kernel for, onnxruntime runs on the cpu. */
export function sessionOptions({
  device,
  threads = defaultThreads(),
  blocked = false,
  profile,
  onDevice = [],
}: GraphSessionOptions): InferenceSession.SessionOptions {
  return {
    // Graphs are in NCHW: in its own NHWC WebGPU would transpose what is read in both.
    executionProviders: [device === 'webgpu' ? { name: device, preferredLayout: 'NCHW' } : device],
    intraOpNumThreads: threads,
    ...(profile === undefined ? {} : { enableProfiling: true, profileFilePrefix: profile }),
    ...(onDevice.length === 0
      ? {}
      : {
          preferredOutputLocation: Object.fromEntries(onDevice.map((name) => [name, 'gpu-buffer'] as const)),
        }),
    interOpNumThreads: 1,
    executionMode: 'sequential',
    graphOptimizationLevel: blocked ? 'disabled' : 'all',
    // A plan of where each activation goes is laid out beside the memory that the first run took piece by piece, and
    // both stay.
    enableMemPattern: false,
    logSeverityLevel: 3,
    extra: {
      session: {
        // Vanishing gradients would otherwise be computed with denormals, many times slower.
        set_denormal_as_zero: '1',
        // Idle threads spin just long enough to meet the next operator: on two hyperthreads of one core, longer
        // spinning takes from the thread that works.
        intra_op: { spin_duration_us: '50' },
      },
    },
  };
}
