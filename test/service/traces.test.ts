import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, afterEach, expect, test } from "vitest";
import { endServers, Server } from "./server.ts";

const folder = mkdtempSync(join(tmpdir(), "gk-traces-"));
afterEach(endServers);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const CANARY = "canary-7f3a-that-nobody-else-writes";
const lines = (id: string) =>
  [
    { kind: "document", id, title: `${CANARY} ${id}` },
    { kind: "text_unit", id: `${id}-u`, documents: [id], text: `${CANARY} ${id}` },
  ]
    .map((line) => JSON.stringify(line))
    .join("\n");

test("a purge's certificate is issued when no file of the store holds the text, and is incomplete while one does", async () => {
  const data = join(folder, "graph.db");
  const server = await Server.start(data);
  const holding = () =>
    ["", "-wal"].filter((end) => existsSync(data + end) && readFileSync(data + end).includes(CANARY));
  for (const id of ["a", "b"]) await server.call("POST", "/groups/g/import", { body: lines(id) });
  expect(holding()).toContain("-wal");
  const purge = (id: string) =>
    server.call("POST", `/documents/${id}/purge`, { group: "g", body: { confirm: id, force: true } });
  await server.call("POST", "/documents/a/deprecate", { group: "g" });
  // Somebody reads what there was before.
  const reader = new DatabaseSync(data, { readOnly: true });
  reader.exec("BEGIN");
  reader.prepare("SELECT count(*) FROM texts").get();
  const early = (await purge("a")).certificate;
  expect(early.complete).toBe(false);
  expect(early.checks.at(-1)).toEqual({
    check: "logs of the store that may still hold purged text",
    scanned: 1,
    found: 1,
  });
  reader.close();
  const late = (await purge("b")).certificate;
  expect(holding()).toEqual([]);
  expect(late.complete).toBe(true);
}, 60_000);
