import { writeFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { corpus, documentLines, type Ended, workplace } from "./run.ts";

let place: Awaited<ReturnType<typeof workplace>>;
beforeAll(async () => {
  place = await workplace();
  await place.run(["import", "-"], { stdin: corpus("a", "b", "c", "d") });
});
afterAll(() => place.remove());

const hash = async () => (await place.run(["dump", "--facts", "--hash"])).out;

test("impact says what deprecating would touch, deprecate does it, restore takes it back bit for bit", async () => {
  const { run } = place;
  const before = await hash();
  const impact = await run(["impact", "a"]);
  expect(impact.out).toBe(`deprecate 1 document would touch
  2 text units (0 more are shared and stay)
  1 entity of 5 live (1 more are shared and stay)
  1 relationship, 3 vectors
  0 communities
  within the blast-radius guard
`);
  expect((await run(["deprecate", "a", "--dry-run"])).out).toBe(impact.out);
  expect(await hash()).toBe(before);
  const gone = await run(["deprecate", "a", "--reason", "old", "--successor", "b", "--operation-id", "op-1"]);
  expect(gone).toMatchObject({ code: 0, err: "" });
  expect(gone.out).toMatch(/^a: deprecated\n2 text units, .* changed; generation 5\n$/);
  const again = await run([
    "deprecate",
    "a",
    "--reason",
    "old",
    "--successor",
    "b",
    "--operation-id",
    "op-1",
    "--json",
  ]);
  expect(again.json()).toMatchObject({ replayed: true, generation: 5, reason: "old", actor: "cli" });
  // Its entity, the entity's fact, and the entity's vector.
  const collected = await run(["gc", "--json"]);
  expect(collected.json()).toMatchObject({ group_id: "acme", deleted: 3, kind: "gc_all", status: "succeeded" });
  expect(await hash()).not.toBe(before);
  expect((await run(["restore", "a", "--dry-run"])).out).toMatch(/^restore 1 document would touch\n {2}2 text units/);
  expect((await run(["restore", "a"])).out).toMatch(/^a: restored\n/);
  await run(["gc"]);
  expect(await hash()).toBe(before);
});

test("of several documents those that are there are done; the exit code tells of the others", async () => {
  const { run } = place;
  const some = await run(["deprecate", "b", "nowhere", "--json"]);
  expect(some.code).toBe(4);
  expect(some.json().outcomes).toEqual([
    { id: "b", outcome: "deprecated" },
    { id: "nowhere", outcome: "not_found" },
  ]);
  expect(await run(["restore", "b"])).toMatchObject({ code: 0 });
  const none = await run(["deprecate", "nowhere"]);
  expect(none).toMatchObject({ code: 4, out: "", err: expect.stringContaining("DOCUMENT_NOT_FOUND") });
});

test("purging needs the ids again, passes no legal hold, and ends with a certificate", async () => {
  const { run } = place;
  const before = await hash();
  expect((await run(["purge", "c", "--dry-run"])).out).toMatch(/^purge 1 document would touch/);
  const unsure = await run(["purge", "c"]);
  expect(unsure).toMatchObject({ code: 5, out: "" });
  expect(unsure.err).toMatch(/confirm it with "c"\. \[CONFIRMATION_REQUIRED\]\n.*--confirm/);
  expect((await run(["hold", "c"])).out).toMatch(/^c: held\n/);
  const held = await run(["purge", "c", "--confirm", "c"]);
  expect(held.code).toBe(5);
  expect(held.err + held.out).toMatch(/LEGAL_HOLD|on_hold/);
  await run(["release", "c"]);
  expect(await hash()).toBe(before);
  const purged = await run(["purge", "c", "--confirm", "c", "--reason", "request 17", "--json"]);
  expect(purged.code).toBe(0);
  expect(purged.json()).toMatchObject({
    operation: { outcomes: [{ id: "c", outcome: "purged" }] },
    certificate: {
      documents: ["c"],
      complete: true,
      reason: "request 17",
      hash: expect.stringMatching(/^[0-9a-f]{64}$/),
    },
  });
  expect((await run(["export"])).out).not.toMatch(/\bc:1\b|e-c/);
  expect((await run(["verify"])).code).toBe(0);
  expect((await run(["readmit", "c", "--reason", "taken in again"])).out).toMatch(/^c: readmitted\n/);
  expect(await run(["readmit", "c"])).toMatchObject({ code: 4, err: expect.stringContaining("DOCUMENT_NOT_FOUND") });
});

test("the blast-radius guard refuses until it is forced", async () => {
  const { run, folder } = place;
  const many = Array.from({ length: 1_100 }, (_, i) => [
    JSON.stringify({ kind: "entity", id: `x${i}`, name: `X ${i}` }),
    JSON.stringify({ kind: "mention", text_unit: "wide:1", entity: `x${i}` }),
  ]).flat();
  writeFileSync(`${folder}/wide.ndjson`, [...documentLines("wide"), ...many].join("\n"));
  await run(["import", "wide.ndjson", "--group", "wide"]);
  const deprecate = (...more: string[]) => run(["deprecate", "wide", "--group", "wide", ...more]);
  const refused = await deprecate();
  expect(refused).toMatchObject({ code: 5, out: "", err: expect.stringContaining("[BLAST_RADIUS]") });
  expect(refused.err).toContain("--force");
  expect((await deprecate("--dry-run")).out).toContain("needs --force");
  expect(await deprecate("--force")).toMatchObject({ code: 0 });
});

test("recompute, stale and the summaries to write again", async () => {
  const { run } = place;
  expect((await run(["stale"])).out).toMatch(/^GROUP .*\nacme +gc +recompute/m);
  const first = await run(["recompute"]);
  expect(first.out).toMatch(/^acme: \d+ communit(y|ies) \(\d+ changed\), modularity .* \(full\); fresh\n$/);
  const listed = await run(["communities", "changed"]);
  expect(listed.out).toMatch(/^ID +LEVEL +MEMBERS +GENERATION +CHANGED +HASH +NAMES\n/);
  const done = await run(["communities", "changed", "--acknowledge", "--json"]);
  const { communities, acknowledged } = done.json() as { communities: unknown[]; acknowledged: number };
  expect(acknowledged).toBe(communities.length);
  expect(acknowledged).toBe(listed.out.trimEnd().split("\n").length - 1);
  expect((await run(["communities", "changed"])).out).toBe("no summary needs writing\n");
  await run(["gc"]);
  // All stale groups, one after the other; then there are none.
  expect((await run(["gc"], { env: { GRAPHKEEPER_GROUP: "" } })).code).toBe(0);
  expect((await run(["recompute", "--json"], { env: { GRAPHKEEPER_GROUP: "" } })).json()).toMatchObject({
    groups: [{ group_id: "wide", status: "succeeded" }],
  });
  expect((await run(["stale"])).out).toBe("nothing is stale\n");
  const [health, json] = await Promise.all([run(["health"]), run(["health", "--json"])]);
  expect(health.out).toMatch(/^acme: healthy, generation \d+\n {2}documents {6}3 active, 0 deprecated\n/);
  expect(json.json()).toMatchObject({ group_id: "acme", status: "healthy", needs_gc: false, gds_stale: false });
});

test("a collection of one kind, dry", async () => {
  const { run } = place;
  await run(["deprecate", "d"]);
  const dry = await run(["gc", "--kind", "orphan_entities", "--dry-run"]);
  expect(dry.out).toMatch(
    /orphan_entities +1 collected .*\nacme: 1 collected, 0 purged; dry run: nothing was changed\n/,
  );
  const swept = await run(["gc", "--kind", "orphan_entities", "--sweep", "--json"]);
  expect(swept.json()).toMatchObject({ deleted: 1, kind: "orphan_entities" });
  expect(await run(["gc", "--group", "nobody"])).toMatchObject({ code: 4, out: "" });
});

test("runs are listed and shown; a command that comes too late changes nothing", async () => {
  const { run } = place;
  const list = (await run(["runs", "list", "--json", "--limit", "2"])).json() as {
    runs: { id: string; kind: string }[];
  };
  expect(list.runs).toHaveLength(2);
  const { id } = list.runs[0]!;
  const [table, shown, watched, cancelled, unknown] = [
    await run(["runs", "list"]),
    await run(["runs", "show", id]),
    await run(["runs", "watch", id]),
    await run(["runs", "cancel", id]),
    await run(["runs", "show", "none"]),
  ];
  expect(table.out).toMatch(/^ID +KIND +GROUP +STATE +CREATED +REASON\n/);
  expect(table.out).toContain(id);
  expect(JSON.parse(shown.out)).toMatchObject({ id, state: "succeeded", attempts: [{ number: 1 }] });
  expect(watched).toMatchObject({ code: 0, out: `${id}: succeeded\n` });
  expect(cancelled).toMatchObject({ code: 0, out: `${id}: succeeded\n` });
  expect(unknown).toMatchObject({ code: 4, err: expect.stringContaining("RUN_NOT_FOUND") });
});

test("schedules are set, listed, paused, resumed, previewed and deleted", async () => {
  const { run } = place;
  const set = await run([
    "schedules",
    "set",
    "nightly",
    "--kind",
    "gc_all",
    "--expression",
    "0 3 * * *",
    "--time-zone",
    "Europe/Berlin",
  ]);
  expect(set).toMatchObject({ code: 0, out: "nightly: gc_all at 0 3 * * * (Europe/Berlin)\n" });
  const row = async () =>
    (await run(["schedules", "list"])).out.split("\n").find((line) => line.startsWith("nightly"))!;
  expect(await row()).toMatch(/gc_all +0 3 \* \* \* +cron +Europe\/Berlin +20\d\d-/);
  const listed = (await run(["schedules", "list", "--json"])).json() as {
    schedules: { id: string; target: unknown }[];
  };
  expect(listed.schedules.find((s) => s.id === "nightly")!.target).toEqual({ group_id: "acme" });
  expect((await run(["schedules", "pause", "nightly"])).out).toBe("nightly: paused\n");
  expect(await row()).toMatch(/paused: paused by hand$/);
  expect((await run(["schedules", "resume", "nightly"])).out).toBe("nightly: resumed\n");
  expect(await row()).not.toContain("paused");
  expect((await run(["schedules", "delete", "nightly"])).out).toBe("nightly: deleted\n");
  expect(await row()).toBeUndefined();
  expect(await run(["schedules", "delete", "nightly"])).toMatchObject({ code: 4 });
  const times = async (...args: string[]): Promise<Ended> => run(["schedules", "preview", ...args]);
  const [cron, azure, never] = [
    await times("0 12 * * *", "--count", "2"),
    await times("0 */5 * * * *", "--dialect", "ncrontab", "--json"),
    await times("0 0 31 2 *"),
  ];
  expect(cron.out).toMatch(/^(\d{4}-\d\d-\d\dT12:00:00\.000Z\n){2}$/);
  expect(azure.json().times).toHaveLength(5);
  expect(never).toMatchObject({ code: 2, out: "", err: expect.stringContaining("never") });
});

test("pauses are set, listed and ended: of everything, of a kind, of a group", async () => {
  const { run } = place;
  const levels: [string[], RegExp][] = [
    [["--kind", "gc_all"], /^kind +gc_all +cli +20\S+ +a reason$/m],
    [[], /^group +acme +cli +20\S+ +a reason$/m],
  ];
  for (const [args, row] of levels) {
    expect(await run(["pauses", "set", ...args, "--reason", "a reason"])).toMatchObject({ code: 0 });
    expect((await run(["pauses", "list"])).out).toMatch(row);
    expect(await run(["pauses", "end", ...args])).toMatchObject({ code: 0 });
    expect((await run(["pauses", "list"])).out).toBe("none\n");
  }
  expect(await run(["pauses", "set", "--kind", "everything"])).toMatchObject({ code: 2 });
  const both = await run(["pauses", "set", "--kind", "recompute", "--group", "acme"]);
  expect(both).toMatchObject({ code: 2, err: expect.stringContaining("not both") });
});

test("keys are shown once, listed without their secret, and end", async () => {
  const { run } = place;
  const editor = ["keys", "create", "--name", "ops", "--role", "editor", "--groups", "acme", "team-*"];
  // The first key closes the service: were it no admin's, nobody could make the next through it.
  expect(await run(editor)).toMatchObject({
    code: 2,
    err: expect.stringMatching(/first key must have the role admin/),
  });
  expect(await run(["keys", "create", "--name", "root"])).toMatchObject({ code: 0 });
  const made = await run(editor);
  expect(made.out).toMatch(/^gk_[a-z0-9]{12}_[\w-]{43}_[0-9a-f]{8}\n$/);
  expect(made.err).toMatch(/it is shown this once/);
  const id = made.out.split("_")[1]!;
  const listed = await run(["keys", "list"]);
  expect(listed.out).toMatch(new RegExp(`^${id} +editor +acme,team-\\* +ops +valid$`, "m"));
  expect(listed.out).not.toContain(made.out.trim().slice(16, 40));
  expect(await run(["keys", "revoke", id])).toMatchObject({ code: 0, out: `${id} revoked\n` });
  expect((await run(["keys", "list", "--json"])).json()).toMatchObject({
    keys: expect.arrayContaining([expect.objectContaining({ id, revoked_at: expect.any(String) })]),
  });
  expect(await run(["keys", "revoke", id])).toMatchObject({ code: 4, out: "" });
  expect((await run(["keys", "create", "--name", "x", "--groups", "a b"])).code).toBe(2);
});

test("doctor looks at the installation and changes nothing", async () => {
  const { run, data } = place;
  const seen = await run(["doctor"]);
  expect(seen.code).toBe(0);
  expect(seen.out).toContain(data);
  expect(seen.out).toMatch(/^✓ {2}holder +nobody$/m);
  expect(seen.out).toMatch(/^✓ {2}group acme +collection waits; analytics are stale$/m);
});
