/** The latest steps that count; a machine that grew busy or quiet shows within them. */
const RECENT = 31;

/** How long steps take, from the latest of them: a median, which pauses and slow first steps do not move. */
export interface StepTimes {
  add(seconds: number): void;
  /** Seconds per step; undefined before the first. */
  median(): number | undefined;
}

export function createStepTimes(): StepTimes {
  const recent: number[] = [];
  return {
    add(seconds) {
      recent.push(seconds);
      if (recent.length > RECENT) recent.shift();
    },
    median() {
      if (recent.length === 0) return undefined;
      const sorted = [...recent].sort((a, b) => a - b);
      const middle = Math.floor(sorted.length / 2);
      return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    },
  };
}
