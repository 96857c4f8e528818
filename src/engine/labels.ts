/**
 * Names for the parts of a step, so that a value that goes wrong can be traced to a layer. They hang on tfjs' own
 * engine and its tape, which every backend shares, and cost nothing once a step is compiled.
 */
import type * as tfjs from '@tensorflow/tfjs-core';

type Tf = typeof tfjs;

let current: string | undefined;

/**
 * Runs `work` under a label, such as `layer '/conv1' (Conv)`: the kernels it calls, and later those of their gradients,
 * are known by it to `observeKernels`. Of nested labels the innermost counts.
 */
export function labelled<T>(tf: Tf, label: string, work: () => T): T {
  const { state } = tf.engine();
  // Null outside of gradients, whatever its type says.
  const tape = (): typeof state.activeTape | null => state.activeTape;
  const start = tape()?.length ?? 0;
  const result = under(label, work);
  for (const node of tape()?.slice(start) ?? []) {
    const { gradient } = node;
    if (gradient === undefined) continue;
    const own = `the gradient of ${label}`;
    node.gradient = (dys) => {
      const gradients = Object.entries(under(own, () => gradient(dys)));
      return Object.fromEntries(gradients.map(([name, compute]) => [name, () => under(own, compute)]));
    };
  }
  return result;
}

function under<T>(label: string, work: () => T): T {
  const outer = current;
  current = label;
  try {
    return work();
  } finally {
    current = outer;
  }
}

/** Called after each kernel with its outputs and the label it ran under, undefined before the first. */
export type Observe = (kernel: string, outputs: readonly tfjs.Tensor[], label: string | undefined) => void;

/**
 * Runs `work` and shows `observe` every kernel, on whatever backend. One that runs between two labels belongs to the
 * label before it: the sum of the gradients that reach a value used twice.
 */
export function observeKernels<T>(tf: Tf, observe: Observe, work: () => T): T {
  const engine = tf.engine();
  const run = engine.runKernel.bind(engine);
  let last: string | undefined;
  const show = <R extends tfjs.Tensor | tfjs.Tensor[]>(kernel: string, result: R): R => {
    last = current ?? last;
    observe(kernel, Array.isArray(result) ? result : [result], last);
    return result;
  };
  engine.runKernel = (kernel, inputs, attributes) => show(kernel, run(kernel, inputs, attributes));
  try {
    return work();
  } finally {
    engine.runKernel = run;
  }
}
