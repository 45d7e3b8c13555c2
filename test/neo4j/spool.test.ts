import { execFile } from "node:child_process";
import { readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { block, World } from "../../src/conformance/index.ts";
import { openNeo4jStore } from "../../src/stores/neo4j/index.ts";
import { Spool } from "../../src/stores/neo4j/spool.ts";
import { useNeo4j } from "./server.ts";

const db = useNeo4j();
const CHILD = fileURLToPath(new URL("records-child.ts", import.meta.url));

interface Item {
  id: number;
  text: string;
  vector: Float32Array;
  hash: bigint;
}

/** In an order that is not theirs. */
async function* shuffled(count: number): AsyncGenerator<Item> {
  for (let i = 0; i < count; i++) {
    const id = (i * 7_919) % count;
    yield { id, text: "t".repeat(id % 500), vector: new Float32Array([id, 0.1]), hash: BigInt(id) << 40n };
  }
}

test("what is more than fits comes back sorted and whole, and leaves no file behind", async () => {
  const folders = () => readdirSync(tmpdir()).filter((name) => /^graphkeeper-[A-Za-z0-9]{6}$/.test(name));
  const before = folders();
  const spool = new Spool<Item>();
  const sizes = [60_000, 3, 25_000];
  for (const size of sizes) await spool.read(shuffled(size), (a, b) => a.id - b.id);
  expect(spool.size).toBe(85_003);
  expect(folders().filter((name) => !before.includes(name))).toEqual([]);
  const expected = sizes.flatMap((size) => Array.from({ length: size }, (_, i) => i));
  let at = 0;
  for await (const chunk of spool) {
    expect(chunk.length).toBeLessThanOrEqual(500);
    for (const { id, text, vector, hash } of chunk) {
      const right = id === expected[at++] && text.length === id % 500 && hash === BigInt(id) << 40n;
      if (!right || vector[0] !== id || vector[1] !== Math.fround(0.1)) throw new Error(`row ${at}: ${id}`);
    }
  }
  expect(at).toBe(85_003);
  await spool.close();
});

test("records of 80 MB of text are read by a process with 64 MB of heap, in order", { timeout: 300_000 }, async () => {
  const store = await openNeo4jStore({ uri: db.uri() });
  try {
    await new World(store).import(
      "large",
      block({ documents: ["d"], units: { u: "d" }, entities: ["e"], mentions: { u: "e" } }),
    );
  } finally {
    await store.close();
  }
  for (let part = 0; part < 10; part++)
    await db.run(
      `UNWIND range(1, 2000) AS i
       CREATE (:TextUnit {group_id: 'large', id: 'copy-' + toString(i * 10 + $part), text: $text})`,
      { part, text: "text".repeat(1_000) },
    );
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ["--max-old-space-size=64", CHILD, db.uri(), "large"],
    { maxBuffer: 1 << 20 },
  );
  expect(JSON.parse(stdout)).toMatchObject({
    counts: { document: 1, text_unit: 20_001, entity: 1, mention: 1 },
    characters: 20_000 * 4_000 + "text of u".length,
    ordered: true,
    entities: 1,
  });
});
