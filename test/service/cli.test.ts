import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Files, GROUP } from "./graph.ts";
import { API_KEY, cli, endServers, Server } from "./server.ts";

const files = new Files();
let server: Server;
let data: string;
beforeAll(async () => {
  data = await files.template(150);
  // Many small batches, and many neighbours: the commands meet runs that are at work.
  server = await Server.start(data, {
    roles: "http,scheduler,worker",
    environment: {
      GRAPHKEEPER_BATCH_SIZE: "10",
      GRAPHKEEPER_AFTER_EVENTS: "true",
      GRAPHKEEPER_CONFIG: files.config({ maintenance: { k: 50 } }),
    },
  });
}, 60_000);
afterAll(async () => {
  await server?.stop();
  await endServers();
  files.remove();
});

const environment = () => ({ GRAPHKEEPER_URL: server.url, GRAPHKEEPER_API_KEY: API_KEY });
const run = (...args: string[]) => cli(args, environment());
async function json(...args: string[]) {
  const { code, out, err } = await run("--json", ...args);
  expect(code, err).toBe(0);
  return JSON.parse(out);
}

/** A run that waits out the quiet time after a change, so that the commands meet it before it begins. */
async function waitingRun(): Promise<string> {
  const { documents } = await server.call("GET", "/documents?status=active&limit=1", { group: GROUP });
  await server.call("POST", `/documents/${documents[0].id}/deprecate`, { group: GROUP, body: {} });
  const { runs } = await server.call("GET", "/maintenance/runs", { group: GROUP });
  const waiting = runs.find((r: { state: string; trigger: string }) => r.state === "queued" && r.trigger === "event");
  expect(waiting).toMatchObject({ kind: "gc_all", trigger: "event" });
  return waiting.id;
}

describe("runs", () => {
  test("list, show, cancel, retry, watch", async () => {
    const id = await waitingRun();
    expect(await json("runs", "cancel", id)).toMatchObject({ id, state: "cancelled" });

    const listed = await run("runs", "list", "--limit", "5");
    expect(listed.out.split("\n")[0]).toMatch(/^ID\s+KIND\s+GROUP\s+STATE/);
    expect(listed.out).toMatch(new RegExp(`^${id}\\s+gc_all\\s+${GROUP}\\s+cancelled`, "m"));
    expect((await json("runs", "list")).runs).toContainEqual(expect.objectContaining({ id, state: "cancelled" }));
    expect((await run("--group", "nobody", "runs", "list")).code).toBe(4);
    expect(await json("runs", "show", id)).toMatchObject({ id, kind: "gc_all", state: "cancelled" });

    const retried = await json("runs", "retry", id);
    expect(["queued", "running"]).toContain(retried.state);
    const watched = await run("runs", "watch", id);
    expect(watched.code, watched.err).toBe(0);
    expect(watched.out).toMatch(new RegExp(`^${id}: succeeded`, "m"));
    expect(await json("runs", "show", id)).toMatchObject({ state: "succeeded", result: { fresh: true } });
  });

  test("pause and resume", async () => {
    const id = await waitingRun();
    expect(await json("runs", "pause", id)).toMatchObject({ id, state: "paused" });
    expect(await json("runs", "resume", id)).toMatchObject({ id, state: expect.stringMatching(/queued|running/) });
    expect(await server.finish(id)).toMatchObject({ state: "succeeded", result: { fresh: true } });
  });

  test("a run that is not there: exit code 4, in words and as JSON", async () => {
    const verbs = ["show", "watch", "cancel", "retry"];
    const answers = await Promise.all(verbs.map((verb) => run("runs", verb, "no-such-run")));
    expect(answers.map((answer) => answer.code)).toEqual([4, 4, 4, 4]);
    for (const { err } of answers) expect(err).toMatch(/RUN_NOT_FOUND/);
    const { code, err } = await run("--json", "runs", "show", "no-such-run");
    expect(code).toBe(4);
    expect(JSON.parse(err)).toMatchObject({ code: "RUN_NOT_FOUND" });
  });
});

describe("schedules", () => {
  test("list, set, pause, resume, preview, delete", async () => {
    const listed = await run("schedules", "list");
    expect(listed.out).toMatch(/^recompute-daily\s+recompute\s+0 2 \* \* \*\s+cron\s+UTC\s+\d{4}-/m);
    const set = ["schedules", "set", "nightly", "--kind", "recompute", "--expression", "0 30 1 * * *"];
    expect(await json(...set, "--dialect", "ncrontab", "--time-zone", "Europe/Berlin", "--group", GROUP)).toMatchObject(
      {
        id: "nightly",
        kind: "recompute",
        expression: "0 30 1 * * *",
        time_zone: "Europe/Berlin",
        target: { group_id: GROUP },
      },
    );
    // A change keeps the rest.
    expect(await json("schedules", "set", "nightly", "--expression", "0 0 3 * * *")).toMatchObject({
      dialect: "ncrontab",
      kind: "recompute",
      target: { group_id: GROUP },
      expression: "0 0 3 * * *",
    });
    const of = async () =>
      (await json("schedules", "list")).schedules.find((s: { id: string }) => s.id === "nightly") as {
        pause: { actor: string } | null;
        next_at: string | null;
      };
    await json("schedules", "pause", "nightly");
    expect(await of()).toMatchObject({ next_at: null, pause: { automatic: false } });
    expect((await run("schedules", "list")).out).toMatch(/^nightly .*paused: /m);
    await json("schedules", "resume", "nightly");
    expect(await of()).toMatchObject({ pause: null, next_at: expect.stringMatching(/T0[12]:00:00.000Z$/) });

    const { times } = await json("schedules", "preview", "@daily", "--count", "3");
    expect(times).toHaveLength(3);
    for (const time of times) expect(time).toMatch(/T00:00:00.000Z$/);
    await json("schedules", "delete", "nightly");
    expect(await of()).toBeUndefined();
    expect((await run("schedules", "delete", "nightly")).code).toBe(4);
  });

  test("an expression that is refused says why; exit code 2", async () => {
    const { code, err } = await run("schedules", "set", "bad", "--kind", "recompute", "--expression", "0 25 * * *");
    expect(code).toBe(2);
    expect(err).toMatch(/INVALID_VALUE/);
    expect(err).toMatch(/hour/i);
    expect((await run("schedules", "preview", "61 * * * *")).code).toBe(2);
  });
});

test("without an address the command finds the server by the lock beside the file", async () => {
  const found = await cli(["--data", data, "--json", "schedules", "list"], { GRAPHKEEPER_API_KEY: API_KEY });
  expect(found.code, found.err).toBe(0);
  expect(JSON.parse(found.out).schedules.length).toBeGreaterThan(3);
  // It was the server that answered: without its key it says no.
  const refused = await cli(["--data", data, "schedules", "list"]);
  expect(refused.code).toBe(5);
});
