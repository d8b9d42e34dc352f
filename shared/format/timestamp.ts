/** `01:02:03,004`; hours may have more than two digits. */
export function timestamp(ms: number, decimalMark: ',' | '.'): string {
  const pad = (value: number, digits: number) => String(value).padStart(digits, '0');
  const seconds = Math.floor(ms / 1000);
  const minutes = Math.floor(seconds / 60);
  const clock = [Math.floor(minutes / 60), minutes % 60, seconds % 60].map((it) => pad(it, 2));
  return `${clock.join(':')}${decimalMark}${pad(ms % 1000, 3)}`;
}
