import { setTimeout as delay } from "node:timers/promises";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import { Files } from "./graph.ts";
import { endServers, Server, type StartOptions, until } from "./server.ts";

const files = new Files();
afterEach(endServers);
afterAll(() => files.remove());

function start(quietSeconds: number, options: StartOptions = {}): Promise<Server> {
  const environment = { GRAPHKEEPER_AFTER_EVENTS: "true", GRAPHKEEPER_QUIET_SECONDS: String(quietSeconds) };
  return Server.start(files.path(), { roles: "http,scheduler,worker", environment, ...options });
}

async function fill(server: Server, group: string, documents: number): Promise<string[]> {
  const names = Array.from({ length: documents }, (_, i) => `${group}-doc-${i}`);
  const lines = names.flatMap((name) => [
    { kind: "document", id: name },
    { kind: "text_unit", id: `${name}/u`, documents: [name], text: `about ${name}` },
    { kind: "entity", id: `${name}/e`, name },
    { kind: "mention", text_unit: `${name}/u`, entity: `${name}/e` },
  ]);
  const body = lines.map((line) => JSON.stringify(line)).join("\n");
  await server.call("POST", `/groups/${group}/import`, { body });
  return names;
}

const runsOf = async (server: Server, group: string) =>
  (await server.call("GET", "/maintenance/runs", { group })).runs as {
    id: string;
    kind: string;
    trigger: string;
    state: string;
    created_at: string;
    run_at: string;
    first_event_at: string;
    last_event_at: string;
    events: number;
    result: { deleted: number };
  }[];
const ms = (iso: string) => Date.parse(iso);

describe("after a lifecycle call", { timeout: 60_000 }, () => {
  test("a debounced run is there when the call has answered; a bulk call makes one; each event puts it off, up to a ceiling", async () => {
    const config = files.config({ maintenance: { maxWaitSeconds: 40 } });
    const server = await start(30, {
      environment: {
        GRAPHKEEPER_CONFIG: config,
        GRAPHKEEPER_AFTER_EVENTS: "true",
        GRAPHKEEPER_QUIET_SECONDS: "30",
      },
    });
    const names = await fill(server, "bulk", 20);
    // The import is an event too: it is the first of the run that follows.
    const [first, ...none] = await runsOf(server, "bulk");
    expect(none).toEqual([]);
    expect(first).toMatchObject({ kind: "gc_all", trigger: "event", state: "queued" });
    await server.call("POST", "/documents/bulk", {
      group: "bulk",
      body: { verb: "deprecate", documents: names.slice(0, 15), force: true },
    });
    const after = await runsOf(server, "bulk");
    expect(after).toHaveLength(1);
    const run = after[0]!;
    expect(run).toMatchObject({ id: first?.id, state: "queued" });
    expect(run.events).toBe(first!.events + 1);
    expect(ms(run.run_at)).toBe(Math.min(ms(run.last_event_at) + 30_000, ms(run.first_event_at) + 40_000));
    expect(await server.call("GET", "/maintenance/health", { group: "bulk" })).toMatchObject({ needs_gc: true });

    // A call that changes nothing asks for nothing.
    await server.call("POST", `/documents/${names[0]}/deprecate`, { group: "bulk" });
    expect((await runsOf(server, "bulk"))[0]?.events).toBe(run.events);
    await server.stop();
  });

  test("the run begins by itself when it has been quiet, and the group needs no collection any more", async () => {
    const server = await start(1);
    const [name] = await fill(server, "alone", 3);
    await until(
      async () => await runsOf(server, "alone"),
      (runs) => runs.every((run) => run.state === "succeeded"),
    );
    const asked = Date.now();
    await server.call("POST", `/documents/${name}/deprecate`, { group: "alone", body: { force: true } });
    const answered = Date.now();
    const [run] = await runsOf(server, "alone");
    expect(run).toMatchObject({ kind: "gc_all", trigger: "event" });
    expect(ms(run!.run_at)).toBeGreaterThanOrEqual(asked + 1_000);
    expect(ms(run!.run_at)).toBeLessThanOrEqual(answered + 1_000);
    const stale = async () =>
      (await server.call("GET", "/maintenance/admin/groups/stale")).groups as { group_id: string; needs_gc: boolean }[];
    expect((await stale()).find((group) => group.group_id === "alone")).toMatchObject({ needs_gc: true });
    const ended = await server.finish(run!.id, 15_000);
    expect(ended).toMatchObject({ state: "succeeded", result: { deleted: 1, fresh: true } });
    expect(ms(ended.started_at)).toBeGreaterThanOrEqual(ms(run!.run_at));
    expect((await stale()).find((group) => group.group_id === "alone")?.needs_gc ?? false).toBe(false);
    expect(await server.call("GET", "/maintenance/health", { group: "alone" })).toMatchObject({ needs_gc: false });
    await server.stop();
  });

  test("a request that arrives while the run is at work makes a new one", async () => {
    const server = await start(0);
    const [name] = await fill(server, "busy", 2);
    await server.call("POST", `/documents/${name}/deprecate`, { group: "busy", body: { force: true } });
    await server.call("POST", `/documents/${name}/restore`, { group: "busy" });
    // Whatever ran when: at the end every change has been followed.
    await until(
      async () => await server.call("GET", "/maintenance/health", { group: "busy" }),
      (health) => health.needs_gc === false,
      15_000,
    );
    expect(await server.call("GET", "/groups/busy/verify")).toMatchObject({ clean: true });
    await server.stop();
  });
});

describe("schedules over HTTP", { timeout: 60_000 }, () => {
  test("a new installation has those of the specification; one every two seconds fires once each; pause holds it", async () => {
    const server = await start(600);
    const { schedules } = await server.call("GET", "/maintenance/schedules");
    expect(schedules.map((s: { kind: string; expression: string }) => [s.kind, s.expression]).sort()).toEqual([
      ["deprecated_vectors", "30 * * * *"],
      ["orphan_entities", "0 * * * *"],
      ["recompute", "0 2 * * *"],
      ["stale_edges", "15 * * * *"],
    ]);
    await fill(server, "timed", 2);
    const every = {
      kind: "stale_edges",
      dialect: "ncrontab",
      expression: "*/2 * * * * *",
      target: { group_id: "timed" },
    };
    const put = await server.call("PUT", "/maintenance/schedules/quick", { body: every });
    expect(put).toMatchObject({ id: "quick", enabled: true, overlap: "skip" });
    const occurrences = async () =>
      (await server.call("GET", "/maintenance/schedules/quick/occurrences")).occurrences as {
        nominal_at: string;
        outcome: string;
        reason: string | null;
        runs: number;
        decided_at: string;
      }[];
    const fired = await until(occurrences, (all) => all.length >= 4, 20_000);
    const times = fired.map((o) => ms(o.nominal_at)).reverse();
    expect(times.every((time, i) => i === 0 || time === times[i - 1]! + 2_000)).toBe(true);
    for (const occurrence of fired) {
      expect(occurrence).toMatchObject({ outcome: "fired" });
      expect(ms(occurrence.decided_at)).toBeGreaterThanOrEqual(ms(occurrence.nominal_at));
    }
    const { runs } = await server.call("GET", "/maintenance/runs?schedule=quick");
    const nominal = runs.map((run: { nominal_at: string }) => run.nominal_at);
    expect(new Set(nominal).size).toBe(nominal.length);
    expect(runs[0]).toMatchObject({ kind: "stale_edges", group_id: "timed", trigger: "schedule" });

    await server.call("POST", "/maintenance/schedules/quick/pause", { body: { reason: "a test" } });
    const before = await occurrences();
    const runsBefore = (await server.call("GET", "/maintenance/runs?schedule=quick")).runs.length;
    const paused = await until(occurrences, (all) => all.length > before.length + 1, 15_000);
    for (const occurrence of paused.slice(0, paused.length - before.length)) {
      expect(occurrence).toMatchObject({ outcome: "skipped", runs: 0, reason: expect.stringMatching(/a test/) });
    }
    expect((await server.call("GET", "/maintenance/runs?schedule=quick")).runs.length).toBe(runsBefore);
    expect(await server.call("GET", "/maintenance/schedules/quick")).toMatchObject({
      next_at: null,
      pause: { reason: "a test" },
    });
    await server.call("POST", "/maintenance/schedules/quick/resume");
    await until(occurrences, (all) => all[0]?.outcome === "fired", 10_000);
    expect((await server.send("DELETE", "/maintenance/schedules/quick")).status).toBe(204);
    const last = (await server.call("GET", "/maintenance/runs?schedule=quick")).runs.length;
    await delay(2_500);
    expect((await server.call("GET", "/maintenance/runs?schedule=quick")).runs.length).toBe(last);
    await server.stop();
  });
});
