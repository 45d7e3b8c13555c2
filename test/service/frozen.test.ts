import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { dumpOf } from "../../src/conformance/graph/dump.ts";
import type { RunDetail } from "../../src/jobs/ports.ts";
import { verifyGroup } from "../../src/maintenance/verify.ts";
import { openSqliteJobs } from "../../src/stores/sqlite/jobs.ts";
import { openHere } from "../sqlite/story.ts";
import { Files, GROUP } from "./graph.ts";
import { until } from "./server.ts";
import type { WorkerConfig } from "./worker.ts";

const files = new Files();
let template: string;
beforeAll(async () => {
  template = await files.template(120);
}, 60_000);
const children: ChildProcess[] = [];
afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    const ended = once(child, "exit");
    child.kill("SIGKILL");
    await ended;
  }
});
afterAll(() => files.remove());

type Said = Record<string, unknown>;
function worker(config: WorkerConfig) {
  const script = fileURLToPath(new URL("./worker.ts", import.meta.url));
  const child = spawn(process.execPath, ["--no-warnings", script, JSON.stringify(config)], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  children.push(child);
  const said: Said[] = [];
  createInterface({ input: child.stdout }).on("line", (line) => said.push(JSON.parse(line)));
  const says = async (event: string, ms = 30_000): Promise<Said> =>
    (await until(
      async () => said.find((message) => message.event === event),
      (message) => message !== undefined || child.exitCode !== null,
      ms,
    )) as Said;
  return { child, said, says };
}

describe("two workers on one file: the first is frozen beyond its leases, the second takes over", {
  timeout: 60_000,
}, () => {
  test.each([
    ["gc_all", 5, "collect"],
    ["recompute", 3, "stageAnalytics"],
  ] as const)(
    "%s: the frozen one goes on and its write is refused; nothing is changed by it",
    async (kind, doorAt, write) => {
      const path = files.copy(template);
      const jobs = await openSqliteJobs({ path });
      const graph = openHere(path, { synchronous: "NORMAL" });
      const state = async () => {
        const [{ generation, analyticsEpoch } = {}, audit, dump] = [
          (await graph.group(GROUP)) ?? undefined,
          await graph.audit(GROUP, { afterSeq: 0, limit: 10_000 }),
          await dumpOf(graph, GROUP),
        ];
        return createHash("sha256")
          .update(JSON.stringify([generation, analyticsEpoch, audit, dump]))
          .digest("hex");
      };
      const first = worker({ path, owner: "frozen", leaseMs: 2_000, doorAt });
      await first.says("started");
      const at = Date.now();
      const request = { id: "run", kind, groupId: GROUP, trigger: "manual", actor: "test", params: {} } as const;
      await jobs.enqueue({ ...request, at, runAt: at, heavy: false, maxAttempts: 3, mode: "new" });
      const door = await first.says("at the door");
      expect(door.write).toBe(write);
      first.child.kill("SIGSTOP");

      const second = worker({ path, owner: "fresh", leaseMs: 2_000, doorAt: null });
      await second.says("started");
      const ended = await until(
        async () => (await jobs.run("run")) as RunDetail,
        (run) => run.endedAt !== null,
        40_000,
      );
      expect(ended).toMatchObject({ state: "succeeded", attempt: 2 });
      const before = await state();

      first.child.stdin?.write("go\n");
      first.child.kill("SIGCONT");
      expect(await first.says("refused")).toEqual({ event: "refused", write, code: "LEASE_LOST" });
      // It has nothing else to do, and can be told to end as usual.
      const exited = once(first.child, "exit");
      first.child.kill("SIGTERM");
      expect((await exited)[0]).toBe(0);
      expect(await state()).toBe(before);
      const after = (await jobs.run("run")) as RunDetail;
      expect(after.attempts.map((a) => [a.owner, a.outcome])).toEqual([
        ["frozen", "lost"],
        ["fresh", "succeeded"],
      ]);
      expect({ ...after, attempts: [] }).toEqual({ ...ended, attempts: [] });
      expect(await verifyGroup(graph, GROUP)).toEqual([]);
      expect(second.said.filter((message) => message.event !== "started")).toEqual([]);
      await graph.close();
      await jobs.close();
    },
  );
});
