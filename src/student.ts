/** What pruning and recovery change: float weights and 0/1 masks, both keyed by parameter name. */
export interface Student {
  /** Every trainable parameter and batch-norm statistic of the network, masked weights exactly 0. */
  readonly weights: ReadonlyMap<string, Float32Array>;
  /** 1 keeps, 0 prunes; same length as the weight of that name. */
  readonly masks: ReadonlyMap<string, Float32Array>;
}
