import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { FakeClock } from "../../src/conformance/jobs/clock.ts";
import { JobService } from "../../src/jobs/service.ts";
import { openSqliteJobs } from "../../src/stores/sqlite/jobs.ts";

test("1,000 groups due at 02:00: heavy runs never above the cap over three processes, starts spread evenly", {
  timeout: 120_000,
}, async () => {
  const folder = mkdtempSync(join(tmpdir(), "gk-jobs-"));
  const clock = new FakeClock("2026-11-24T01:59:00Z");
  const path = join(folder, "data.db");
  const groups = Array.from({ length: 1_000 }, (_, i) => `tenant-${i}`);
  let heavy = 0;
  let most = 0;
  const begun: number[] = [];
  const services = await Promise.all(
    ["a", "b", "c"].map(async (owner) => {
      const store = await openSqliteJobs({ path, now: () => clock.now() });
      return new JobService({
        store,
        clock,
        owner,
        kinds: { recompute: { heavy: true } },
        targets: async () => groups,
        worker: { concurrency: 4, heavyCap: 5, beatMs: 5_000 },
        handler: async (ctx) => {
          heavy++;
          most = Math.max(most, heavy);
          begun.push(ctx.run.runAt);
          await clock.sleep(12_000, ctx.signal);
          heavy--;
          return {};
        },
      });
    }),
  );
  try {
    await services[0]?.schedules.set("recompute-daily", {
      kind: "recompute",
      expression: "0 2 * * *",
      spreadMs: 3_600_000,
    });
    await clock.advance(60_000);
    await Promise.all(services.map((jobs) => jobs.tick()));
    const store = (services[0] as JobService).store;
    const occurrences = await store.occurrences({ limit: 10 });
    expect(occurrences.map((o) => o.runs)).toEqual([1_000]);
    // Looks every 6 s instead of 4 a second: the decisions are the same, the simulated hours shorter.
    for (let i = 0; begun.length < 1_000 && i < 2_000; i++) {
      for (const jobs of services) void jobs.drain();
      await clock.advance(6_000, 2);
    }
    await clock.advance(30_000);
    expect(begun.length).toBe(1_000);
    expect(most).toBe(5);
    const quarters = [0, 0, 0, 0];
    const two = Date.parse("2026-11-24T02:00:00Z");
    for (const at of begun)
      quarters[Math.floor((at - two) / 900_000)] = (quarters[Math.floor((at - two) / 900_000)] ?? 0) + 1;
    expect(Math.max(...quarters) / Math.min(...quarters)).toBeLessThan(1.35);
    expect((await store.runs({ states: ["succeeded"], limit: 2_000 })).length).toBe(1_000);
  } finally {
    for (const jobs of services) await jobs.store.close();
    rmSync(folder, { recursive: true, force: true });
  }
});
