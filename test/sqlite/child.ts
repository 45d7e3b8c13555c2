import { once } from "node:events";
import { writeSync } from "node:fs";
import { createInterface } from "node:readline";
import { GraphkeeperError } from "../../src/core/errors.ts";
import { openSqliteStore } from "../../src/stores/sqlite/index.ts";
import { GROUP, openHere, perform, task } from "./story.ts";

/** A process that works on a data file until it is stopped, frozen or killed. What it says on stdout has happened. */
export type ChildConfig = { path: string } & (
  | { does: "hold"; address?: string }
  /** Tells the story on this thread and kills itself at the `nth` passing of a failpoint. */
  | { does: "die"; tasks: number; failpoint: string; nth: number }
  /** Tells the story through the store's threads. */
  | { does: "tell"; from: number; to: number }
  /** Takes the lease, and collects with it once it is told to. */
  | { does: "collect"; ttlMs: number; limit: number }
);

const config = JSON.parse(process.argv[2] as string) as ChildConfig;
// Not process.stdout: what was said before a kill must have left the process.
const say = (message: Record<string, unknown>) => void writeSync(1, `${JSON.stringify(message)}\n`);
const code = (error: unknown) =>
  GraphkeeperError.is(error) ? { code: error.code, ...error.details } : { code: String(error) };

async function hold(address: string | undefined): Promise<void> {
  try {
    const store = await openSqliteStore({ path: config.path, serve: { address } });
    say({ opened: true });
    for await (const line of createInterface({ input: process.stdin })) {
      if (line.startsWith("address ")) store.setAddress(line.slice(8));
      else break;
      say({ address: line.slice(8) });
    }
    await store.close();
    say({ closed: true });
  } catch (error) {
    say({ refused: code(error) });
  }
}

async function die(tasks: number, failpoint: string, nth: number): Promise<void> {
  let passed = 0;
  const store = openHere(config.path, {
    failpoint: (name) => {
      if (name === failpoint && ++passed === nth) process.kill(process.pid, "SIGKILL");
    },
  });
  for (let i = 0; i < tasks; i++) {
    await perform(store, task(i), () => say({ call: true }));
    say({ task: i });
  }
}

async function tell(from: number, to: number): Promise<void> {
  const store = await openSqliteStore({ path: config.path });
  for (let i = from; i < to; i++) {
    await perform(store, task(i));
    say({ task: i });
  }
  await store.close();
  say({ end: true });
}

async function collect(ttlMs: number, limit: number): Promise<void> {
  const store = await openSqliteStore({ path: config.path });
  const fence = await store.acquireLease(GROUP, "child", ttlMs, Date.now());
  say({ fence });
  await once(process.stdin, "data");
  const policy = { restoreWindowMs: Number.POSITIVE_INFINITY, unsupported: "collect", graceAgeMs: 0 } as const;
  try {
    const options = { cursor: null, limit, policy, now: Date.now(), dryRun: false };
    say({ batch: await store.collect(fence as NonNullable<typeof fence>, "orphan_entities", options) });
  } catch (error) {
    say({ refused: code(error) });
  }
  await store.close();
}

if (config.does === "hold") await hold(config.address);
if (config.does === "die") await die(config.tasks, config.failpoint, config.nth);
if (config.does === "tell") await tell(config.from, config.to);
if (config.does === "collect") await collect(config.ttlMs, config.limit);
process.stdin.destroy();
