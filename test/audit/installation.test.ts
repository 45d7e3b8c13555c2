import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, expect, test } from "vitest";
import { GraphkeeperClient } from "../../src/client/client.ts";
import { compose } from "../../src/compose.ts";
import { loadConfig } from "../../src/config/config.ts";
import { library } from "../../src/conformance/index.ts";
import { INSTALLATION_CHAIN } from "../../src/core/audit.ts";
import type { JsonObject } from "../../src/core/words.ts";
import { readAnchors } from "../../src/monitoring/anchors.ts";
import { type RunningServer, startServer } from "../../src/start.ts";

const folder = mkdtempSync(join(tmpdir(), "graphkeeper-installation-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let running: RunningServer | null = null;
afterEach(async () => {
  await running?.stop();
  running = null;
});

test("keys, schedules, pauses, commands and starts are in the installation's audit, with the actor, for administrators", async () => {
  const data = join(folder, "graph.db");
  const secret = "a-static-key-of-some-length-0123456789";
  const config = loadConfig({
    GRAPHKEEPER_DATA: data,
    GRAPHKEEPER_PORT: "0",
    GRAPHKEEPER_API_KEY: secret,
    GRAPHKEEPER_LOG_LEVEL: "silent",
    GRAPHKEEPER_ALERT_WEBHOOK_SECRET: "whsec-secret",
  });
  running = await startServer(config);
  const { graphkeeper, address } = running;
  const root = new GraphkeeperClient({ url: address, apiKey: secret });
  const body = { name: "ops", role: "operator", groups: ["*"] };
  const made = await root.call({ method: "POST", path: "/keys", body });
  const ops = new GraphkeeperClient({ url: address, apiKey: String(made.key) });
  await ops.call({
    method: "PUT",
    path: "/maintenance/schedules/nightly",
    body: { kind: "gc_all", expression: "@daily" },
  });
  await ops.call({ method: "POST", path: "/maintenance/schedules/nightly/pause", body: { reason: "audit" } });
  await ops.call({ method: "POST", path: "/maintenance/schedules/nightly/resume", body: {} });
  await ops.call({ method: "DELETE", path: "/maintenance/schedules/nightly" });
  await ops.call({ method: "POST", path: "/maintenance/pauses", body: { level: "kind", key: "recompute" } });
  await ops.call({ method: "POST", path: "/maintenance/pauses/end", body: { level: "kind", key: "recompute" } });
  await graphkeeper.importBlock("acme", library());
  const { run } = await graphkeeper.run({ kind: "gc_all", groupId: "acme" });
  for (const command of ["cancel", "retry"])
    await ops.call({ method: "POST", path: `/maintenance/runs/${run.id}/${command}`, body: {} });
  await root.call({ method: "DELETE", path: `/keys/${made.id}` });

  const { entries } = await root.call({ path: "/audit/installation" });
  const told = (entries as JsonObject[]).map(({ actor, action, ref }) => `${actor} ${action} ${ref}`);
  const me = `key:${made.id}`;
  expect(told).toEqual([
    expect.stringMatching(/^service start \d/),
    `key:static key.create ${made.id}`,
    `${me} schedule.set nightly`,
    `${me} schedule.pause nightly`,
    `${me} schedule.resume nightly`,
    `${me} schedule.remove nightly`,
    `${me} pause kind:recompute`,
    `${me} pause.end kind:recompute`,
    `${me} run.cancel ${run.id}`,
    `${me} run.retry ${run.id}`,
    `key:static key.revoke ${made.id}`,
  ]);
  const text = JSON.stringify(entries);
  expect(text).toContain('"restoreWindowDays":30');
  for (const hidden of [secret, "whsec-secret", String(made.key)]) expect(text).not.toContain(hidden);
  await expect(ops.call({ path: "/audit/installation" })).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
  const reader = await root.call({ method: "POST", path: "/keys", body: { ...body, role: "eraser" } });
  const eraser = new GraphkeeperClient({ url: address, apiKey: String(reader.key) });
  await expect(eraser.call({ path: "/audit/installation" })).rejects.toMatchObject({ code: "FORBIDDEN" });

  await running.stop();
  running = null;
  const again = await compose(config, { readOnly: true });
  expect(await again.verifyAudit(INSTALLATION_CHAIN)).toEqual([]);
  expect(await again.verifyAudit("acme")).toEqual([]);
  // What a process leaves behind when it ends.
  const anchored = await readAnchors(`${data}.anchors`, "acme", again.keyring);
  expect(anchored.heads.at(-1)).toEqual((await again.store.group("acme"))!.audit);
  expect((await readAnchors(`${data}.anchors`, INSTALLATION_CHAIN, again.keyring)).heads.at(-1)).toEqual(
    await again.keys.installationHead(),
  );
  await again.close();
}, 30_000);
