import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { FakeClock } from "../../src/conformance/jobs/clock.ts";
import { Rest } from "../../src/jobs/rest.ts";
import { JobService } from "../../src/jobs/service.ts";
import { openSqliteJobs } from "../../src/stores/sqlite/jobs.ts";

test("a rest is twice as long as the run while somebody calls, at most a second, and nothing when nobody is there", async () => {
  const clock = new FakeClock();
  const rest = new Rest(clock);
  expect(rest.restMs(30)).toBe(0);
  rest.called();
  expect(rest.restMs(30)).toBeCloseTo(60);
  expect(rest.restMs(60_000)).toBe(1_000);
  await clock.advance(1_900);
  expect(rest.restMs(30)).toBeCloseTo(60);
  await clock.advance(200);
  expect(rest.restMs(30)).toBe(0);
});

test("a worker leaves its place empty for the rest, then goes on; when it is stopped it does not rest to the end", async () => {
  const folder = mkdtempSync(join(tmpdir(), "gk-rest-"));
  const clock = new FakeClock();
  const store = await openSqliteJobs({ path: join(folder, "data.db"), now: () => clock.now() });
  try {
    const begun: number[] = [];
    const took: number[] = [];
    const jobs = new JobService({
      store,
      clock,
      owner: "worker",
      kinds: { orphan_entities: {} },
      handler: async () => {
        begun.push(clock.monotonic());
        await clock.sleep(100);
        return {};
      },
      worker: {
        concurrency: 1,
        restMs: (ms) => {
          took.push(ms);
          return begun.length < 3 ? 5_000 : 1_000_000;
        },
      },
    });
    for (const groupId of ["a", "b", "c", "d"]) await jobs.trigger({ kind: "orphan_entities", groupId });
    await jobs.start({ roles: ["worker"] });
    await clock.advance(4_000);
    expect(begun).toHaveLength(1);
    await clock.advance(9_000);
    expect(begun).toHaveLength(3);
    for (const [i, at] of begun.slice(1).entries()) expect(at - (begun[i] as number)).toBeGreaterThanOrEqual(5_100);
    expect(took).toEqual([100, 100, 100]);
    const stopped = jobs.stop({ graceMs: 1_000 });
    await clock.advance(1_000);
    await stopped;
    expect(begun).toHaveLength(3);
  } finally {
    await store.close();
    rmSync(folder, { recursive: true, force: true });
  }
});
