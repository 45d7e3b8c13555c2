import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { openNeo4jStore } from "../../src/stores/neo4j/index.ts";
import { useNeo4j } from "./server.ts";

const db = useNeo4j();
const CHILD = fileURLToPath(new URL("holder-child.ts", import.meta.url));

/** What the holder writes: once as the holder, once frozen beyond its lease, which another took meanwhile. */
async function writesOf(frozen: boolean): Promise<Record<string, string>> {
  const store = await openNeo4jStore({ uri: db.uri() });
  const groupId = frozen ? "frozen" : "awake";
  const block = {
    documents: [{ id: "d" }],
    textUnits: [{ id: "u", documents: ["d"], text: "t" }],
    entities: [{ id: "a", name: "A" }],
    mentions: [{ textUnit: "u", entity: "a" }],
    relationships: [],
  };
  const operation = {
    id: "o",
    groupId,
    verb: "import",
    documentIds: ["d"],
    requestHash: "h",
    at: Date.now(),
    actor: "test",
    reason: null,
  } as const;
  await store.apply({ ...operation, documentIds: ["d"] }, { block });
  const ttl = frozen ? 2_000 : 60_000;
  const child = spawn(process.execPath, [CHILD, db.uri(), groupId, String(ttl)], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  try {
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    expect(JSON.parse((await lines.next()).value ?? "null")).toMatchObject({ groupId });
    if (frozen) {
      child.kill("SIGSTOP");
      const until = Date.now() + 60_000;
      let taken = null;
      while (taken === null && Date.now() < until)
        taken = await store.acquireLease(groupId, "next", 60_000, Date.now());
      expect(taken).not.toBeNull();
      child.kill("SIGCONT");
    }
    child.stdin.end("go on\n");
    return JSON.parse((await lines.next()).value ?? "null");
  } finally {
    child.kill("SIGCONT");
    child.kill("SIGKILL");
    await store.close();
  }
}

test("a holder that was frozen beyond its lease and continued: every write is refused", {
  timeout: 240_000,
}, async () => {
  await db.clear({ schema: true });
  const written = await writesOf(false);
  expect(new Set(Object.values(written))).toEqual(new Set(["written"]));
  const refused = await writesOf(true);
  expect(Object.keys(refused)).toEqual(Object.keys(written));
  expect(new Set(Object.values(refused))).toEqual(new Set(["LEASE_LOST"]));
});
