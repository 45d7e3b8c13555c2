import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import type { GraphStore } from "../../src/core/ports.ts";
import { verifyGroup } from "../../src/maintenance/verify.ts";
import { MemoryStore } from "../../src/stores/memory/index.ts";
import { readLock } from "../../src/stores/sqlite/index.ts";
import { start } from "./start.ts";
import { digest, dump, GROUP, openHere, perform, task } from "./story.ts";

const folder = await mkdtemp(join(tmpdir(), "graphkeeper-kill-"));
afterAll(() => rm(folder, { recursive: true, force: true }));

const TASKS = 60;

interface Told {
  /** The state before the first call, after each, and so on. */
  digests: string[];
  dump: string[];
  /** By failpoint: which of its passings lay in calls that changed something. */
  effective: Map<string, number[]>;
}

/** The story without an interruption: every state on the way, and where the failpoints lie. */
async function toldAtOnce(path: string): Promise<Told> {
  const passed = new Map<string, number>();
  const effective = new Map<string, number[]>();
  let inThisCall: [string, number][] = [];
  const failpoint = (name: string) => {
    passed.set(name, (passed.get(name) ?? 0) + 1);
    inThisCall.push([name, passed.get(name) as number]);
  };
  const store = openHere(path, { synchronous: "NORMAL", failpoint });
  const digests = [await digest(store)];
  const onCall = async () => {
    digests.push(await digest(store));
    for (const [name, nth] of inThisCall) {
      const passings = effective.get(name) ?? [];
      if (name.startsWith("migrate:") || digests.at(-1) !== digests.at(-2)) passings.push(nth);
      effective.set(name, passings);
    }
    inThisCall = [];
  };
  for (let i = 0; i < TASKS; i++) await perform(store, task(i), onCall);
  const told = { digests, dump: await dump(store), effective };
  await store.close();
  return told;
}

/** Acknowledged operations sent once more: each is answered from its record, and nothing changes. */
async function repeat(store: GraphStore, tasks: number): Promise<void> {
  const before = await digest(store);
  for (let i = 0; i < tasks; i++) {
    const todo = task(i);
    if (todo.kind !== "apply" || !(await store.operation(GROUP, todo.operation.id).catch(() => null))) continue;
    const record = await store.apply(todo.operation, { block: todo.block });
    expect(record.replayed).toBe(true);
  }
  expect(await digest(store)).toBe(before);
}

test("killed at any failpoint, the file is in the state before or after that transaction, and the story goes on to the same end", {
  timeout: 120_000,
}, async () => {
  const whole = await toldAtOnce(join(folder, "whole.db"));
  expect(whole.effective.size).toBeGreaterThanOrEqual(15);
  // Every failpoint late in the story, and those that nearly every transaction passes early as well.
  const kills = [...whole.effective].flatMap(([name, passings]) => {
    const places = passings.length < 20 ? [0.6] : [0.1, 0.6];
    return places.map((share) => ({ name, nth: passings[Math.floor(passings.length * share)] ?? 1 }));
  });
  expect(kills.length).toBeGreaterThanOrEqual(20);
  for (const [i, { name, nth }] of kills.entries()) {
    const path = join(folder, `failpoint-${i}.db`);
    const child = start({ does: "die", path, tasks: TASKS, failpoint: name, nth });
    expect(await child.ended, `killed at ${name}, passing ${nth}`).toBe("SIGKILL");
    const calls = child.said.filter((message) => "call" in message).length;
    const tasks = child.said.filter((message) => "task" in message).length;
    const store = openHere(path, { synchronous: "NORMAL" });
    // P1, and nothing in between: what was acknowledged is there, what was not is there whole or not at all.
    const expected = whole.digests[name === "after-commit" ? calls + 1 : calls];
    expect(await digest(store), `after ${name}, passing ${nth}, ${calls} calls`).toBe(expected);
    await repeat(store, tasks); // P2
    for (let i = tasks; i < TASKS; i++) await perform(store, task(i));
    expect(await dump(store), `in the end, after ${name}, passing ${nth}`).toEqual(whole.dump); // P13
    expect(await verifyGroup(store, GROUP)).toEqual([]);
    await store.close();
  }
});

test("killed at random times, again and again, the store goes on with what was acknowledged, to the end of the memory store", {
  timeout: 120_000,
}, async () => {
  const path = join(folder, "random.db");
  const memory = new MemoryStore();
  const total = 160;
  let next = 0;
  let kills = 0;
  while (next < total) {
    const child = start({ does: "tell", path, from: next, to: total });
    const begun = performance.now();
    await child.saysTimes("task", 1);
    // P8: the next process works on, without waiting for anything that the killed one held.
    expect(performance.now() - begun).toBeLessThan(60_000);
    await child.saysTimes("task", 2 + Math.floor(Math.random() * 20));
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 15));
    child.kill("SIGKILL");
    if ((await child.ended) === "SIGKILL") kills++;
    expect(readLock(path)).toBeNull();
    const done = next + child.said.filter((message) => "task" in message).length;
    for (; next < done; next++) await perform(memory, task(next));
    await expectAcknowledged(path, memory, next);
  }
  expect(kills).toBeGreaterThanOrEqual(5);
  const store = openHere(path);
  await repeat(store, total); // P2
  expect(await dump(store)).toEqual(await dump(memory)); // P13
  // One effect each: as many batches in the audit as without a kill.
  const whole = openHere(join(folder, "unkilled.db"), { synchronous: "NORMAL" });
  for (let i = 0; i < total; i++) await perform(whole, task(i));
  expect(await batchesByOperation(store)).toEqual(await batchesByOperation(whole));
  await whole.close();
  await store.close();
});

/** P1: what was carried out is recorded, what was refused is not; and nothing is against the law. */
async function expectAcknowledged(path: string, memory: GraphStore, tasks: number): Promise<void> {
  const store = openHere(path, { readOnly: true });
  for (let i = 0; i < tasks; i++) {
    const todo = task(i);
    if (todo.kind !== "apply") continue;
    const { id } = todo.operation;
    expect((await store.operation(GROUP, id))?.outcomes, id).toEqual((await memory.operation(GROUP, id))?.outcomes);
  }
  const rolling = await store.unfinished(10);
  // Only the task in hand may be under way: its own operation, or a retention that its collection carries out.
  const inHand = task(tasks);
  const ownOperation = inHand.kind === "collect" ? /^retention:[a-z]+:\d+$/ : new RegExp(`^task-${tasks}$`);
  for (const { operationId } of rolling) expect(operationId).toMatch(ownOperation);
  if (rolling.length === 0) expect(await verifyGroup(store, GROUP)).toEqual([]);
  await store.close();
}

async function batchesByOperation(store: GraphStore): Promise<Record<string, number>> {
  const batches: Record<string, number> = {};
  for (const { ref } of await store.audit(GROUP, { afterSeq: 0, limit: 100_000 })) {
    if (ref.startsWith("task-")) batches[ref] = (batches[ref] ?? 0) + 1;
  }
  return batches;
}
