import type * as tfjs from '@tensorflow/tfjs-core';
import type { DataType } from '../../converters/model.js';
import type { Layout } from '../../converters/passes/find-layout.js';
import type { Tf } from '../../converters/ops/define-op.js';
import type { Window } from '../../converters/ops/support/window.js';

/** What a parameter is to the operator that consumes it. */
export type ParameterRole = 'weight' | 'bias' | 'scale' | 'offset' | 'mean' | 'variance' | 'other';

/** A float constant of the model that training may change. */
export interface Parameter {
  /** Initializer name (or output name of the Constant node that holds it). */
  readonly name: string;
  /** In the file: float, float16, bfloat16 or double. */
  readonly type: DataType;
  readonly dims: readonly number[];
  readonly data: Float32Array;
  /** weight and bias of Conv, ConvTranspose, Gemm, MatMul; scale, offset, mean and variance of normalisations. */
  readonly role: ParameterRole;
  /**
   * Name of the initializer (or Constant output) in the file. Differs from `name` where the file shares one tensor
   * between uses that training would pull apart: then every use but the first is a parameter of its own.
   */
  readonly source: string;
  /** The node inputs that read this parameter. */
  readonly consumers: readonly Consumer[];
}

/** Where a parameter enters the graph. */
export interface Consumer {
  /** The node's label, and its first output, which identifies it. */
  readonly node: string;
  readonly output: string;
  /** Position among the node's inputs. */
  readonly input: number;
}

/** A BatchNormalization node; `scale`, `offset`, `mean` and `variance` are parameter names. */
export interface BatchNorm {
  readonly name: string;
  /** Name of the value it normalises, and of the one it yields. */
  readonly input: string;
  readonly output: string;
  readonly channels: number;
  readonly epsilon: number;
  readonly scale: string;
  readonly offset: string;
  readonly mean: string;
  readonly variance: string;
}

/** One use of a prunable weight: a convolution, or a product with a matrix. */
export interface Layer {
  /** Parameter name. */
  readonly weight: string;
  /** The parameter that the same node adds per output channel, if any. */
  readonly bias: string | undefined;
  /** Names of the value it reads, [N, C, ...] or [..., features], and of the one it yields. */
  readonly input: string;
  readonly output: string;
  /** The weight's axis of output channels, and its axis of the input channels that one of them sees. */
  readonly outputAxis: number;
  readonly inputAxis: number;
  readonly group: number;
  /** How a convolution's window moves; undefined for a product with a matrix. */
  readonly window: Window | undefined;
  /** Whether the output is the weight times what the window sees (ConvTranspose scatters instead; alpha scales). */
  readonly plain: boolean;
}

export interface ForwardOptions {
  /**
   * 'running' (default): batch norm normalises with its stored statistics. 'batch': with those of this batch, and
   * `statistics` of the result holds the updated running ones.
   */
  readonly batchNorm?: 'running' | 'batch';
  /** Weight of the old running statistics in the update, as ONNX defines it (default 0.9). */
  readonly momentum?: number;
}

export interface Activations {
  /** [batch, classes], before any final softmax. */
  readonly logits: tfjs.Tensor;
  /** Every float value computed, by value name, with the graph's input and output. */
  readonly values: ReadonlyMap<string, tfjs.Tensor>;
  /** With batchNorm 'batch': new running means and (population) variances by parameter name; else empty. */
  readonly statistics: Readonly<Record<string, tfjs.Tensor>>;
}

/** A model lowered for one batch size: a differentiable function of its parameters and its input. */
export interface Network {
  readonly batch: number;
  /** shape [batch, channels, height, width], which `forward` takes; `layout` is that of the file. */
  readonly input: { readonly name: string; readonly shape: readonly number[]; readonly layout: Layout };
  /**
   * `name` is the graph output. `logits` is the value before its final Softmax or LogSoftmax; the same where there
   * is none. `activation` is that operator. `features` is the value that the last layer with weights reads, [batch,
   * channels, ...]; the logits where there is no computed one.
   */
  readonly output: {
    readonly name: string;
    readonly logits: string;
    readonly features: string;
    readonly activation: 'Softmax' | 'LogSoftmax' | null;
    readonly classes: number;
  };
  readonly parameters: ReadonlyMap<string, Parameter>;
  readonly batchNorms: readonly BatchNorm[];
  /** Names of the weights pruning may mask: those of Conv and linear layers, in graph order. */
  readonly prunable: readonly string[];
  /** How the prunable weights are used, in graph order; not of those that reach their operator in unusual ways. */
  readonly layers: readonly Layer[];
  /** `parameters` may hold any subset by name; the others are taken from `parameters` of the model as constants. */
  forward(
    tf: Tf,
    parameters: Readonly<Record<string, tfjs.Tensor>>,
    input: tfjs.Tensor,
    options?: ForwardOptions,
  ): Activations;
}
