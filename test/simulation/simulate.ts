import assert from "node:assert/strict";
import fc from "fast-check";
import { dumpOf } from "../../src/conformance/graph/dump.ts";
import { violations, World } from "../../src/conformance/index.ts";
import { GraphkeeperError } from "../../src/core/errors.ts";
import type { ApplyOptions } from "../../src/core/ports.ts";
import { readPublished } from "../../src/core/published.ts";
import {
  COLLECTION_KINDS,
  type Fence,
  type Operation,
  type OperationRecord,
  type Policy,
} from "../../src/core/words.ts";
import type { Clock } from "../../src/jobs/clock.ts";
import { JobService } from "../../src/jobs/service.ts";
import { maintenanceHandler } from "../../src/maintenance/handler.ts";
import { verifyGroup } from "../../src/maintenance/verify.ts";
import { Graphkeeper } from "../../src/service.ts";
import { MemoryKeyStore, MemoryStore } from "../../src/stores/memory/index.ts";
import { type Command, GROUPS, sequences } from "../model/commands.ts";
import { violationsAfterCollection } from "../model/naive.ts";
import { analyseHere } from "./analyse-here.ts";
import { Calls, type Process } from "./calls.ts";
import { KINDS, type Subject } from "./subjects.ts";
import { Random, settle, VirtualTime } from "./time.ts";

/**
 * One process, one seed: the service (façade, jobs, maintenance) on real stores, with every clock, every random choice and the
 * order of all calls to the stores given by the seed. While it lasts, processes die, answers are lost, the wall clock jumps:
 * the law must hold all the time (safety). Then the faults end, and everything asked for must come about (liveness).
 *
 * The reference model is beside it: what was committed is carried out there too, in the same order, with the same result; after
 * the last collection both must be equal.
 */
export interface Simulated {
  steps: number;
  calls: number;
  injected: number;
  crashes: number;
  operations: number;
  runs: number;
}

/** Time never purges, so that the model needs no collections of its own before the end. */
const POLICY: Policy = { restoreWindowMs: Number.POSITIVE_INFINITY, unsupported: "keep", graceAgeMs: 0 };
/** Written by a holder of the group's lease only. */
const FENCED = [
  "collect",
  "sweep",
  "finishCollection",
  "stageAnalytics",
  "publishAnalytics",
  "discardStaged",
  "pruneAnalytics",
];
const VERBS: readonly string[] = ["import", "replace", "deprecate", "restore", "purge", "hold", "release"];
/** Of virtual time: more than the longest wait between two attempts of a run. */
const PATIENCE_MS = 6 * 3_600_000;

interface Wish {
  id: string;
  group: string;
  command: Command;
  state: "asked" | "unknown" | "refused" | "done";
  server: Process | null;
  record: OperationRecord | null;
}

interface Server {
  process: Process;
  graphkeeper: Graphkeeper;
}

export async function simulate(
  seed: number,
  steps: number,
  open: (now: () => number, newId: () => string) => Promise<Subject>,
): Promise<Simulated> {
  const time = new VirtualTime();
  time.install();
  try {
    const simulation = new Simulation(seed, time);
    return await simulation.run(steps, open);
  } finally {
    time.uninstall();
  }
}

class Simulation {
  readonly #random: Random;
  readonly #time: VirtualTime;
  readonly #calls: Calls;
  readonly #commands: Command[];
  readonly #oracle: MemoryStore;
  readonly #wishes: Wish[] = [];
  readonly #tokens = new Map<string, number>();
  /** What a check inside a call found: thrown there it would be an answer of the store. */
  #found: unknown = null;
  #subject!: Subject;
  #servers: Server[] = [];
  #failedStarts: Server[] = [];
  #ids = 0;
  #crashes = 0;
  readonly #habits: { batchSize: number; servers: number; crashes: number; jumps: number };

  constructor(seed: number, time: VirtualTime) {
    this.#time = time;
    this.#random = new Random(seed);
    const random = this.#random;
    this.#calls = new Calls(random);
    // Not every seed has every kind of fault: what one of them hides, others show.
    const rate = (most: number) => (random.chance(0.3) ? 0 : random.next() * most);
    this.#calls.faults = { before: rate(0.06), after: rate(0.06) };
    this.#habits = {
      batchSize: 1 + random.below(5),
      servers: 1 + random.below(2),
      crashes: rate(0.02),
      jumps: rate(0.02),
    };
    this.#oracle = new MemoryStore({ clock: time.now });
    this.#commands = fc.sample(sequences(60), { seed: random.below(2 ** 31), numRuns: 1 })[0] as Command[];
  }

  async run(steps: number, open: (now: () => number, newId: () => string) => Promise<Subject>): Promise<Simulated> {
    this.#subject = await open(this.#time.now, () => `event-${++this.#ids}`);
    try {
      for (let i = 0; i < this.#habits.servers; i++) await this.#start();
      for (let step = 1; step <= steps; step++) {
        await this.#step();
        if (step % 20 === 0) await this.#checkLaw();
      }
      await this.#checkLaw();
      const done = await this.#live();
      await this.#checkEnd();
      return {
        steps: steps + done,
        calls: this.#calls.carriedOut,
        injected: this.#calls.injected,
        crashes: this.#crashes,
        operations: this.#wishes.filter((wish) => wish.state === "done").length,
        runs: (await this.#subject.jobs.runs({ states: ["succeeded"], limit: 1_000 })).length,
      };
    } finally {
      for (const { process } of this.#servers) process.alive = false;
      await this.#subject.close();
    }
  }

  async #step(): Promise<void> {
    const random = this.#random;
    if (random.chance(this.#habits.crashes)) await this.#crash();
    else if (random.chance(this.#habits.jumps)) this.#time.jump((random.next() - 0.5) * 180_000);
    else if (this.#calls.waiting > 0 && random.chance(0.7)) await this.#calls.step();
    else if (random.chance(0.6)) this.#ask();
    else this.#time.step();
    await this.#settle();
  }

  async #settle(): Promise<void> {
    await settle();
    if (this.#found !== null) throw this.#found;
    for (const server of this.#failedStarts.splice(0)) if (server.process.alive) await this.#crash(server);
  }

  /** A process of the service begins. */
  async #start(): Promise<void> {
    const process: Process = { name: `p${++this.#ids}`, alive: true };
    const time = this.#time;
    const clock: Clock = {
      now: time.now,
      monotonic: time.monotonic,
      sleep: (ms, signal) =>
        new Promise((resolve) => void time.sleep(ms, signal).then(() => process.alive && resolve())),
    };
    const store = this.#calls.through(this.#subject.store, process, (name, args, call) =>
      this.#observe(name, args, call),
    );
    const jobStore = this.#calls.through(this.#subject.jobs, process);
    const settings = {
      policy: POLICY,
      sweepEveryMs: 86_400_000,
      batchSize: this.#habits.batchSize,
      memoryMb: 64,
      k: 3,
      cutoff: 0.6,
      resolution: 1,
      seed: 1,
      analyse: analyseHere,
    };
    const newId = () => `${process.name}-${++this.#ids}`;
    const jobs: JobService = new JobService({
      store: jobStore,
      handler: maintenanceHandler(store, settings, time.now),
      kinds: KINDS,
      clock,
      random: this.#random.next,
      newId,
      owner: process.name,
      worker: { pollMs: 5_000, beatMs: 2_000 },
      targets: (kind) => graphkeeper.targets(kind),
      need: async (_kind, groupId) => {
        const group = await store.group(groupId);
        const changes = group ? group.generation - group.collectedGeneration : 0;
        return { changes, size: group?.generation ?? 0, since: changes > 0 ? (group?.staleSince ?? null) : null };
      },
      sweeps: { gc_all: { base: 50, scale: 0.02, cap: 10_000, maxAgeMs: 3_600_000 } },
    });
    const graphkeeper = new Graphkeeper({
      store,
      keys: new MemoryKeyStore(),
      jobs,
      policy: POLICY,
      clock: time.now,
      newId,
      collectAfterEvents: !this.#subject.asksItself,
    });
    const server = { process, graphkeeper };
    this.#servers.push(server);
    // A service that cannot start ends, and is started again by whoever looks after it.
    const begin = async () => {
      await graphkeeper.resume();
      await jobs.start({ roles: ["worker", "scheduler"] });
    };
    begin().catch(() => process.alive && this.#failedStarts.push(server));
  }

  async #crash(server = this.#random.pick(this.#servers)): Promise<void> {
    this.#crashes++;
    this.#servers.splice(this.#servers.indexOf(server), 1);
    const { process } = server;
    await this.#calls.drop(process);
    for (const wish of this.#wishes) if (wish.state === "asked" && wish.server === process) wish.state = "unknown";
    await this.#start();
  }

  /** A client asks for something new, or again for what it had no answer to. */
  #ask(): void {
    const unknown = this.#wishes.filter((wish) => wish.state === "unknown");
    if (unknown.length > 0 && this.#random.chance(0.5)) {
      this.#send(this.#random.pick(unknown));
      return;
    }
    const command = this.#commands.shift();
    if (command === undefined) return;
    if (command.does === "collect" || command.does === "publish") this.#run(command);
    if (!VERBS.includes(command.does)) return;
    const wish: Wish = {
      id: `op-${++this.#ids}`,
      group: command.group,
      command,
      state: "asked",
      server: null,
      record: null,
    };
    this.#wishes.push(wish);
    this.#send(wish);
  }

  #run({ does, group }: Command): void {
    const { graphkeeper } = this.#random.pick(this.#servers);
    void graphkeeper.run({ kind: does === "publish" ? "recompute" : "gc_all", groupId: group }).catch(() => {});
  }

  #send(wish: Wish): void {
    const { process, graphkeeper } = this.#random.pick(this.#servers);
    wish.state = "asked";
    wish.server = process;
    perform(graphkeeper, wish).then(
      (record) => {
        wish.state = "done";
        wish.record = record;
      },
      (error: unknown) => {
        if (!(error instanceof GraphkeeperError)) this.#found ??= error;
        // A refusal is an answer; anything else may have happened or not.
        else wish.state = error.status < 500 ? "refused" : "unknown";
      },
    );
  }

  /** Beside each call that is carried out: the model does the same, and whoever writes must hold the lease. */
  async #observe(name: string, args: unknown[], call: () => Promise<unknown>): Promise<unknown> {
    if (name === "apply" || name === "advance") return this.#both(name, args, call);
    if (name === "acquireLease") {
      const fence = (await call()) as Fence | null;
      if (fence) this.#tokens.set(fence.groupId, fence.token);
      return fence;
    }
    if (!FENCED.includes(name)) return call();
    const fence = args[0] as Fence;
    const isStage = name === "stageAnalytics";
    const before = isStage ? await readPublished(this.#subject.store, fence.groupId) : null;
    const result = await call();
    if (isStage)
      await this.#must(async () =>
        assert.deepEqual(await readPublished(this.#subject.store, fence.groupId), before, "staged rows are not seen"),
      );
    await this.#must(() =>
      assert.equal(fence.token, this.#tokens.get(fence.groupId), `${name} by a holder whose lease went to another`),
    );
    return result;
  }

  async #both(name: "apply" | "advance", args: unknown[], call: () => Promise<unknown>): Promise<unknown> {
    if (name === "apply") {
      const [operation, options = {}] = args as [Operation, ApplyOptions | undefined];
      // Plans in batches of two text units, for a third of the operations.
      const units = Number(/\d+$/.exec(operation.id)?.[0] ?? 0) % 3 === 0 ? 2 : undefined;
      args[1] = { ...options, unitsPerTransaction: units };
    }
    const result = await outcomeOf(call);
    const model = await outcomeOf(() => (this.#oracle[name] as (...all: unknown[]) => Promise<unknown>)(...args));
    const seen = ({ record, error }: Outcome) =>
      record === null ? { error: error?.code } : { outcomes: record.outcomes, replayed: record.replayed };
    await this.#must(() => assert.deepEqual(seen(result), seen(model), `${name} of ${JSON.stringify(args[0])}`));
    // Stores may cut a plan at other places: units of two documents count once or twice. Where one is done, so is the other.
    for (let rolling = model.record; result.record?.state === "done" && rolling?.state === "rolling"; )
      rolling = await this.#oracle.advance(rolling.groupId, rolling.id, { unitsPerTransaction: 100 });
    if (result.error !== null) throw result.error;
    return result.record;
  }

  async #must(check: () => unknown): Promise<void> {
    try {
      await check();
    } catch (error) {
      this.#found ??= error;
    }
  }

  async #groups(): Promise<string[]> {
    const found: string[] = [];
    for (const id of GROUPS) if ((await this.#subject.store.group(id)) !== null) found.push(id);
    return found;
  }

  async #checkLaw(): Promise<void> {
    for (const id of await this.#groups()) {
      assert.deepEqual(await violations(this.#subject.store, id), [], `the law in ${id}`);
      // A plan that is still carried out has hidden some of its text units, and not yet the others.
      const rolls = (await this.#subject.store.unfinished(100)).some(({ groupId }) => groupId === id);
      if (!rolls) assert.deepEqual(await verifyGroup(this.#subject.store, id), [], `verify of ${id}`);
    }
  }

  /** The faults end. @returns the steps that it took until all was done */
  async #live(): Promise<number> {
    this.#calls.faults = { before: 0, after: 0 };
    Object.assign(this.#habits, { crashes: 0, jumps: 0 });
    const until = this.#time.monotonic() + PATIENCE_MS;
    let asked = false;
    for (let step = 1; ; step++) {
      if (this.#calls.waiting > 0) await this.#calls.step();
      else {
        for (const wish of this.#wishes) if (wish.state === "unknown") this.#send(wish);
        if (this.#calls.waiting === 0 && this.#wishes.every(({ state }) => state !== "asked")) {
          if (!asked)
            for (const group of await this.#groups())
              for (const does of ["collect", "publish", "collect"] as const) this.#run({ does, group } as Command);
          else if (await this.#isDone()) return step;
          asked = true;
        }
        if (this.#calls.waiting === 0) assert.ok(this.#time.step(), "something is left that happens by itself");
      }
      await this.#settle();
      if (this.#time.monotonic() > until) assert.fail(`not done within six hours: ${await this.#whatWaits()}`);
    }
  }

  async #isDone(): Promise<boolean> {
    if ((await this.#subject.jobs.runs({ states: ["queued", "running"], limit: 1 })).length > 0) return false;
    for (const id of await this.#groups()) {
      const group = await this.#subject.store.group(id);
      if (group!.generation > group!.collectedGeneration) return false;
      // What collection hid is news for analytics.
      if (group!.generation !== group!.analyticsGeneration) {
        this.#run({ does: "publish", group: id } as Command);
        return false;
      }
    }
    return true;
  }

  async #whatWaits(): Promise<string> {
    const runs = await this.#subject.jobs.runs({ states: ["queued", "running", "dead", "failed"], limit: 20 });
    const groups = await Promise.all((await this.#groups()).map((id) => this.#subject.store.group(id)));
    const wishes = this.#wishes.filter(({ state }) => state === "asked" || state === "unknown");
    return JSON.stringify({
      runs: runs.map(({ id, kind, groupId, state, reason, error }) => ({ id, kind, groupId, state, reason, error })),
      groups,
      wishes: wishes.map(({ id, command }) => [id, command.does]),
    });
  }

  async #checkEnd(): Promise<void> {
    const { store, jobs } = this.#subject;
    await this.#checkLaw();
    for (const { id, group, state, record } of this.#wishes) {
      if (state !== "done") continue;
      const kept = await store.operation(group, id);
      assert.deepEqual(kept?.outcomes, record!.outcomes, `the acknowledged operation ${id} is kept`);
      assert.equal(kept?.state, "done");
    }
    const broken = await jobs.runs({ states: ["dead", "failed"], limit: 10 });
    assert.deepEqual(
      broken.map(({ kind, error }) => [kind, error]).filter(([, error]) => !/simulated/.test(JSON.stringify(error))),
      [],
      "no run fails by itself",
    );
    const model = new World(this.#oracle, this.#time.now());
    for (const id of await this.#groups()) {
      assert.deepEqual(await violationsAfterCollection(store, id), [], `${id} after collection`);
      for (const kind of COLLECTION_KINDS) assert.equal(await store.remaining(id, kind, POLICY, this.#time.now()), 0);
      await model.collect(id, { policy: POLICY });
      assert.deepEqual(
        await dumpOf(store, id, { facts: true }),
        await dumpOf(this.#oracle, id, { facts: true }),
        `${id} is what the model says`,
      );
    }
  }
}

interface Outcome {
  record: OperationRecord | null;
  error: GraphkeeperError | null;
}

async function outcomeOf(call: () => Promise<unknown>): Promise<Outcome> {
  try {
    return { record: (await call()) as OperationRecord, error: null };
  } catch (error) {
    if (error instanceof GraphkeeperError) return { record: null, error };
    throw error;
  }
}

function perform(graphkeeper: Graphkeeper, { id, group, command }: Wish): Promise<OperationRecord> {
  const options = { operationId: id, force: true };
  switch (command.does) {
    case "import":
      return graphkeeper.importBlock(group, command.block, options);
    case "replace":
      return graphkeeper.replace(group, command.block.documents[0]!.id, command.block, options);
    case "purge": {
      const confirm = command.documents.join(",");
      const purged = graphkeeper.purge(group, command.documents, { ...options, confirm, certify: false });
      return purged.then(({ operation }) => operation);
    }
    case "deprecate":
      return graphkeeper.deprecate(group, command.documents, { ...options, successor: command.successor });
    case "restore":
    case "hold":
    case "release":
      return graphkeeper[command.does](group, command.documents, options);
    default:
      throw new Error(`not a lifecycle call: ${command.does}`);
  }
}
