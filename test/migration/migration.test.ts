import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { afterEach, beforeEach, expect, test } from "vitest";
import { compose } from "../../src/compose.ts";
import { loadConfig } from "../../src/config/config.ts";
import type { Graphkeeper } from "../../src/service.ts";

/** Data of version 0.1, made by `make-0.1.ts` with its code: with things parked, purged, held and acknowledged. */

const made = (name: string) => fileURLToPath(new URL(`0.1/${name}`, import.meta.url));
const hashOf = (lines: string[]) =>
  createHash("sha256")
    .update(lines.map((line) => `${line}\n`).join(""))
    .digest("hex");

let folder: string;
let graphkeeper: Graphkeeper;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "graphkeeper-migration-"));
  const data = join(folder, "graph.db");
  await writeFile(data, gunzipSync(await readFile(made("graph.db.gz"))));
  // The kept file is older than any window.
  const overrides = { data, "maintenance.afterEvents": false, "policy.restoreWindowDays": "forever" };
  graphkeeper = await compose(loadConfig({}, { overrides }));
  await graphkeeper.jobs.start({ roles: ["worker"] });
});
afterEach(async () => {
  await graphkeeper.close();
  await rm(folder, { recursive: true, force: true });
});

async function run(kind: "gc_all" | "recompute"): Promise<void> {
  const { run } = await graphkeeper.run({ kind, groupId: "acme", params: {} });
  const ended = await graphkeeper.jobs.wait(run.id, 60_000);
  expect(ended.state, ended.error?.message).toBe("succeeded");
}

async function dump(group: string): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of graphkeeper.dump(group, { facts: true })) lines.push(line);
  return lines;
}

test("a data file of 0.1 opens, is verified, and restores what it had parked to what it was", {
  timeout: 120_000,
}, async () => {
  const then = JSON.parse(await readFile(made("graph.json"), "utf8"));
  // The first change seals the audit of 0.1, which had no key.
  for (const group of ["acme", "other"])
    expect((await graphkeeper.verify(group)).filter(({ code }) => code !== "AUDIT_UNSEALED")).toEqual([]);
  expect(hashOf(await dump("other"))).toBe(then.other);
  await run("gc_all");
  expect((await graphkeeper.document("acme", "p")).status).toBe("deprecated");
  expect((await graphkeeper.document("acme", "t")).legalHold).toBe(true);
  await graphkeeper.restore("acme", ["p", "q"]);
  await run("gc_all");
  const lines = await dump("acme");
  expect(lines).toEqual(then.before);
  expect(hashOf(lines)).toBe(then.hash);
  expect(lines.some((line) => /"x-text"|"x3"/.test(line))).toBe(false);
  await expect(graphkeeper.document("acme", "x")).rejects.toThrow();
  expect(await graphkeeper.verify("acme")).toEqual([]);
});

test("a data file of 0.1 keeps its acknowledgements: nothing is to be summarised again once all is back", {
  timeout: 120_000,
}, async () => {
  const { acknowledged } = JSON.parse(await readFile(made("graph.json"), "utf8"));
  expect(acknowledged.length).toBeGreaterThan(2);
  await graphkeeper.restore("acme", ["p", "q"]);
  await run("gc_all");
  await run("recompute");
  expect((await graphkeeper.changedCommunities("acme", { limit: 100 })).communities).toEqual([]);
  expect(await graphkeeper.verify("acme")).toEqual([]);
});

test("the audit of a data file of 0.1 goes on where it ended", async () => {
  const { audit } = JSON.parse(await readFile(made("graph.json"), "utf8"));
  const before = await graphkeeper.audit("acme", { afterSeq: 0, limit: 1_000 });
  expect(before.map(({ hash }) => hash)).toContain(audit.hash);
  await graphkeeper.restore("acme", ["p"]);
  const after = await graphkeeper.audit("acme", { afterSeq: 0, limit: 1_000 });
  expect(after.slice(0, before.length).map(({ hash }) => hash)).toEqual(before.map(({ hash }) => hash));
  expect(after.length).toBeGreaterThan(before.length);
});
