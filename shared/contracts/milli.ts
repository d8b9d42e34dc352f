/** Three decimals: milliseconds for times, and more than a score or a probability is worth. */
export function toMilli(value: number): number {
  return Math.round(value * 1000) / 1000;
}
