import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { closeWorlds, expectProblem, fill, makeWorld, type Request, send, type World } from "./world.ts";

let world: World;
beforeAll(async () => {
  world = await makeWorld({ http: { bodyLimit: 100_000 } });
  await fill(world, "acme", 3);
});
afterAll(closeWorlds);

const acme = { group: "acme" };
const deep = (n: number) => `${"[".repeat(n)}${"]".repeat(n)}`;
const DEPRECATE = "/documents/d0/deprecate";
const utf16 = Buffer.from('{"reason":"x"}', "utf16le");

/** what, path, request, status, code, and what the message must say */
const CASES: [string, string, Request, number, string, RegExp?][] = [
  ["unknown path", "/nope", {}, 404, "NOT_FOUND"],
  ["unknown path with a body", "/nope", { body: {} }, 404, "NOT_FOUND"],
  ["wrong method", "/documents", { ...acme, method: "DELETE" }, 405, "METHOD_NOT_ALLOWED", /GET, HEAD/],
  ["wrong method with a body", "/maintenance/health", { ...acme, body: {} }, 405, "METHOD_NOT_ALLOWED"],
  ["PATCH", "/documents/d0", { ...acme, method: "PATCH" }, 405, "METHOD_NOT_ALLOWED", /GET, HEAD, PUT/],
  ["OPTIONS", "/search", { method: "OPTIONS" }, 405, "METHOD_NOT_ALLOWED", /POST/],
  ["HEAD of a stream", "/groups/acme/dump", { method: "HEAD" }, 405, "METHOD_NOT_ALLOWED"],
  ["bad percent-encoding", "/documents/%zz", acme, 400, "INVALID_REQUEST"],
  ["half a character in the path", "/documents/%c3", acme, 400, "INVALID_REQUEST"],
  ["too long a path part", `/documents/${"a".repeat(13_000)}`, acme, 400, "INVALID_REQUEST"],
  ["no group", "/documents", {}, 400, "GROUP_REQUIRED"],
  ["empty group", "/documents", { group: "" }, 400, "INVALID_GROUP_ID"],
  ["group outside the pattern", "/documents", { group: "a/b" }, 400, "INVALID_GROUP_ID"],
  ["group percent-encoded", "/documents", { group: "ac%6De" }, 400, "INVALID_GROUP_ID"],
  [
    "group with blanks around is trimmed by HTTP itself, inside refused",
    "/documents",
    { group: "a b" },
    400,
    "INVALID_GROUP_ID",
  ],
  ["group with latin-1 bytes", "/documents", { group: "acm\u00e9" }, 400, "INVALID_GROUP_ID"],
  ["group too long", "/documents", { group: "a".repeat(201) }, 400, "INVALID_GROUP_ID"],
  ["Cypher in the group", "/documents", { group: "'})-[]-(n) DETACH DELETE n //" }, 400, "INVALID_GROUP_ID"],
  ["group in the path outside the pattern", "/groups/a%2Fb/export", {}, 400, "INVALID_GROUP_ID"],
  ["dots in the path", "/groups/..%2f..%2fetc/export", {}, 400, "INVALID_GROUP_ID"],
  ["two groups", "/groups/acme/export", { group: "other" }, 400, "INVALID_REQUEST"],
  ["missing group", "/documents", { group: "nobody" }, 404, "GROUP_NOT_FOUND"],
  ["missing document", "/documents/nobody", acme, 404, "DOCUMENT_NOT_FOUND"],
  ["missing document deprecated", "/documents/nobody/deprecate", { ...acme, body: {} }, 404, "DOCUMENT_NOT_FOUND"],
  ["missing run", "/maintenance/runs/nobody", {}, 404, "RUN_NOT_FOUND"],
  ["missing run followed", "/maintenance/runs/nobody/events", {}, 404, "RUN_NOT_FOUND"],
  ["missing schedule", "/maintenance/schedules/nobody/pause", { body: {} }, 404, "NOT_FOUND"],
  ["missing community", "/communities/nobody/members", acme, 404, "NOT_FOUND"],
  ["missing key", "/keys/nobody", { method: "DELETE" }, 404, "NOT_FOUND"],
  [
    "unknown kind of collection",
    "/maintenance/gc/everything",
    { ...acme, body: {} },
    400,
    "INVALID_REQUEST",
    /orphan_entities/,
  ],
  [
    "misspelt member",
    DEPRECATE,
    { ...acme, body: { succesor: "d1" } },
    400,
    "INVALID_REQUEST",
    /did you mean "successor"/,
  ],
  [
    "misspelt member inside",
    "/maintenance/schedules/x",
    { method: "PUT", body: { blackouts: [{ frm_at: 1 }] } },
    400,
    "INVALID_REQUEST",
    /did you mean "from_at"/,
  ],
  [
    "member of another verb",
    "/documents/bulk",
    { ...acme, body: { verb: "restore", documents: ["d0"], successor: "d1" } },
    400,
    "INVALID_REQUEST",
    /successor/,
  ],
  ["misspelt parameter", "/documents?limt=3", acme, 400, "INVALID_REQUEST", /did you mean "limit"/],
  ["parameter twice", "/documents?limit=3&limit=4", acme, 400, "INVALID_REQUEST", /limit/],
  ["parameter not a number", "/documents?limit=ten", acme, 400, "INVALID_REQUEST", /integer/],
  ["parameter out of range", "/documents?limit=0", acme, 400, "INVALID_REQUEST", />=1/],
  ["parameter empty", "/documents?limit=", acme, 400, "INVALID_REQUEST"],
  ["parameter huge", "/audit?after=99999999999999999999", acme, 400, "INVALID_REQUEST"],
  ["negative wait", "/maintenance/run-all-gc?wait=-1", { ...acme, body: {} }, 400, "INVALID_REQUEST"],
  ["wait in words", "/maintenance/run-all-gc?wait=soon", { ...acme, body: {} }, 400, "INVALID_REQUEST"],
  ["foreign cursor", "/maintenance/runs?cursor=zzz", {}, 400, "INVALID_REQUEST"],
  ["not JSON", DEPRECATE, { ...acme, raw: "{" }, 400, "INVALID_REQUEST", /not JSON/],
  ["not JSON but NaN", DEPRECATE, { ...acme, raw: "NaN" }, 400, "INVALID_REQUEST", /not JSON/],
  ["an array", DEPRECATE, { ...acme, raw: "[]" }, 400, "INVALID_REQUEST"],
  ["null", DEPRECATE, { ...acme, raw: "null" }, 400, "INVALID_REQUEST"],
  ["a member twice", DEPRECATE, { ...acme, raw: '{"reason":"a","reason":"b"}' }, 400, "INVALID_REQUEST", /twice/],
  [
    "a member twice, written differently",
    DEPRECATE,
    { ...acme, raw: '{"reason":"a","re\\u0061son":"b"}' },
    400,
    "INVALID_REQUEST",
    /twice/,
  ],
  ["__proto__", DEPRECATE, { ...acme, raw: '{"__proto__":{"force":true}}' }, 400, "INVALID_REQUEST", /__proto__/],
  [
    "__proto__ deep inside",
    "/documents/d0",
    { ...acme, method: "PUT", raw: '{"metadata":{"a":[{"\\u005f_proto__":1}]}}' },
    400,
    "INVALID_REQUEST",
    /__proto__/,
  ],
  ["constructor", DEPRECATE, { ...acme, raw: '{"constructor":{}}' }, 400, "INVALID_REQUEST"],
  ["nested 100,000 deep", DEPRECATE, { ...acme, raw: deep(49_000) }, 400, "INVALID_REQUEST", /64 levels/],
  [
    "nested deep in metadata",
    "/documents/d0",
    { ...acme, method: "PUT", raw: `{"metadata":{"a":${deep(70)}}}` },
    400,
    "INVALID_REQUEST",
    /64 levels/,
  ],
  ["byte order mark", DEPRECATE, { ...acme, raw: "\ufeff{}" }, 400, "INVALID_REQUEST"],
  ["UTF-16", DEPRECATE, { ...acme, raw: utf16 }, 400, "INVALID_REQUEST"],
  ["not UTF-8", DEPRECATE, { ...acme, raw: Buffer.from([0x7b, 0xff, 0x7d]) }, 400, "INVALID_REQUEST", /UTF-8/],
  ["lone surrogate in a reason", DEPRECATE, { ...acme, raw: '{"reason":"\\ud800"}' }, 400, "INVALID_REQUEST"],
  [
    "lone surrogate in an id",
    "/documents/bulk",
    { ...acme, raw: '{"verb":"deprecate","documents":["\\ud800"]}' },
    422,
    "INVALID_VALUE",
  ],
  ["control character in an id", "/documents/d%00/deprecate", { ...acme, body: {} }, 422, "INVALID_VALUE"],
  ["wrong type", DEPRECATE, { ...acme, body: { force: "yes" } }, 400, "INVALID_REQUEST", /force/],
  ["its own successor", DEPRECATE, { ...acme, body: { successor: "d0" } }, 422, "INVALID_VALUE"],
  ["text/plain", DEPRECATE, { ...acme, raw: "{}", type: "text/plain" }, 415, "UNSUPPORTED_MEDIA_TYPE"],
  [
    "a form",
    DEPRECATE,
    { ...acme, raw: "a=b", type: "application/x-www-form-urlencoded" },
    415,
    "UNSUPPORTED_MEDIA_TYPE",
  ],
  ["empty content type", DEPRECATE, { ...acme, raw: "{}", type: "" }, 415, "UNSUPPORTED_MEDIA_TYPE"],
  ["broken content type", DEPRECATE, { ...acme, raw: "{}", type: "application" }, 415, "UNSUPPORTED_MEDIA_TYPE"],
  [
    "two content types in one",
    DEPRECATE,
    { ...acme, raw: "{}", type: "application/json, text/plain" },
    415,
    "UNSUPPORTED_MEDIA_TYPE",
  ],
  [
    "other charset",
    DEPRECATE,
    { ...acme, raw: "{}", type: "application/json; charset=utf-16" },
    415,
    "UNSUPPORTED_MEDIA_TYPE",
  ],
  [
    "compressed",
    DEPRECATE,
    { ...acme, raw: "{}", headers: { "content-encoding": "gzip" } },
    415,
    "UNSUPPORTED_MEDIA_TYPE",
  ],
  [
    "NDJSON where it is not taken",
    DEPRECATE,
    { ...acme, raw: "{}", type: "application/x-ndjson" },
    415,
    "UNSUPPORTED_MEDIA_TYPE",
  ],
  ["JSON as an import", "/groups/acme/import", { raw: "{}" }, 415, "UNSUPPORTED_MEDIA_TYPE"],
  ["nothing as an import", "/groups/acme/import", { method: "POST" }, 400, "INVALID_REQUEST"],
  [
    "empty lines as an import",
    "/groups/acme/import",
    { raw: "\n\n", type: "application/x-ndjson" },
    400,
    "INVALID_REQUEST",
  ],
  ["too large a body", DEPRECATE, { ...acme, raw: `{"reason":"${"x".repeat(100_001)}"}` }, 413, "PAYLOAD_TOO_LARGE"],
  [
    "too many documents",
    "/documents/bulk",
    { ...acme, body: { verb: "deprecate", documents: Array.from({ length: 1_001 }, (_, i) => `d${i}`) } },
    413,
    "PAYLOAD_TOO_LARGE",
  ],
  ["no documents", "/documents/bulk", { ...acme, body: { verb: "deprecate", documents: [] } }, 400, "INVALID_REQUEST"],
  ["purge without confirmation", "/documents/d0/purge", { ...acme, body: {} }, 409, "CONFIRMATION_REQUIRED"],
  [
    "purge with another confirmation",
    "/documents/d0/purge",
    { ...acme, body: { confirm: "d1" } },
    409,
    "CONFIRMATION_REQUIRED",
  ],
  [
    "bulk purge with half a confirmation",
    "/documents/bulk",
    { ...acme, body: { verb: "purge", documents: ["d0", "d1"], confirm: "d0" } },
    409,
    "CONFIRMATION_REQUIRED",
  ],
  ["no vector", "/search", { ...acme, body: {} }, 400, "INVALID_REQUEST", /vector/],
  ["empty vector", "/search", { ...acme, body: { vector: [] } }, 422, "INVALID_EMBEDDING"],
  ["zero vector", "/search", { ...acme, body: { vector: [0, 0, 0] } }, 422, "INVALID_EMBEDDING"],
  ["1e999 in a vector", "/search", { ...acme, raw: '{"vector":[1,1e999,0]}' }, 422, "INVALID_EMBEDDING", /index 1/],
  ["too large for float32", "/search", { ...acme, raw: '{"vector":[1,0,1e39]}' }, 422, "INVALID_EMBEDDING", /index 2/],
  ["text in a vector", "/search", { ...acme, body: { vector: [1, "2", 3] } }, 422, "INVALID_EMBEDDING", /index 1/],
  ["null in a vector", "/search", { ...acme, body: { vector: [null] } }, 422, "INVALID_EMBEDDING", /index 0/],
  ["wrong dimension", "/search", { ...acme, body: { vector: [1, 2] } }, 422, "INVALID_EMBEDDING"],
  ["16,385 dimensions", "/search", { ...acme, body: { vector: Array(16_385).fill(1) } }, 422, "INVALID_EMBEDDING"],
  ["k out of range", "/search", { ...acme, body: { vector: [1, 0, 0], k: 1e9 } }, 400, "INVALID_REQUEST", /k/],
  [
    "bad embedding in a replacement",
    "/documents/d0",
    { ...acme, method: "PUT", body: { text_units: [{ id: "u", text: "t", embedding: [1, null] }] } },
    422,
    "INVALID_EMBEDDING",
    /index 1/,
  ],
  [
    "bad weight in a replacement",
    "/documents/d0",
    {
      ...acme,
      method: "PUT",
      body: { text_units: [], relationships: [{ id: "r", source: "a", target: "b", type: "T", weight: -1 }] },
    },
    422,
    "INVALID_VALUE",
    /weight/,
  ],
  [
    "bad expression",
    "/maintenance/schedules/x",
    { method: "PUT", body: { kind: "gc_all", expression: "61 * * * *" } },
    422,
    "INVALID_VALUE",
  ],
  [
    "unknown time zone",
    "/maintenance/schedules/preview",
    { body: { expression: "0 * * * *", time_zone: "Mars/Phobos" } },
    422,
    "INVALID_VALUE",
  ],
  [
    "bad schedule id",
    "/maintenance/schedules/a%20b",
    { method: "PUT", body: { kind: "gc_all", expression: "0 * * * *" } },
    422,
    "INVALID_VALUE",
  ],
  [
    "a time without a zone",
    "/maintenance/schedules/x/occurrences?before=2026-01-01T00:00:00",
    {},
    400,
    "INVALID_REQUEST",
  ],
  [
    "a year too far",
    "/maintenance/schedules/x/occurrences?before=%2B275760-09-13T00:00:00Z",
    {},
    400,
    "INVALID_REQUEST",
  ],
  [
    "an Idempotency-Key with a blank",
    DEPRECATE,
    { ...acme, body: {}, headers: { "idempotency-key": "a b" } },
    400,
    "INVALID_REQUEST",
  ],
  [
    "too long an Idempotency-Key",
    DEPRECATE,
    { ...acme, body: {}, headers: { "idempotency-key": "a".repeat(201) } },
    400,
    "INVALID_REQUEST",
  ],
  ["a key for a bad scope", "/keys", { body: { name: "x", role: "reader", groups: ["a/*"] } }, 400, "INVALID_GROUP_ID"],
  ["a key for an unknown role", "/keys", { body: { name: "x", role: "root", groups: ["*"] } }, 400, "INVALID_REQUEST"],
];

describe("bad input gets a problem document with its code, and changes nothing", () => {
  test.each(CASES)("%s", async (_what, path, request, status, code, message) => {
    const before = await world.graphkeeper.store.group("acme");
    const answer = await send(world, path, request);
    expect(answer.statusCode, answer.body).toBe(status);
    if (answer.body !== "") {
      const problem = expectProblem(answer);
      expect(problem.code).toBe(code);
      if (message !== undefined) expect(problem.detail).toMatch(message);
      expect(answer.body).not.toMatch(/node_modules|\.ts:\d|at \w+ \(/);
    }
    if (status === 405) expect(answer.headers.allow).toMatch(/^[A-Z, ]+$/);
    expect(await world.graphkeeper.store.group("acme")).toEqual(before);
  });
});

describe("what looks odd and is right", () => {
  const odd: [string, string, Request][] = [
    ["no body at all", "/documents/d1/hold", { ...acme, method: "POST" }],
    [
      "a content type and no body",
      "/documents/d1/hold",
      { ...acme, method: "POST", headers: { "content-type": "application/json" } },
    ],
    ["an empty body", "/documents/d1/hold", { ...acme, raw: "" }],
    ["upper case", "/documents/d1/hold", { ...acme, raw: "{}", type: "APPLICATION/JSON" }],
    ["a charset", "/documents/d1/hold", { ...acme, raw: "{}", type: 'application/json; charset="UTF-8"' }],
    ["a semicolon at the end", "/documents/d1/hold", { ...acme, raw: "{}", type: "application/json;" }],
    ["identity", "/documents/d1/hold", { ...acme, raw: "{}", headers: { "content-encoding": "identity" } }],
    ["quotes and braces in a string", "/documents/d1/hold", { ...acme, raw: '{"reason":"a \\"{[,:}\\\\"}' }],
  ];
  test.each(odd)("%s", async (_what, path, request) => {
    const answer = await send(world, path, request);
    expect(answer.statusCode, answer.body).toBe(200);
  });

  test("ids of any characters travel percent-encoded", async () => {
    for (const id of ["a/b", "100%", "%2F", "a b", "?q#h;p", "ünï", "...", "%25", "a+b"]) {
      await world.graphkeeper.importBlock("odd", {
        documents: [{ id }],
        textUnits: [{ id: `${id}/u`, documents: [id], text: id }],
        entities: [],
        mentions: [],
        relationships: [],
      });
      const found = await send(world, `/documents/${encodeURIComponent(id)}`, { group: "odd" });
      expect(found.statusCode, id).toBe(200);
      expect(found.json().id).toBe(id);
      const hidden = await send(world, `/documents/${encodeURIComponent(id)}/deprecate`, { group: "odd", body: {} });
      expect(hidden.json().outcomes).toEqual([{ id, outcome: "deprecated" }]);
    }
  });

  test("a request id is taken over when it is harmless, else made", async () => {
    const given = await send(world, "/livez", { headers: { "x-request-id": "Job-1.a_b" } });
    expect(given.headers["x-request-id"]).toBe("Job-1.a_b");
    for (const bad of ["a b", "x".repeat(5_000), "a\tb", ""]) {
      const made = await send(world, "/livez", { headers: { "x-request-id": bad } });
      expect(made.headers["x-request-id"]).toMatch(/^[0-9a-f-]{36}$/);
    }
  });
});

test("what the contract allows is accepted: seconds as any number, entries after the largest integer", async () => {
  const small = await makeWorld({ worker: false });
  await fill(small, "acme", 1);
  for (const wait of ["0", "1e-3", "0.00001", "0.0"]) {
    const answer = await send(small, `/maintenance/run-all-gc?wait=${wait}`, { group: "acme", body: {} });
    expect(answer.statusCode, wait).toBe(202);
  }
  expect((await send(small, "/maintenance/run-all-gc?wait=-1", { group: "acme", body: {} })).statusCode).toBe(400);
  const after = await send(small, `/audit?after=${Number.MAX_SAFE_INTEGER}`, { group: "acme" });
  expect(after.json().entries).toEqual([]);
});

test("the documentation page loads over http, and from nowhere else", async () => {
  const small = await makeWorld({ worker: false });
  const page = await send(small, "/docs/");
  expect(page.statusCode).toBe(200);
  const policy = String(page.headers["content-security-policy"]);
  expect(policy).not.toMatch(/upgrade-insecure-requests|https?:|\w\.\w|\*/);
  // What the page names is served by this process.
  for (const [, name] of page.body.matchAll(/(?:src|href)="([^"]+)"/g)) {
    const answer = await small.app.inject({ method: "GET", url: new URL(name!, "http://x/docs/").pathname });
    expect(answer.statusCode, name).toBe(200);
  }
});
