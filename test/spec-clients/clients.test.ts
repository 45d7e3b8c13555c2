import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { loadConfig } from "../../src/config/config.ts";
import { type RunningServer, startServer } from "../../src/start.ts";
import { sampleBlock } from "../http/world.ts";
import { pythonWithHttpx } from "./python.ts";
import { commandOf, publishedSnippets, storedSnippets } from "./specification.ts";
import { tlsFront } from "./tls.ts";

/**
 * The specification's own clients, unchanged, against the service as it is started: embedded store, scheduler, worker.
 */
const API_KEY = "key-of-the-specification-clients-1234567890";
const published = publishedSnippets();
const { timer, cronJob, manual } = published ?? storedSnippets();
let folder: string;
let server: RunningServer | null = null;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "gk-spec-"));
});
afterEach(async () => {
  await server?.stop();
  server = null;
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A started service in which a document was deprecated in each group, after all was collected and recomputed. */
async function start(groups: string[], environment: Record<string, string> = { GRAPHKEEPER_API_KEY: API_KEY }) {
  const data = join(mkdtempSync(join(folder, "data-")), "graph.db");
  const config = loadConfig({
    ...environment,
    GRAPHKEEPER_DATA: data,
    GRAPHKEEPER_PORT: "0",
    GRAPHKEEPER_LOG_LEVEL: "silent",
    // Only the clients may start work here.
    GRAPHKEEPER_AFTER_EVENTS: "false",
  });
  server = await startServer(config);
  const { graphkeeper } = server;
  for (const group of groups) {
    for (let i = 0; i < 4; i++) await graphkeeper.importBlock(group, sampleBlock(i));
    await graphkeeper.deprecate(group, ["d0"]);
  }
  return server;
}

interface Outcome {
  code: number;
  out: string;
  err: string;
}

function run(command: string, args: string[], env: Record<string, string>): Promise<Outcome> {
  return new Promise((resolve) => {
    const all = { PATH: process.env.PATH, HOME: folder, ...env };
    execFile(command, args, { env: all, encoding: "utf8", timeout: 60_000 }, (error, out, err) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? 1), out, err });
    });
  });
}

/** JSON objects that stand one after the other in the output of curl. */
function objects(text: string): Record<string, unknown>[] {
  return text
    .replaceAll("}{", "}\n{")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

async function stale(): Promise<string[]> {
  const { groups } = await server!.graphkeeper.staleGroups({ limit: 100 });
  return groups.map((group) => group.groupId);
}

test.skipIf(published === null)("the copies of the snippets are what the specification publishes", () => {
  expect(storedSnippets()).toEqual(published);
});

describe("the Kubernetes CronJob's command, run by sh", () => {
  const command = commandOf(cronJob);

  test("collects for all stale groups", async () => {
    expect(command).toMatch(/^# Run maintenance.*\ncurl -X POST "\$API_URL/);
    const { address, graphkeeper } = await start(["alpha", "beta"]);
    const { code, out, err } = await run("/bin/sh", ["-c", command], { API_URL: address, API_KEY });
    expect(code, err).toBe(0);
    const [answer] = objects(out);
    expect(answer).toMatchObject({ deleted: 6, failed: 0 });
    expect((answer!.groups as { group_id: string }[]).map((g) => g.group_id)).toEqual(["alpha", "beta"]);
    for (const group of ["alpha", "beta"]) {
      const health = await graphkeeper.health(group);
      expect(health).toMatchObject({ needsGc: false, counts: { candidates: { orphan_entities: 0 } } });
      expect(health.counts.entities.parked).toBe(1);
    }
    // The next hour has nothing to do.
    const again = await run("/bin/sh", ["-c", command], { API_URL: address, API_KEY });
    expect(objects(again.out)).toEqual([{ groups: [], deleted: 0, failed: 0 }]);
  });

  test("with a wrong key is told so, and nothing happens", async () => {
    const { address } = await start(["alpha"]);
    const { out } = await run("/bin/sh", ["-c", command], { API_URL: address, API_KEY: "wrong" });
    expect(objects(out)).toMatchObject([{ status: 401, code: "UNAUTHENTICATED" }]);
    expect(await stale()).toEqual(["alpha"]);
  });

  test("without a key works where the service has none", async () => {
    const { address } = await start(["alpha"], {});
    const { out } = await run("/bin/sh", ["-c", command], { API_URL: address, API_KEY: "" });
    expect(objects(out)).toMatchObject([{ deleted: 3, failed: 0 }]);
  });
});

test("the manual calls, as they stand, by the host and the group that they name", async () => {
  const [, host] = /https:\/\/([^/"]+)/.exec(manual)!;
  const [, group] = /X-Group-ID: ([^"]+)"/.exec(manual)!;
  const { address } = await start([group!, "another"]);
  const front = await tlsFront(host!, Number(new URL(address).port), folder);
  try {
    // Where that host is found, and whom to trust, is told to curl by its own configuration file.
    writeFileSync(
      join(folder, ".curlrc"),
      `silent\nshow-error\nconnect-to = "${host}:443:127.0.0.1:${front.port}"\ncacert = "${front.certificate}"\n`,
    );
    const { code, out, err } = await run("/bin/sh", ["-ec", manual], { API_KEY });
    expect(code, err).toBe(0);
    const [gc, gds, health, list] = objects(out) as [
      { jobs: object; deleted: number },
      { communities: number },
      { gds_stale: boolean; needs_gc: boolean },
      { groups: { group_id: string; needs_gc: boolean; needs_gds_recompute: boolean; gds_stale: boolean }[] },
    ];
    expect(gc).toMatchObject({ group_id: group, deleted: 3 });
    expect(Object.keys(gc.jobs)).toEqual(["orphan_entities", "stale_edges", "deprecated_vectors"]);
    expect(gds).toMatchObject({ group_id: group, fresh: true });
    expect(gds.communities).toBeGreaterThan(0);
    expect(health).toMatchObject({ group_id: group, status: "healthy", gds_stale: false, needs_gc: false });
    expect(list.groups.map((g) => [g.group_id, g.needs_gc, g.needs_gds_recompute, g.gds_stale])).toEqual([
      ["another", true, true, true],
    ]);
  } finally {
    front.close();
    rmSync(join(folder, ".curlrc"));
  }
});

describe("the Azure Functions timer, run by Python with the real httpx", () => {
  const python = pythonWithHttpx();
  const runner = fileURLToPath(new URL("./run_timer.py", import.meta.url));
  const runTimer = (env: Record<string, string>) => {
    const file = join(folder, "maintenance_timer.py");
    writeFileSync(file, timer);
    return run(python!, [runner, file], env);
  };

  test.skipIf(python === null)("brings every stale group up to date, and is done when called again", async () => {
    const { address, graphkeeper } = await start(["alpha", "beta@1", "gamma"]);
    const env = { GRAPHRAG_API_URL: address, GRAPHRAG_API_KEY: API_KEY };
    const { code, out, err } = await runTimer(env);
    expect(code, err).toBe(0);
    for (const group of ["alpha", "beta@1", "gamma"]) {
      expect(out).toContain(`root Processing stale group: ${group}\n`);
      expect(out).toMatch(new RegExp(`GC result for ${group}: .*'deleted': 3`));
      expect(out).toMatch(new RegExp(`GDS recompute for ${group}: .*'fresh': True`));
      expect((await graphkeeper.health(group)).status).toBe("healthy");
    }
    expect(out.trim().endsWith("root Maintenance job completed")).toBe(true);
    expect(await stale()).toEqual([]);
    const again = await runTimer(env);
    expect(again.code).toBe(0);
    expect(again.out).not.toContain("Processing");
  });

  test.skipIf(python === null)("works without a key where the service has none", async () => {
    const { address } = await start(["alpha"], {});
    const { code, out } = await runTimer({ GRAPHRAG_API_URL: address });
    expect(code).toBe(0);
    expect(out).toContain("GDS recompute for alpha");
    expect(await stale()).toEqual([]);
  });
});

test("the schedules that the specification lists are understood as Azure does", async () => {
  const { graphkeeper } = await start([]);
  const { schedules } = graphkeeper.jobs;
  const hours = (expression: string) => {
    const [a, b] = schedules.previewExpression(expression, 2, "ncrontab");
    return (b! - a!) / 3_600_000;
  };
  expect(["0 0 * * * *", "0 */15 * * * *", "0 0 */6 * * *", "0 0 2 * * *", "0 0 2 * * 0"].map(hours)).toEqual([
    1, 0.25, 6, 24, 168,
  ]);
});
