/** A learning rate by step, 0 <= step < steps. */
export interface Schedule {
  /** The highest rate. */
  readonly learningRate: number;
  readonly steps: number;
  /** Share of the steps in which the rate rises linearly from 0; default 0. */
  readonly warmUp?: number;
}

/** Linear warm-up, then half a cosine down to 0 (arXiv 1608.03983, eq. 5, without restarts). */
export function cosineLearningRate({ learningRate, steps, warmUp = 0 }: Schedule, step: number): number {
  const rising = Math.floor(warmUp * steps);
  if (step < rising) return (learningRate * (step + 1)) / (rising + 1);
  return (learningRate * (1 + Math.cos((Math.PI * (step - rising)) / (steps - rising)))) / 2;
}
