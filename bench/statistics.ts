export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (sorted.length - 1) * q;
  const [low = 0, high = low] = [sorted[Math.floor(at)], sorted[Math.ceil(at)]];
  return low + (high - low) * (at - Math.floor(at));
}

/** One line of the published table. `ratio`: ours over direct, in the same run. */
export type Row = {
  what: string;
  direct?: number;
  ours: number;
  unit: string;
  ratio?: number;
  goal: string;
  isReached: boolean;
};
