/**
 * Simulations from the command line:
 *
 *   node test/simulation/run.ts --seed 7 --steps 300 --store sqlite     one seed again
 *   node test/simulation/run.ts --count 1000 --from 1                   a thousand seeds, and what they came to
 *
 * A failing seed is told with the command that repeats it; the exit code is then 1.
 */
import { parseArgs } from "node:util";
import { type Simulated, simulate } from "./simulate.ts";
import { memorySubject, sqliteSubject } from "./subjects.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string" },
    steps: { type: "string", default: "300" },
    store: { type: "string", default: "sqlite" },
    from: { type: "string", default: "1" },
    count: { type: "string", default: "1" },
  },
});
const from = Number(values.seed ?? values.from);
const count = values.seed === undefined ? Number(values.count) : 1;
const steps = Number(values.steps);
const open: typeof sqliteSubject = values.store === "memory" ? (now) => memorySubject(now) : sqliteSubject;

const sum: Simulated = { steps: 0, calls: 0, injected: 0, crashes: 0, operations: 0, runs: 0 };
const begun = process.hrtime.bigint();
let failed = 0;
for (let seed = from; seed < from + count; seed++) {
  try {
    const done = await simulate(seed, steps, open);
    for (const key of Object.keys(sum) as (keyof Simulated)[]) sum[key] += done[key];
  } catch (error) {
    failed++;
    console.error(`seed ${seed}: ${(error as Error).stack}`);
    console.error(`again: node test/simulation/run.ts --seed ${seed} --steps ${steps} --store ${values.store}`);
  }
}
const seconds = Number(process.hrtime.bigint() - begun) / 1e9;
console.log(JSON.stringify({ store: values.store, seeds: count, failed, seconds: Math.round(seconds), ...sum }));
process.exitCode = failed === 0 ? 0 : 1;
