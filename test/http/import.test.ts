import { connect } from "node:net";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { closeWorlds, makeWorld, send, type World } from "./world.ts";

let world: World;
beforeEach(async () => {
  world = await makeWorld();
});
afterAll(closeWorlds);

const document = (id: string) => JSON.stringify({ kind: "document", id });
const unit = (id: string, of: string, more: object = {}) =>
  JSON.stringify({ kind: "text_unit", id, documents: [of], text: `text of ${id}`, ...more });
const entity = (id: string, more: object = {}) => JSON.stringify({ kind: "entity", id, name: id, ...more });
const mention = (text_unit: string, entity: string) => JSON.stringify({ kind: "mention", text_unit, entity });
const block = (id: string) => [
  document(id),
  unit(`${id}/u`, id),
  entity(`e-${id}`),
  JSON.stringify({ kind: "mention", text_unit: `${id}/u`, entity: `e-${id}` }),
];

const importLines = (lines: string[] | Buffer) =>
  send(world, "/groups/acme/import", {
    raw: Buffer.isBuffer(lines) ? lines : lines.join("\n"),
    type: "application/x-ndjson",
  });
const ids = async () =>
  (await world.graphkeeper.store.group("acme")) === null
    ? []
    : (await world.graphkeeper.documents("acme", { limit: 100 })).items.map((d) => d.id);

test("what was exported is imported again with the same live graph", async () => {
  expect((await importLines([...block("a"), ...block("b")])).json()).toMatchObject({
    blocks: 2,
    documents: 2,
    text_units: 2,
    entities: 2,
    outcomes: { imported: 2 },
  });
  const exported = await send(world, "/groups/acme/export");
  expect(exported.headers["content-type"]).toBe("application/x-ndjson");
  const copy = await send(world, "/groups/copy/import", { raw: exported.body, type: "application/x-ndjson" });
  expect(copy.statusCode).toBe(200);
  const dump = async (group: string) => (await send(world, `/groups/${group}/dump?facts=true`)).body;
  expect(await dump("copy")).toBe(await dump("acme"));
});

test("with on_error=skip what is wrong is refused by itself, counted and listed; the rest goes in", async () => {
  const bad = [...block("a"), "{oops", unit("a/v", "a", { text: "" }), mention("a/v", "e-a"), ...block("b"), "[]"];
  const skip = (query: string, group = "acme") =>
    send(world, `/groups/${group}/import?on_error=skip${query}`, {
      raw: bad.join("\n"),
      type: "application/x-ndjson",
    });
  const answer = (await skip("")).json();
  expect(answer).toMatchObject({ documents: 2, text_units: 2, rejected: 3, left_out: 1 });
  const listed = answer.rejects as { line: number; code: string; reason: string; content: string[] }[];
  expect(listed.map(({ line, code, content }) => [line, code, content.length])).toEqual([
    [5, "INVALID_LINE", 1],
    [6, "INVALID_VALUE", 2],
    [12, "INVALID_LINE", 1],
  ]);
  expect(listed[1]!.reason).toMatch(/text_unit\.text of a\/v/);
  expect((await skip("&rejects=1", "other")).json()).toMatchObject({ rejected: 3, rejects: [{ line: 5 }] });
  // Nothing is left: the answer says what was refused.
  const nothing = await send(world, "/groups/none/import?on_error=skip", { raw: "{", type: "application/x-ndjson" });
  expect([nothing.statusCode, nothing.json().rejected]).toEqual([200, 1]);
  expect(
    (await send(world, "/groups/acme/import?on_error=ignore", { raw: "{", type: "application/x-ndjson" })).statusCode,
  ).toBe(400);
  expect((await importLines(bad)).statusCode).toBe(400);
});

test("what was deprecated or purged stays so, by import and by replace, until the query asks for it", async () => {
  await importLines([...block("a"), ...block("b")]);
  await send(world, "/documents/a/deprecate", { body: {}, group: "acme" });
  await send(world, "/documents/b/purge", { body: { confirm: "b", force: true }, group: "acme" });
  const again = (query: string) =>
    send(world, `/groups/acme/import${query}`, {
      raw: [...block("a"), ...block("b")].join("\n"),
      type: "application/x-ndjson",
    });
  expect((await again("")).json()).toMatchObject({
    outcomes: { deprecated_kept: 1, purged_before: 1 },
    not_taken: [
      { id: "a", outcome: "deprecated_kept" },
      { id: "b", outcome: "purged_before" },
    ],
  });
  const replace = (query: string) =>
    send(world, `/documents/a${query}`, { method: "PUT", body: { text_units: [] }, group: "acme" });
  const refused = await replace("");
  expect([refused.statusCode, refused.json().code]).toEqual([409, "DOCUMENT_DEPRECATED"]);
  expect((await again("?restore=true&again=1")).json()).toMatchObject({ outcomes: { restored: 1, imported: 1 } });
  await send(world, "/documents/a/deprecate", { body: {}, group: "acme" });
  expect((await replace("?restore=true")).json()).toMatchObject({ outcomes: [{ id: "a", outcome: "replaced" }] });
});

describe("a wrong line", () => {
  const second = block("b");
  const cases: [string, string, number, string, RegExp][] = [
    ["not JSON", "{oops", 400, "INVALID_LINE", /Line 6 is not JSON/],
    ["cut off", second[1]!.slice(0, -3), 400, "INVALID_LINE", /Line 6/],
    ["an unknown kind", '{"kind":"chunk","id":"x"}', 400, "INVALID_LINE", /Line 6.*document, text_unit, entity/],
    [
      "an unknown member",
      '{"kind":"entity","id":"x","name":"x","descripton":"d"}',
      400,
      "INVALID_LINE",
      /Line 6.*did you mean "description"/,
    ],
    ["a member missing", '{"kind":"entity","id":"x"}', 400, "INVALID_LINE", /Line 6.*name/],
    ["null", "null", 400, "INVALID_LINE", /Line 6/],
    [
      "nested 100,000 deep",
      `{"kind":"document","id":"x","metadata":{"a":${"[".repeat(100_000)}${"]".repeat(100_000)}}}`,
      400,
      "INVALID_LINE",
      /Line 6/,
    ],
    ["NaN in a vector", '{"kind":"entity","id":"x","name":"x","embedding":[1,NaN]}', 400, "INVALID_LINE", /Line 6/],
    [
      "1e999 in a vector",
      '{"kind":"entity","id":"x","name":"x","embedding":[1,1e999]}',
      422,
      "INVALID_EMBEDDING",
      /Line 6.*index 1/,
    ],
    [
      "null in a vector",
      '{"kind":"entity","id":"x","name":"x","embedding":[null]}',
      422,
      "INVALID_EMBEDDING",
      /Line 6.*index 0/,
    ],
    [
      "a zero vector",
      '{"kind":"entity","id":"x","name":"x","embedding":[0,0]}',
      422,
      "INVALID_EMBEDDING",
      /begins on line 5.*|index 0/,
    ],
    ["no owner", '{"kind":"text_unit","id":"x","documents":[],"text":"t"}', 400, "INVALID_LINE", /Line 6/],
    [
      "a unit without a text",
      '{"kind":"text_unit","id":"x","documents":["b"],"text":""}',
      422,
      "INVALID_VALUE",
      /line 5/,
    ],
    [
      "a weight of zero",
      '{"kind":"relationship","id":"x","source":"e-b","target":"e-b","type":"T","weight":0}',
      422,
      "INVALID_VALUE",
      /weight/,
    ],
  ];
  test.each(cases)(
    "%s: its number, what was expected; its document is not half there, the one before is",
    async (_what, line, status, code, message) => {
      const answer = await importLines([...block("a"), second[0]!, line, ...second.slice(1), ...block("c")]);
      expect(answer.statusCode, answer.body).toBe(status);
      expect(answer.json()).toMatchObject({ code });
      expect(answer.json().detail).toMatch(message);
      expect(await ids()).toEqual(["a"]);
      // The same again, corrected, goes on from there.
      const mended = await importLines([...block("a"), ...second, ...block("c")]);
      expect(mended.json().outcomes).toEqual({ unchanged: 1, imported: 2 });
      expect((await send(world, "/groups/acme/verify")).json()).toEqual({ clean: true, findings: [] });
    },
  );

  test("bytes that are not UTF-8", async () => {
    const answer = await importLines(
      Buffer.concat([Buffer.from(`${document("a")}\n`), Buffer.from([0xff, 0xfe, 0x0a])]),
    );
    expect(answer.json().code).toBe("INVALID_LINE");
    expect(await ids()).toEqual([]);
  });

  test("a line over 8 MB is refused without being read to its end", async () => {
    const answer = await importLines([
      ...block("a"),
      document("b"),
      entity("x", { description: "x".repeat(9 * 1_048_576) }),
    ]);
    expect(answer.statusCode).toBe(413);
    expect(await ids()).toEqual(["a"]);
  });
});

test("more than the limit for JSON passes, line by line", async () => {
  const small = await makeWorld({ http: { bodyLimit: 10_000 } });
  const lines = Array.from({ length: 200 }, (_, i) => block(`d${i}`))
    .flat()
    .join("\n");
  expect(lines.length).toBeGreaterThan(20_000);
  const answer = await send(small, "/groups/acme/import", { raw: lines, type: "application/x-ndjson" });
  expect(answer.json()).toMatchObject({ documents: 200 });
});

test("a client that goes away in the middle leaves whole documents only", async () => {
  await world.listen();
  const lines = [...block("a"), ...block("b"), ...block("c")].join("\n");
  const cut = lines.indexOf(document("c")) + document("c").length + 1;
  await new Promise<void>((resolve) => {
    const socket = connect(world.port, "127.0.0.1", () => {
      socket.write(
        `POST /groups/acme/import HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-ndjson\r\nContent-Length: ${lines.length}\r\n\r\n${lines.slice(0, cut)}`,
      );
    });
    socket.once("close", () => resolve());
    const look = setInterval(async () => {
      if ((await ids()).length < 2) return;
      clearInterval(look);
      socket.destroy();
    }, 10);
  });
  expect(await ids()).toEqual(["a", "b"]);
  expect((await send(world, "/groups/acme/verify")).json().clean).toBe(true);
});

test("a document is replaced as NDJSON too, by exactly one document", async () => {
  await importLines([...block("a"), ...block("b")]);
  const put = (lines: string[]) =>
    send(world, "/documents/a", { method: "PUT", group: "acme", raw: lines.join("\n"), type: "application/x-ndjson" });
  expect((await put([...block("a"), ...block("b")])).json()).toMatchObject({ code: "INVALID_LINE", line: 5 });
  expect((await put(block("b"))).json().code).toBe("INVALID_VALUE");
  expect((await put([])).json().code).toBe("INVALID_REQUEST");
  const done = await put([document("a"), unit("a/n", "a"), entity("e-a")]);
  expect(done.json().outcomes).toEqual([{ id: "a", outcome: "replaced" }]);
  expect((await send(world, "/documents/a", { group: "acme" })).json().version).toBe(2);
  expect(
    (await send(world, "/documents/z", { method: "PUT", group: "acme", body: { text_units: [] } })).json().code,
  ).toBe("DOCUMENT_NOT_FOUND");
});
