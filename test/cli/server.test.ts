import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { hasMsGraphrag, MSGRAPHRAG } from "../data/graphs.ts";
import { begin, cli, corpus, documentLines, serve, workplace } from "./run.ts";

let place: Awaited<ReturnType<typeof workplace>>;
let server: Awaited<ReturnType<typeof serve>>;
beforeAll(async () => {
  place = await workplace();
  server = await serve(place.data);
});
afterAll(async () => {
  // Exit 0 on SIGTERM, within its 10 s.
  expect(await server.stop()).toBe(0);
  await place.remove();
});

test("serve says where it is, refuses a second server with its pid, and a taken port by name", async () => {
  const { run, data, folder } = place;
  expect(server.address).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  const [second, taken, holder] = await Promise.all([
    run(["serve", "--port", "0"]),
    run(["serve", "--data", `${folder}/other.db`, "--port", new URL(server.address).port]),
    run(["doctor"]),
  ]);
  expect(second).toMatchObject({ code: 5, out: "" });
  expect(second.err).toContain(`${data} is held by process ${server.pid}, which answers at ${server.address}.`);
  expect(taken).toMatchObject({ code: 2, out: "" });
  expect(taken.err).toMatch(/http\.port: another process listens on 127\.0\.0\.1:\d+\. \[INVALID_CONFIG\]/);
  expect(holder.out).toMatch(new RegExp(`holder +process ${server.pid} at ${server.address}$`, "m"));
});

test("the same commands go through the server that holds the file, with the same answers as on the file", async () => {
  const { run, folder } = place;
  const other = `${folder}/alone.db`;
  const both = async (args: string[], stdin = "") => {
    const [here, alone] = await Promise.all([run(args, { stdin }), run([...args, "--data", other], { stdin })]);
    return { here, alone };
  };
  const same = async (args: string[], stdin?: string) => {
    const { here, alone } = await both(args, stdin);
    expect({ ...here, json: 0, problem: 0 }, args.join(" ")).toEqual({ ...alone, json: 0, problem: 0 });
    return here;
  };
  expect((await same(["import", "-"], corpus("a", "b", "c"))).out).toMatch(/^3 documents: 3 imported\n/);
  await same(["impact", "a"]);
  await same(["deprecate", "a", "--dry-run"]);
  expect((await same(["deprecate", "a", "nowhere", "--reason", "old"])).code).toBe(4);
  await same(["deprecate", "nowhere"]);
  await same(["hold", "b"]);
  await same(["purge", "b"]);
  await same(["release", "b"]);
  await same(["restore", "a"]);
  await same(["purge", "b", "--confirm", "b", "--no-certificate"]);
  writeFileSync(`${folder}/new.ndjson`, documentLines("c", "new text").join("\n"));
  await same(["replace", "c", "new.ndjson", "--reason", "second edition"]);
  await same(["dump", "--facts", "--hash"]);
  await same(["export"]);
  await same(["verify"]);
  // Durations and run ids differ; all other members are alike.
  const members = async (args: string[]) => {
    const { here, alone } = await both([...args, "--json"]);
    expect(here.code, here.err).toBe(0);
    const keys = (text: string) => text.replace(/"(run_id|duration_ms)":("[^"]*"|[\d.]+)/g, '"$1":0');
    expect(JSON.parse(keys(here.out)), args.join(" ")).toEqual(JSON.parse(keys(alone.out)));
  };
  await members(["gc"]);
  await members(["recompute"]);
  await members(["gc", "--kind", "stale_edges"]);
  await members(["communities", "changed", "--acknowledge"]);
  await same(["stale"]);
  await same(["gc", "--group", "nobody"]);
  await same(["runs", "show", "none"]);
  await same(["schedules", "delete", "none"]);
  const set = ["schedules", "set", "nightly", "--kind", "gc_all", "--expression", "@daily"];
  await same(set);
  const targets = await both(["schedules", "list", "--json"]);
  for (const { out } of [targets.here, targets.alone])
    expect(JSON.parse(out).schedules).toContainEqual(
      expect.objectContaining({ id: "nightly", target: { group_id: "acme" } }),
    );
  const wrong = await both(["schedules", "set", "nightly", "--expression", "61 * * * *"]);
  expect([wrong.here.code, wrong.alone.code]).toEqual([2, 2]);
});

test("the reason of a replacement is in the audit through the server, too", async () => {
  const answer = await fetch(`${server.address}/documents/c`, { headers: { "x-group-id": "acme" } });
  expect(await answer.json()).toMatchObject({ version: 2 });
  const { DatabaseSync } = await import("node:sqlite");
  const database = new DatabaseSync(place.data, { readOnly: true });
  const audit = database
    .prepare("SELECT * FROM audit")
    .all()
    .map((row) => JSON.stringify(row));
  database.close();
  expect(audit.filter((row) => row.includes("second edition"))).toHaveLength(1);
});

test("what is wrong in an upload is told with the line of the file, however much follows it", async () => {
  const { run, folder } = place;
  const lines = [...documentLines("p"), "", '{"kind":"document","id":"q"}', "oops"];
  const text = "x".repeat(100_000);
  for (let i = 0; i < 200; i++) lines.push(...documentLines(`r${i}`, text));
  writeFileSync(`${folder}/large.ndjson`, lines.join("\r\n"));
  const ended = await run(["import", "large.ndjson", "--group", "lines", "--json"]);
  expect(ended).toMatchObject({ code: 2, out: "" });
  expect(ended.problem()).toMatchObject({ code: "INVALID_LINE", line: 11 });
  const health = (await run(["health", "--group", "lines", "--json"])).json();
  expect(health.counts).toMatchObject({ documents: { active: 1 } });
  // What the way to the server finds wrong is not the server's silence.
  const openie = await run(["import", "large.ndjson", "--group", "lines", "--format", "openie"]);
  expect(openie).toMatchObject({ code: 2, err: expect.stringMatching(/large\.ndjson is not JSON/) });
  expect(await run(["import", "none.ndjson"])).toMatchObject({ code: 2, err: expect.stringMatching(/is not there/) });
});

test.skipIf(!hasMsGraphrag)("other formats go through the server as well", async () => {
  const { run, folder } = place;
  const args = ["import", MSGRAPHRAG, "--format", "msgraphrag", "--group", "dulce"];
  const [here, alone] = await Promise.all([run(args), run([...args, "--data", `${folder}/dulce.db`])]);
  expect(here.out).toBe(alone.out);
  const dump = ["dump", "--facts", "--hash", "--group", "dulce"];
  expect((await run(dump)).out).toBe((await run([...dump, "--data", `${folder}/dulce.db`])).out);
});

test("what a server refuses is listed and written as what this machine refuses", async () => {
  const { run, folder } = place;
  const lines = documentLines("odd").toSpliced(
    2,
    0,
    "{oops",
    '{"kind":"mention","text_unit":"odd:1","entity":"nowhere"}',
  );
  const skip = (...more: string[]) =>
    run(["import", "-", "--group", "odd", "--rejects", `${folder}/odd.ndjson`, "--json", ...more], {
      stdin: lines.join("\n"),
    });
  const served = await skip();
  const file = readFileSync(`${folder}/odd.ndjson`, "utf8");
  const alone = await skip("--data", `${folder}/odd.db`);
  expect(readFileSync(`${folder}/odd.ndjson`, "utf8")).toBe(file);
  expect([served.code, served.json()]).toEqual([3, alone.json()]);
  expect(served.json()).toMatchObject({ rejected: 2, rejects: [{ line: 3 }, { line: 4 }] });
});

test("Ctrl-C cancels the run on the server; it is its end that is told", async () => {
  const { run, env } = place;
  const lines: string[] = [];
  for (let i = 0; i < 6_000; i++) {
    const vector = Array.from({ length: 64 }, (_, j) => Math.sin(i * 31 + j * (1 + (i % 17))).toFixed(4));
    lines.push(`{"kind":"entity","id":"v${i}","name":"v${i}","embedding":[${vector}]}`);
    lines.push(`{"kind":"mention","text_unit":"many:1","entity":"v${i}"}`);
  }
  const body = [...documentLines("many").slice(0, 2), ...lines].join("\n");
  expect((await run(["import", "-", "--group", "many"], { stdin: body })).code).toBe(0);
  const { child, ended } = begin(["recompute", "--full", "--group", "many"], { env });
  const states = async () =>
    (
      (await (await fetch(`${server.address}/maintenance/runs?kind=recompute`)).json()) as {
        runs: { state: string; group_id: string }[];
      }
    ).runs
      .filter((r) => r.group_id === "many")
      .map((r) => r.state);
  while ((await states()).length === 0);
  child.kill("SIGINT");
  const { code, err } = await ended;
  // It may have come to its end before the cancel came to it.
  const [state] = await states();
  expect(["cancelled", "succeeded"]).toContain(state);
  expect(code).toBe(state === "cancelled" ? 6 : 0);
  expect(err).toContain("stopping after this batch");
});

test("--url goes to that server and to no file; one that is no graphkeeper is told of", async () => {
  const { folder, run } = place;
  const foreign = createServer((_request, response) => response.end("<html>")).listen(0, "127.0.0.1");
  await new Promise((resolve) => foreign.once("listening", resolve));
  const elsewhere = { cwd: folder, env: { GRAPHKEEPER_URL: server.address, GRAPHKEEPER_DATA: `${folder}/nothing.db` } };
  const [dump, local, keys, verify, changed, other] = await Promise.all([
    cli(["dump", "--facts", "--group", "acme"], elsewhere),
    run(["dump", "--facts"]),
    cli(["keys", "list"], elsewhere),
    cli(["verify", "--group", "acme"], elsewhere),
    cli(["communities", "changed", "--group", "acme"], elsewhere),
    cli(["stale", "--url", `http://127.0.0.1:${(foreign.address() as AddressInfo).port}`]),
  ]);
  foreign.close();
  expect(dump.code).toBe(0);
  expect(dump.out).toBe(local.out);
  expect(keys).toMatchObject({ code: 0, out: "no keys\n" });
  expect(verify.out).toBe("clean: the graph is as the law says\n");
  expect(changed).toMatchObject({ code: 0, out: "no summary needs writing\n" });
  expect(other).toMatchObject({ code: 7, err: expect.stringContaining("is not graphkeeper") });
});

test("with keys the command line needs one; a key of the environment is used", async () => {
  const { run } = place;
  const admin = (await run(["keys", "create", "--name", "root"])).out.trim();
  expect(admin).toMatch(/^gk_/);
  const [without, wrong, right, reader] = [
    await run(["gc"]),
    await run(["gc", "--api-key", `${admin.slice(0, -1)}x`]),
    await run(["gc"], { env: { GRAPHKEEPER_API_KEY: admin } }),
    await run([
      "keys",
      "create",
      "--name",
      "eyes",
      "--role",
      "reader",
      "--groups",
      "acme",
      "--json",
      "--api-key",
      admin,
    ]),
  ];
  expect(without).toMatchObject({ code: 5, err: expect.stringContaining("UNAUTHENTICATED") });
  expect(wrong).toMatchObject({ code: 5, err: expect.stringContaining("UNAUTHENTICATED") });
  expect(right).toMatchObject({ code: 0 });
  const { key, id, role } = reader.json();
  expect(role).toBe("reader");
  const [forbidden, foreign, shown] = [
    await run(["gc"], { env: { GRAPHKEEPER_API_KEY: String(key) } }),
    await run(["health", "--group", "lines"], { env: { GRAPHKEEPER_API_KEY: String(key) } }),
    await run(["health"], { env: { GRAPHKEEPER_API_KEY: String(key) } }),
  ];
  expect(forbidden).toMatchObject({ code: 5, err: expect.stringContaining("FORBIDDEN") });
  expect(foreign).toMatchObject({ code: 4, err: expect.stringContaining("GROUP_NOT_FOUND") });
  expect(shown.code).toBe(0);
  const revoked = await run(["keys", "revoke", String(id), "--api-key", admin]);
  expect(revoked).toMatchObject({ code: 0, out: `${id} revoked\n` });
  expect(await run(["keys", "revoke", String(id), "--api-key", admin])).toMatchObject({ code: 4 });
});

test("a key never stands in the server's log", () => {
  expect(server.log()).toContain('"msg":"request"');
  expect(server.log()).not.toMatch(/gk_[a-z0-9]{12}_/);
});
