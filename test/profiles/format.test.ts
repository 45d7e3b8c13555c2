import { readFileSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { GraphkeeperError } from "../../src/core/errors.ts";
import { checkProfile, profileJsonSchema } from "../../src/profiles/format.ts";
import { native, PROFILES, profileByName } from "../../src/profiles/index.ts";
import { Shapes } from "../../src/stores/neo4j/shapes.ts";
import { IMPORT_ONLY } from "../../src/stores/neo4j/statements/catalogue.ts";
import { statementsFor } from "../../src/stores/neo4j/statements/index.ts";
import { statementsTable } from "../../src/stores/neo4j/statements/table.ts";

const file = new URL("../../src/profiles/profile.schema.json", import.meta.url);

test("profile.schema.json is the JSON Schema of the format (GRAPHKEEPER_UPDATE=1 writes it)", () => {
  const schema = profileJsonSchema();
  if (process.env.GRAPHKEEPER_UPDATE === "1") writeFileSync(file, `${JSON.stringify(schema, null, 2)}\n`);
  expect(JSON.parse(readFileSync(file, "utf8"))).toEqual(schema);
});

test("every ready profile is valid, by its name", () => {
  for (const name of Object.keys(PROFILES)) {
    const profile = profileByName(`${name}:acme`);
    expect(checkProfile(profile).name).toBe(name);
  }
  expect(profileByName("lightrag:acme")?.tenant).toMatchObject({ label: "acme", group: "acme" });
  expect(profileByName("nobody's")).toBe(undefined);
  expect(profileByName("constructor")).toBe(undefined);
});

test("names that are not names are refused before they reach a statement", () => {
  const hostile = [
    "a`b",
    "x`) DETACH DELETE n //",
    "a\u0060",
    "",
    "1a",
    "a\nb",
    "a{",
    "\\u0060",
    "a".repeat(200),
    "a'b",
    'a"b',
    "a$b",
  ];
  for (const label of hostile) {
    const profile = { ...native, entities: { ...native.entities, label } };
    expect(() => checkProfile(profile), JSON.stringify(label)).toThrow(GraphkeeperError);
    expect(() => checkProfile({ ...native, tenant: { by: "property", property: label } })).toThrow(/tenant/);
  }
});

test("a misfit of owner and documents is refused, and so is what the format does not know", () => {
  expect(() => checkProfile({ ...native, documents: { as: "unit" } })).toThrow(/owner/);
  expect(() => checkProfile({ ...native, documents: { as: "property" } })).toThrow(/owner/);
  expect(() => checkProfile({ ...native, nonsense: 1 })).toThrow(/nonsense/);
  expect(() => checkProfile({ ...native, mentions: { ...native.mentions, trust: "maybe" } })).toThrow(/mentions/);
});

test("every statement of every profile names the group, but for those that list groups", () => {
  const without = new Set<string>();
  for (const name of Object.keys(PROFILES)) {
    for (const mode of ["label", "park", "swap"] as const) {
      const profile = checkProfile(profileByName(`${name}:acme`));
      for (const [key, statement] of Object.entries(statementsFor(new Shapes(profile, mode)))) {
        // What only our own import sends is never sent for other writers' graphs.
        if (!profile.imports && IMPORT_ONLY.has(key)) continue;
        if (!statement.includes("$group")) without.add(key);
      }
    }
  }
  expect([...without].sort()).toEqual(["listGroups", "unfinished"]);
});

test("docs/neo4j-statements.md is generated from the statements (node bench/neo4j/statements.ts)", () => {
  const text = readFileSync(new URL("../../docs/neo4j-statements.md", import.meta.url), "utf8");
  expect(text).toBe(statementsTable());
});
