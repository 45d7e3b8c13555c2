import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openApiDocument } from "../../src/http/openapi.ts";
import { ROUTES } from "../../src/http/routes.ts";
import { closeWorlds, expectProblem, fill, makeWorld, type World } from "./world.ts";

/** P11: whatever is sent to whatever path of the contract, the answer is no 5xx and, when an error, a problem. */
const RUNS = process.env.GRAPHKEEPER_LONG ? 20_000 : 1_500;

interface Schema {
  type?: string | string[];
  enum?: unknown[];
  const?: unknown;
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  anyOf?: Schema[];
  oneOf?: Schema[];
}
interface Parameter {
  name: string;
  in: "path" | "query" | "header";
  schema: Schema;
}
interface Operation {
  parameters: Parameter[];
  requestBody?: { content: Record<string, { schema: Schema }> };
}

const KEY = "fuzz-key-0123456789abcdef0123456789";
let world: World;
let run: string;
beforeAll(async () => {
  // Without a worker: what is asked for must not wait.
  world = await makeWorld({ sqlite: true, worker: false, http: { waitMs: 1 }, auth: { staticKey: KEY } });
  await fill(world, "acme", 3);
  run = (await world.graphkeeper.run({ kind: "gc_all", groupId: "acme" })).run.id;
});
afterAll(closeWorlds);

const odd = fc.oneof(
  fc.constantFrom(
    null,
    true,
    -1,
    0,
    1e308,
    "",
    "d0",
    "acme",
    "*",
    "2026-01-01T00:00:00Z",
    "\ud800",
    "\u0000",
    "🚀",
    "__proto__",
    [],
    {},
    [[]],
  ),
  fc.jsonValue({ maxDepth: 3 }),
  fc.string({ unit: "binary", maxLength: 40 }),
);

/** By name: what gets past the first check. `$run` becomes the id of a run. */
const HINTS: Record<string, fc.Arbitrary<unknown>> = {
  expression: fc.constantFrom("0 * * * *", "0 0 2 * * *"),
  time_zone: fc.constantFrom("UTC", "Europe/Berlin"),
  target: fc.constantFrom("stale", { group_id: "acme" }),
  from: fc.constant("01:00"),
  to: fc.constant("05:00"),
  vector: fc.constantFrom([1, 0, 0.5], [0, 1, 0]),
  groups: fc.constantFrom(["*"], ["acme"], ["a*", "b"]),
  documents: fc.constantFrom(["d0"], ["d1", "d2"], ["d0", "nobody"]),
  confirm: fc.constantFrom("d0", "d1,d2"),
  before: fc.constant("2026-01-01T00:00:00Z"),
  wait: fc.constant("0"),
  text_unit: fc.constantFrom("d0/u0", "u"),
  entity: fc.constantFrom("hub", "e-d0"),
  "path id": fc.constantFrom("d0", "d1", "$run", "recompute-daily", "0-1", "new"),
};

/** Values of a schema, now and then not of it. */
function fitting(schema: Schema, name = ""): fc.Arbitrary<unknown> {
  const right = (): fc.Arbitrary<unknown> => {
    const choices = schema.anyOf ?? schema.oneOf;
    if (choices !== undefined) return fc.oneof(...choices.map((choice) => fitting(choice, name)));
    if (schema.const !== undefined) return fc.constant(schema.const);
    if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
    const type = Array.isArray(schema.type) ? schema.type[0] : schema.type;
    switch (type) {
      case "integer":
        return fc.oneof(fc.integer({ min: -2, max: 2_000 }), fc.maxSafeInteger());
      case "number":
        return fc.oneof(fc.integer({ min: -2, max: 3 }), fc.double());
      case "boolean":
        return fc.boolean();
      case "string":
        return fc.oneof(
          fc.constantFrom("d0", "d1", "d0/u0", "e-d0", "hub", "nobody", "0 * * * *", "acme"),
          fc.string({ maxLength: 20 }),
        );
      case "array":
        return fc.array(fitting(schema.items ?? {}, name), { maxLength: 4 });
      case "object": {
        const members = Object.fromEntries(
          Object.entries(schema.properties ?? {}).map(([member, s]) => [member, fitting(s, member)]),
        );
        return fc.record(members, { requiredKeys: schema.required ?? [] });
      }
      default:
        return odd;
    }
  };
  const hint = HINTS[name];
  return fc.oneof(
    { weight: 20, arbitrary: right() },
    { weight: 1, arbitrary: odd },
    { weight: hint === undefined ? 0 : 40, arbitrary: hint ?? odd },
  );
}

const document = openApiDocument(ROUTES, "0") as unknown as { paths: Record<string, Record<string, Operation>> };
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
);

const requests = fc.constantFrom(...operations).chain(({ path, method, operation }) => {
  const of = (where: Parameter["in"]) => operation.parameters.filter((p) => p.in === where);
  const text = (schema: Schema, name: string) =>
    fitting(schema, name).map((value) => (typeof value === "string" ? value : JSON.stringify(value)));
  const content = operation.requestBody?.content ?? {};
  const json = content["application/json"]?.schema;
  const lines = fc.array(
    fitting({
      type: "object",
      properties: {
        kind: { enum: ["document", "text_unit", "entity", "mention", "relationship", "x"] },
        id: { type: "string" },
        name: { type: "string" },
        text: { type: "string" },
        documents: { type: "array", items: { type: "string" } },
      },
    }),
    { maxLength: 5 },
  );
  return fc.record({
    path: fc.constant(path),
    method: fc.constant(method),
    inPath: fc.record(
      Object.fromEntries(
        of("path").map((p) => [
          p.name,
          p.name === "id" && path.startsWith("/groups")
            ? fc.constantFrom("acme", "acme", "fuzz", "a b")
            : text(p.schema, path.endsWith("/events") ? "" : `path ${p.name}`),
        ]),
      ),
    ),
    query: fc.record(Object.fromEntries(of("query").map((p) => [p.name, text(p.schema, p.name)])), {
      requiredKeys: [],
    }),
    group: fc.constantFrom("acme", "acme", "acme", "acme", "nobody", "a/b", undefined),
    key: fc.option(fc.string({ unit: fc.constantFrom(..."abc xyz\u007f"), maxLength: 5 }), { nil: undefined, freq: 5 }),
    body:
      json !== undefined
        ? fitting(json).map((v) => JSON.stringify(v) ?? "")
        : content["application/x-ndjson"]
          ? lines.map((l) => l.map((v) => JSON.stringify(v)).join("\n"))
          : fc.constant(undefined),
    type: fc.constant(json !== undefined ? "application/json" : "application/x-ndjson"),
  });
});

test(`${RUNS} requests made of the contract: never a 5xx, every error a problem, every answer declared`, async () => {
  const seen = new Map<string, number>();
  await fc.assert(
    fc.asyncProperty(requests, async ({ path, method, inPath, query, group, key, body, type }) => {
      const url = path.replace(/\{(\w+)\}/g, (_, name: string) => {
        const part = inPath[name] === "$run" ? run : (inPath[name] ?? "x");
        return encodeURIComponent(part.isWellFormed() && part !== "" ? part : "x");
      });
      const pairs = Object.entries(query as Record<string, string>).filter(([, value]) => value?.isWellFormed());
      const search = new URLSearchParams(pairs).toString();
      const answer = await world.app.inject({
        method: method as "GET",
        url: search === "" ? url : `${url}?${search}`,
        headers: {
          authorization: `Bearer ${KEY}`,
          ...(group === undefined || path.startsWith("/groups") ? {} : { "x-group-id": group }),
          ...(key === undefined ? {} : { "idempotency-key": key }),
          ...(body === undefined ? {} : { "content-type": type }),
        },
        payload: body,
      });
      expect(answer.statusCode, `${method} ${url} ${body}: ${answer.body}`).toBeLessThan(500);
      if (answer.statusCode >= 400) expectProblem(answer);
      else {
        const route = ROUTES.find((r) => r.method === method && r.path === path)!;
        const declared = route.answers[answer.statusCode];
        expect(declared, `${method} ${path} ${answer.statusCode}`).toBeDefined();
        const issues = declared!.schema?.safeParse(answer.json()).error?.issues;
        expect(issues, `${method} ${url}: ${answer.body.slice(0, 300)}`).toBeUndefined();
        seen.set(`${method} ${path}`, (seen.get(`${method} ${path}`) ?? 0) + 1);
      }
    }),
    { numRuns: RUNS, seed: process.env.GRAPHKEEPER_LONG ? undefined : 7 },
  );
  // The fuzzer gets past the checks, too.
  expect(seen.size).toBeGreaterThan(operations.length * 0.6);
  expect(await world.graphkeeper.verify("acme")).toEqual([]);
});
