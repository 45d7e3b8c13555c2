import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { begin, cli } from "../cli/run.ts";

/** The story without what differs from run to run. */
function steps(story: string): string[] {
  return story.split("\n").filter((line) => /^\d+\. /.test(line));
}
const leftovers = () => readdirSync(tmpdir()).filter((name) => name.startsWith("graphkeeper-demo-"));

test("the demo tells its story on the shipped corpus, proves the round trip, and ends", async () => {
  const before = leftovers();
  const begun = performance.now();
  const { code, out, err } = await cli(["demo"]);
  expect({ code, err }).toEqual({ code: 0, err: "" });
  expect(performance.now() - begun).toBeLessThan(120_000);
  const lines = out.trimEnd().split("\n");
  expect(lines.length).toBeGreaterThanOrEqual(40);
  expect(lines.length).toBeLessThanOrEqual(60);
  const long = lines.filter((line) => line.length > 140);
  expect(long).toEqual([]);
  // Each step has its curl.
  const curls = lines.filter((line) => /^ {3}\$ curl /.test(line));
  expect(curls).toHaveLength(steps(out).length);
  const hashes = /SHA-256 of the canonical dump before ([0-9a-f]{16})…, now ([0-9a-f]{16})…: equal, byte for byte/.exec(
    out,
  );
  expect(hashes?.[1]).toBe(hashes?.[2]);
  expect(out).toMatch(/\d+ documents, \d+ text units, \d+ entities, \d+ relationships/);
  expect(out).toMatch(/a second run collects 0/);
  // The documents that answered best are deprecated, and answer no more.
  const [first, second] = out.split("\n6. ") as [string, string];
  const best = [...first.matchAll(/^ {3}".*\n {6}(\S+) 0\.\d\d/gm)].map((match) => match[1]!);
  const again = [...second.matchAll(/^ {3}".*?" {2}(\S+ 0.*)$/gm)].map((match) => match[1]!);
  expect([best.length, again.length]).toEqual([3, 3]);
  for (const [i, id] of best.entries()) {
    expect(first).toContain(`"${id.split(":")[0]}"`);
    expect(again[i]!.split("  ")).toHaveLength(3);
    expect(again.join(" ")).not.toContain(id);
  }
  // Nothing is left of it.
  expect(leftovers().filter((name) => !before.includes(name))).toEqual([]);
}, 150_000);

test("--quiet and --data: another corpus, an OpenIE file with embeddings beside it, told alike", async () => {
  const folder = mkdtempSync(join(tmpdir(), "graphkeeper-other-"));
  try {
    const data = join(folder, "tiny-openie.json");
    const docs = Array.from({ length: 12 }, (_, i) => ({
      title: `T${i}`,
      passage: `Passage ${i}`,
      extracted_entities: Array.from({ length: 10 }, (_, j) => `name ${(i * 7 + j) % 60}`),
      extracted_triples: [[`name ${(i * 7) % 60}`, "is near", `name ${(i * 7 + 3) % 60}`]],
    }));
    writeFileSync(data, JSON.stringify({ docs }));
    const without = await cli(["demo", "--data", data]);
    expect(without).toMatchObject({ code: 2, err: expect.stringMatching(/no embeddings beside it/) });
    const embeddings = (kind: string, names: string[]) => {
      const dim = 8;
      const scale = Buffer.from(Float32Array.from(names, () => 1 / 127).buffer).toString("base64");
      const bytes = Int8Array.from({ length: names.length * dim }, (_, i) => Math.round(127 * Math.sin(i * i)));
      writeFileSync(
        join(folder, `tiny-${kind}-embeddings.json`),
        JSON.stringify({ dim, count: names.length, names, scale }),
      );
      writeFileSync(join(folder, `tiny-${kind}-embeddings.i8.bin`), bytes);
    };
    embeddings(
      "entity",
      Array.from({ length: 90 }, (_, i) => `name ${i}`),
    );
    embeddings(
      "passage",
      docs.map((d) => d.title),
    );
    const other = await cli(["demo", "--data", data, "--quiet"]);
    expect(other.err).toBe("");
    expect(other.code).toBe(0);
    expect(other.out).toContain("12 documents, 12 text units");
    expect(other.out).toContain("equal, byte for byte");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}, 150_000);

test("Ctrl-C in the middle takes its server and its data along", async () => {
  const before = leftovers();
  const { child, ended } = begin(["demo"]);
  await new Promise((resolve) => child.stdout.once("data", resolve));
  child.kill("SIGINT");
  const { code, err } = await ended;
  expect(code).toBe(6);
  expect(err).toContain("[CANCELLED]");
  expect(leftovers().filter((name) => !before.includes(name))).toEqual([]);
}, 60_000);
