import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, expect, test } from "vitest";
import { inputPath } from "../field-cases/case.ts";
import { begin, corpus, documentLines, workplace } from "./run.ts";

let place: Awaited<ReturnType<typeof workplace>>;
beforeAll(async () => {
  place = await workplace();
  const made = await place.run(["import", "-", "--json"], { stdin: corpus("a", "b", "c") });
  expect(made).toMatchObject({ code: 0, err: "" });
  expect(made.json()).toMatchObject({
    blocks: 3,
    documents: 3,
    text_units: 6,
    outcomes: { imported: 3 },
    generation: 3,
  });
});
afterAll(() => place.remove());

test("a file and standard input are the same; the same again changes nothing", async () => {
  const { run, folder } = place;
  writeFileSync(`${folder}/corpus.ndjson`, `\ufeff${corpus("a", "b", "c").replaceAll("\n", "\r\n")}`);
  const again = await run(["import", "corpus.ndjson"]);
  expect(again).toMatchObject({
    code: 0,
    out: "3 documents: 3 unchanged\n0 text units, 0 entities, 0 relationships changed; generation 3\n",
  });
  await run(["import", "corpus.ndjson", "--group", "by-file"]);
  const [one, other] = await Promise.all([run(["dump"]), run(["dump", "--group", "by-file"])]);
  expect(one.out).not.toBe("");
  expect(other.out).toBe(one.out);
});

test("what was deprecated or purged stays so when its folder is imported again, is named, and comes back when it is asked for", async () => {
  const { run } = place;
  const again = (...flags: string[]) =>
    run(["import", "-", "--group", "again", ...flags], { stdin: corpus("a", "b", "c") });
  await again();
  await run(["deprecate", "a", "--group", "again"]);
  await run(["purge", "b", "--confirm", "b", "--force", "--group", "again"]);
  const kept = await again();
  expect(kept.code).toBe(0);
  expect(kept.out).toContain("1 document deprecated and kept so (a); ask for them with --restore\n");
  expect(kept.out).toContain("1 document purged before and not imported (b); ask for them with --again\n");
  expect((await again("--json")).json()).toMatchObject({
    outcomes: { deprecated_kept: 1, purged_before: 1, unchanged: 1 },
    not_taken: [
      { id: "a", outcome: "deprecated_kept" },
      { id: "b", outcome: "purged_before" },
    ],
  });
  const once = ["--operation-id", "once"];
  await again(...once);
  expect((await again(...once, "--restore", "--json")).problem()).toMatchObject({ code: "OPERATION_ID_REUSED" });
  const asked = await again("--restore", "--again");
  expect(asked.out).toContain("3 documents: 1 restored, 1 imported, 1 unchanged\n");
});

test("an import under one operation id has one effect, and another content under it is refused", async () => {
  const { run } = place;
  const call = (text: string) =>
    run(["import", "-", "--operation-id", "once", "--group", "op", "--json"], { stdin: text });
  expect((await call(corpus("x"))).json()).toMatchObject({ documents: 1, generation: 1 });
  expect((await call(corpus("x"))).json()).toMatchObject({ documents: 1, generation: 1 });
  const other = await call(corpus("y"));
  expect(other).toMatchObject({ code: 2 });
  expect(other.problem()).toMatchObject({ code: "OPERATION_ID_REUSED" });
});

test("a wrong line: its number and the remedy; what stands before it stays, and the mended file goes on from there", async () => {
  const { run, folder } = place;
  const lines = [...documentLines("p"), "", ...documentLines("q")];
  const wrong = lines.toSpliced(-2, 1, lines.at(-2)!.replace('"entity":', '"entitty":'));
  writeFileSync(`${folder}/wrong.ndjson`, wrong.join("\n"));
  const refused = await run(["import", "wrong.ndjson", "--group", "lines"]);
  expect(refused).toMatchObject({ code: 2, out: "" });
  expect(refused.err).toBe(
    `graphkeeper: Line 16: a mention has no member "entitty"; did you mean "entity". [INVALID_LINE]
  Correct the line whose number the message names; nothing of its document was imported.\n`,
  );
  const mended = await run(["import", "-", "--group", "lines", "--json"], { stdin: lines.join("\n") });
  expect(mended.json()).toMatchObject({ outcomes: { unchanged: 1, imported: 1 } });
  // What only the whole block shows wrong names the line on which it begins.
  const zero = lines.map((line) =>
    line.replace(/"id":"e-q"(.*)"embedding":\[[^\]]*\]/, '"id":"e-q"$1"embedding":[0,0,0]'),
  );
  const block = await run(["import", "-", "--group", "zero", "--json"], { stdin: zero.join("\n") });
  expect(block.problem()).toMatchObject({ code: "INVALID_EMBEDDING", owner: "entity e-q", index: 0, line: 10 });
  expect(block.code).toBe(2);
});

test("what is wrong is skipped on request, written as a file, and that file mended makes the graph whole", async () => {
  const { run, folder } = place;
  const lines = [...documentLines("p"), ...documentLines("q")];
  const wrong = lines.map((line) =>
    line.replace(/"text":"[^"]*"(.*)/, (all) => (line.includes("q:1") ? '"text":""}' : all)),
  );
  writeFileSync(`${folder}/dirty.ndjson`, wrong.join("\n"));
  const skipped = await run(["import", "dirty.ndjson", "--rejects", "rejects.ndjson", "--group", "skip"]);
  expect(skipped.code).toBe(3);
  expect(skipped.out).toMatch(/^2 documents: 2 imported\n/);
  expect(skipped.out).toMatch(
    /\d+ refused, \d+ lines? that needs? it left out; all in rejects\.ndjson:\n {2}line \d+: .*text of q:1/,
  );
  const rejects = readFileSync(`${folder}/rejects.ndjson`, "utf8");
  expect(rejects).toMatch(/^# line \d+: text_unit\.text of q:1 .*\[INVALID_VALUE\]\n\{"kind":"text_unit"/);
  const text = JSON.parse(lines.find((line) => line.includes('"id":"q:1"'))!).text as string;
  writeFileSync(`${folder}/rejects.ndjson`, rejects.replace('"text":""', `"text":${JSON.stringify(text)}`));
  expect(await run(["import", "rejects.ndjson", "--group", "skip"])).toMatchObject({ code: 0 });
  const counts = async (group: string) => {
    const dump = (await run(["dump", "--facts", "--group", group])).out.trim().split("\n");
    return dump.filter((line) => !line.includes('"kind":"document"') && !line.includes("q:1")).length;
  };
  await run(["import", "-", "--group", "whole"], { stdin: lines.join("\n") });
  expect(await counts("skip")).toBe(await counts("whole"));
});

test("what was exported is the same live graph elsewhere; a dump's hash is that of its bytes", async () => {
  const { run, folder } = place;
  const exported = await run(["export"]);
  expect(exported).toMatchObject({ code: 0, err: "" });
  const copied = await run(["import", "-", "--data", `${folder}/copy.db`], { stdin: exported.out });
  expect(copied.code).toBe(0);
  const [dump, copy, hash, json] = await Promise.all([
    run(["dump", "--facts"]),
    run(["dump", "--facts", "--data", `${folder}/copy.db`]),
    run(["dump", "--facts", "--hash"]),
    run(["dump", "--facts", "--hash", "--json"]),
  ]);
  expect(copy.out).toBe(dump.out);
  const sha256 = createHash("sha256").update(dump.out).digest("hex");
  expect(hash.out).toBe(`${sha256}\n`);
  expect(json.json()).toEqual({ group_id: "acme", sha256, lines: dump.out.split("\n").length - 1 });
});

test("a document is replaced by its new version in a file; what else stands in the file is left alone", async () => {
  const { run, folder } = place;
  writeFileSync(
    `${folder}/new.ndjson`,
    [...documentLines("d", "new text"), ...documentLines("c", "new text")].join("\n"),
  );
  const replaced = await run(["replace", "c", "new.ndjson", "--reason", "second edition"]);
  expect(replaced).toMatchObject({ code: 0, err: "", out: "c: replaced; generation 4\n" });
  const { out } = await run(["export"]);
  expect(out).toContain('"text":"new text"');
  expect(out).not.toContain('"id":"d"');
  const [absent, unknown] = [await run(["replace", "a", "new.ndjson"]), await run(["replace", "d", "new.ndjson"])];
  expect(absent).toMatchObject({ code: 2, err: expect.stringContaining("new.ndjson holds no document a") });
  expect(unknown).toMatchObject({ code: 4, err: expect.stringContaining("DOCUMENT_NOT_FOUND") });
});

test("a command that has nothing to read leaves no file behind", async () => {
  const { run, folder } = place;
  const data = `${folder}/mistyped.db`;
  const ended = [
    await run(["import", "none.ndjson", "--data", data]),
    await run(["deprecate", "a", "--data", data]),
    await run(["gc", "--data", data]),
    await run(["health", "--data", data]),
  ];
  expect(ended.map(({ code }) => code)).toEqual([2, 4, 4, 4]);
  expect(existsSync(data)).toBe(false);
  const group = await run(["health"], { env: { GRAPHKEEPER_GROUP: "" } });
  expect(group).toMatchObject({ code: 2, err: expect.stringContaining("Give --group, or set GRAPHKEEPER_GROUP") });
  expect(await run(["health", "--group", "nobody"])).toMatchObject({ code: 4 });
});

test("verify is clean, and with something wrong exits with 3 and says what", async () => {
  const { run, folder } = place;
  const data = `${folder}/spoilt.db`;
  await run(["import", "-", "--data", data], { stdin: corpus("a", "b") });
  expect(await run(["verify", "--data", data])).toMatchObject({
    code: 0,
    out: "clean: the graph is as the law says\n",
  });
  const database = new DatabaseSync(data);
  database.exec("DELETE FROM mentions");
  database.close();
  const ended = await run(["verify", "--json", "--data", data]);
  expect(ended.code).toBe(3);
  expect(ended.json().findings).toContainEqual(
    expect.objectContaining({ code: "MENTION_MISSING", count: expect.any(Number) }),
  );
  const doctor = await run(["doctor", "--verify", "--data", data]);
  expect(doctor.code).toBe(3);
  expect(doctor.out).toMatch(/^! {2}group acme/m);
  expect((await run(["doctor", "--data", data])).code).toBe(0);
});

test("a reader that has seen enough ends an export without an error", async () => {
  const { run, env } = place;
  const text = "word ".repeat(4_000);
  const lines = Array.from({ length: 60 }, (_, i) => documentLines(`long-${i}`, `${i} ${text}`)).flat();
  await run(["import", "-", "--group", "long"], { stdin: lines.join("\n") });
  const { child, ended } = begin(["export", "--group", "long"], { env });
  child.stdout.once("data", () => child.stdout.destroy());
  const { code, err } = await ended;
  expect({ code, err }).toEqual({ code: 0, err: "" });
});

test("Ctrl-C ends an import between two documents; what is there is whole", async () => {
  const { run, env } = place;
  const { child, ended } = begin(["import", "-", "--group", "cut"], { env });
  child.stdin.write(corpus("a", "b"));
  // The first document is there as soon as the second one's line was read.
  const there = async () => (await run(["health", "--group", "cut", "--json"])).code === 0;
  while (!(await there()));
  child.kill("SIGINT");
  child.stderr.once("data", () => child.stdin.end(corpus("c", "d")));
  const { code, err } = await ended;
  expect(err).toMatch(/stopping after this batch; again to stop at once\n[\s\S]*\[CANCELLED\]/);
  expect(code).toBe(6);
  const health = (await run(["health", "--group", "cut", "--json"])).json();
  expect(health.counts).toMatchObject({ documents: { active: 1 }, text_units: { live: 2 } });
  expect((await run(["verify", "--group", "cut"])).code).toBe(0);
});

test("a second writer is refused with the holder; readers are not", async () => {
  const { run, env } = place;
  const { child, ended } = begin(["import", "-", "--group", "held"], { env });
  child.stdin.write(corpus("a", "b"));
  while ((await run(["health", "--group", "held"])).code !== 0);
  const [writer, reader] = await Promise.all([run(["hold", "a"]), run(["stale"])]);
  expect(writer).toMatchObject({ code: 5, out: "" });
  expect(writer.err).toMatch(new RegExp(`held by process ${child.pid}\\b.*\\[STORE_LOCKED\\]`));
  expect(reader.code).toBe(0);
  child.stdin.end();
  expect((await ended).code).toBe(0);
});

test("after another run of an index the import says which files changed or are gone; their texts stay until deprecated", async () => {
  const { run } = place;
  const load = (name: string) =>
    run(["import", inputPath(name), "--format", "msgraphrag", "--group", "index", "--json"]);
  expect((await load("g-msgraphrag-run2")).json()).not.toHaveProperty("notices");
  const { notices } = (await load("g-msgraphrag-run4")).json();
  expect(notices).toEqual([expect.stringMatching(/^1 document of the group .* stays live: README\.md#3ab17f107666\./)]);
  await run(["deprecate", "README.md#3ab17f107666", "--group", "index"]);
  expect((await load("g-msgraphrag-run4")).json()).not.toHaveProperty("notices");
});
