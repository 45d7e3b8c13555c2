import { execFileSync } from "node:child_process";
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import { endServers, Server, until } from "./server.ts";

const folder = mkdtempSync(join(tmpdir(), "gk-full-"));
const mounts: string[] = [];
afterEach(async () => {
  await endServers();
  for (const path of mounts.splice(0)) execFileSync("umount", ["-l", path]);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A disk of a few megabytes; null where this user may not mount one, and the test is skipped. */
function smallDisk(name: string): string | null {
  const path = join(folder, name);
  mkdirSync(path);
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=12m", "tmpfs", path], { stdio: "ignore" });
  } catch {
    return null;
  }
  mounts.push(path);
  return path;
}

/** Takes all the room that is left. */
function fill(path: string): () => void {
  const file = openSync(path, "w");
  for (let size = 65_536; size >= 1; ) {
    try {
      writeSync(file, Buffer.alloc(size));
    } catch {
      size = Math.floor(size / 2);
    }
  }
  closeSync(file);
  return () => rmSync(path);
}

const document = (id: string) =>
  [
    { kind: "document", id },
    { kind: "text_unit", id: `${id}-u`, documents: [id], text: `${id} `.repeat(2_000) },
    { kind: "entity", id: "e", name: "E" },
    { kind: "mention", text_unit: `${id}-u`, entity: "e" },
  ]
    .map((line) => JSON.stringify(line))
    .join("\n");

describe("a log that cannot be written", { timeout: 60_000 }, () => {
  test("ends neither the process nor a call", async () => {
    const full = openSync("/dev/full", "w");
    const server = await Server.start(join(folder, "log.db"), { stderr: full, roles: "http,scheduler,worker" });
    closeSync(full);
    for (let i = 0; i < 5; i++) {
      expect((await server.send("POST", "/groups/g/import", { body: document(`d${i}`) })).status).toBe(200);
      // What is logged beside the line of the request as well: a refusal, a run.
      expect((await server.send("GET", "/nowhere")).status).toBe(404);
      expect((await server.send("POST", "/maintenance/run-all-gc", { group: "g" })).status).toBe(200);
    }
    expect((await server.stop()).code).toBe(0);
  });

  test("nor does one whose reader is gone", async () => {
    const server = await Server.start(join(folder, "pipe.db"));
    server.child.stderr?.destroy();
    for (let i = 0; i < 5; i++)
      expect((await server.send("POST", "/groups/g/import", { body: document(`d${i}`) })).status).toBe(200);
    expect((await server.stop()).code).toBe(0);
  });
});

describe("a full disk", { timeout: 90_000 }, () => {
  test("is said by readyz, health and an alert; nothing acknowledged is lost; all goes on when there is room", async (context) => {
    const disk = smallDisk("data");
    if (disk === null) return context.skip("mounting a small disk takes root");
    const log = openSync(join(disk, "log"), "w");
    const server = await Server.start(join(disk, "graph.db"), { stderr: log, roles: "http,scheduler,worker" });
    closeSync(log);
    const put = (id: string) => server.send("POST", "/groups/g/import", { body: document(id) });
    expect((await put("first")).status).toBe(200);
    expect((await server.send("GET", "/readyz")).status).toBe(200);
    const free = fill(join(disk, "filler"));
    const acknowledged = ["first"];
    let refused = 0;
    // The log of the file has some room of its own before the disk is needed.
    for (let i = 0; refused < 3; i++) {
      const answer = await put(`d${i}`);
      if (answer.status === 200) acknowledged.push(`d${i}`);
      else {
        expect([answer.status, answer.body.code], JSON.stringify(answer.body)).toEqual([503, "STORE_UNAVAILABLE"]);
        refused++;
      }
      expect(i).toBeLessThan(500);
    }
    const ready = await server.send("GET", "/readyz");
    expect([ready.status, ready.body.code]).toEqual([503, "STORE_UNAVAILABLE"]);
    expect(ready.body.detail).toMatch(/writes fail since .*full/i);
    const health = await server.call("GET", "/maintenance/health");
    expect(health.status).toBe("attention");
    expect(health.findings.join()).toMatch(/writes fail since .*full/i);
    const alert = async () =>
      (await server.call("GET", "/maintenance/alerts")).alerts.find(
        (each: { name: string }) => each.name === "writes_fail",
      );
    expect(await alert()).toMatchObject({ status: "firing", summary: expect.stringMatching(/full/i) });
    expect(await server.call("GET", "/metrics")).toMatch(/^graphkeeper_writes_fail 1$/m);
    // Who only reads is served.
    expect((await server.call("GET", "/documents?limit=100", { group: "g" })).documents.length).toBeGreaterThan(0);
    expect((await server.send("GET", "/livez")).status).toBe(200);

    free();
    await until(
      () => server.send("GET", "/readyz"),
      (answer) => answer.status === 200,
    );
    expect((await put("last")).status).toBe(200);
    expect((await server.call("GET", "/maintenance/health")).findings.join()).not.toMatch(/writes fail/);
    expect(await alert()).toMatchObject({ status: expect.stringMatching(/resolved|ok/) });
    for (const id of [...acknowledged, "last"])
      expect((await server.send("GET", `/documents/${id}`, { group: "g" })).status, id).toBe(200);
    expect((await server.send("POST", "/maintenance/run-all-gc", { group: "g" })).status).toBe(200);
    expect(await server.call("GET", "/groups/g/verify")).toEqual({ clean: true, findings: [] });
    expect((await server.stop()).code).toBe(0);
  });
});
