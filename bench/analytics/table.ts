export function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/**
 * Processor time rather than time on the clock: on a machine that others use too it is what can be compared. It includes
 * what the engine does on threads of its own meanwhile (compiling, garbage collection).
 */
export function timed<T>(work: () => T): { result: T; ms: number } {
  const start = process.cpuUsage();
  const result = work();
  const { user, system } = process.cpuUsage(start);
  return { result, ms: (user + system) / 1000 };
}

export function milliseconds(ms: number): string {
  return ms < 10 ? ms.toFixed(1) : Math.round(ms).toLocaleString("en-US");
}

/** A Markdown table; the first row is the head. */
export function table(rows: (string | number)[][]): string {
  const [head, ...body] = rows;
  return [head!, head!.map(() => "---"), ...body].map((row) => `| ${row.join(" | ")} |`).join("\n");
}
