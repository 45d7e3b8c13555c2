import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { CONFIG_SCHEMA, loadConfig, policyOf } from "../../src/config/config.ts";
import { ENVIRONMENT } from "../../src/config/environment.ts";
import { GraphkeeperError } from "../../src/core/errors.ts";

const folder = mkdtempSync(join(tmpdir(), "graphkeeper-config-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let files = 0;
function file(content: unknown): string {
  const path = join(folder, `${++files}.json`);
  writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content));
  return path;
}

interface Property {
  type?: string;
  format?: string;
  properties?: Record<string, Property>;
  enum?: string[];
  anyOf?: Property[];
  const?: string;
  items?: Property;
  default?: unknown;
  minimum?: number;
  maximum?: number;
}

/** A value other than the default that the schema takes, and how a variable says it. */
function sampleOf(property: Property, name: string): { text: string; value: unknown } {
  if (property.anyOf) return sampleOf(property.anyOf.at(-1)!, name);
  if (property.const) return { text: property.const, value: property.const };
  if (property.enum) return { text: property.enum.at(-1)!, value: property.enum.at(-1)! };
  if (property.type === "boolean") return { text: String(!property.default), value: !property.default };
  if (property.type === "array") {
    const names = property.items?.enum?.slice(0, 2) ?? ["a", "b"];
    return { text: names.join(", "), value: names };
  }
  if (property.type === "number" || property.type === "integer") {
    const value = Math.min((property.minimum ?? 0) + 7, property.maximum ?? Number.POSITIVE_INFINITY);
    return { text: String(value), value };
  }
  const value = property.format === "uri" ? "https://issuer.example/jwks" : `value of ${name}`;
  return { text: value, value };
}

function refusal(work: () => unknown): { message: string; details: Record<string, unknown> } {
  try {
    work();
  } catch (error) {
    expect(GraphkeeperError.is(error, "INVALID_CONFIG"), String(error)).toBe(true);
    const { message, details } = error as GraphkeeperError;
    return { message, details };
  }
  throw new Error("it was not refused");
}

describe("later sources win: defaults, file, environment, command line", () => {
  const path = file({ data: "file.db", http: { port: 1, host: "file" }, maintenance: { batchSize: 100 } });

  test("each over the one before, key by key", () => {
    expect(loadConfig({})).toEqual(CONFIG_SCHEMA.parse({}));
    expect(loadConfig({}, { file: path })).toMatchObject({
      data: "file.db",
      http: { port: 1, host: "file", bodyLimit: 16_777_216 },
      maintenance: { batchSize: 100, sweepHours: 24 },
    });
    expect(loadConfig({ GRAPHKEEPER_PORT: "2" }, { file: path }).http).toMatchObject({ port: 2, host: "file" });
    const environment = { GRAPHKEEPER_PORT: "2", GRAPHKEEPER_DATA: "environment.db", GRAPHKEEPER_CONFIG: path };
    const config = loadConfig(environment, { overrides: { "http.port": 3, data: undefined } });
    expect(config).toMatchObject({ data: "environment.db", http: { port: 3, host: "file" } });
  });

  test("--config wins over GRAPHKEEPER_CONFIG; empty variables are none", () => {
    const other = file({ data: "other.db" });
    expect(loadConfig({ GRAPHKEEPER_CONFIG: path }, { file: other }).data).toBe("other.db");
    expect(loadConfig({ GRAPHKEEPER_CONFIG: "", GRAPHKEEPER_PORT: "", GRAPHKEEPER_API_KEY: "" })).toEqual(
      loadConfig({}),
    );
  });

  test("every variable reaches its key, with the type of the key", () => {
    const schema = z.toJSONSchema(CONFIG_SCHEMA, { io: "input" }) as Property;
    const samples = Object.entries(ENVIRONMENT).map(([name, key]) => {
      const property = key.split(".").reduce((at, part) => at.properties![part]!, schema);
      return { name, key, ...sampleOf(property, name) };
    });
    const config = loadConfig(Object.fromEntries(samples.map(({ name, text }) => [name, text])));
    for (const { name, key, value } of samples) {
      const at = key.split(".").reduce<unknown>((object, part) => (object as never)[part], config);
      expect(at, name).toEqual(value);
    }
    // Digits stay a text where a text is meant.
    const digits = {
      NEO4J_PASSWORD: "0123",
      GRAPHKEEPER_API_KEY: "12345678",
      GRAPHKEEPER_DATA: "1",
      GRAPHKEEPER_HOST: "0",
    };
    expect(loadConfig(digits)).toMatchObject({
      neo4j: { password: "0123" },
      auth: { apiKey: "12345678" },
      data: "1",
      http: { host: "0" },
    });
  });

  test("a webhook without the secret that signs its messages is refused at the start", () => {
    const url = { GRAPHKEEPER_ALERT_WEBHOOK_URL: "https://hooks.example.com/x" };
    expect(() => loadConfig(url)).toThrow(/alerts\.webhookSecret.*GRAPHKEEPER_ALERT_WEBHOOK_SECRET/);
    expect(loadConfig({ ...url, GRAPHKEEPER_ALERT_WEBHOOK_SECRET: "12345678" }).alerts.webhookSecret).toBe("12345678");
    expect(() => loadConfig({ GRAPHKEEPER_PUBLIC_URL: "graph.example.com" })).toThrow(/http\.publicUrl/);
  });

  test("the policy is in the units that the law speaks", () => {
    expect(policyOf(loadConfig({}))).toEqual({
      restoreWindowMs: 30 * 86_400_000,
      unsupported: "collect",
      graceAgeMs: 86_400_000,
    });
    expect(policyOf(loadConfig({ GRAPHKEEPER_RESTORE_WINDOW_DAYS: "forever" })).restoreWindowMs).toBe(Infinity);
    expect(policyOf(loadConfig({ GRAPHKEEPER_RESTORE_WINDOW_DAYS: "0" })).restoreWindowMs).toBe(0);
  });
});

describe("an unknown name is refused with the nearest right one", () => {
  const cases: [content: object, field: string, suggestion: string][] = [
    [{ dta: "x" }, "dta", "data"],
    [{ http: { prot: 1 } }, "http.prot", "http.port"],
    [{ policy: { restoreWindowDay: 1 } }, "policy.restoreWindowDay", "policy.restoreWindowDays"],
    [{ maintenace: {} }, "maintenace", "maintenance"],
    // Three levels deep, where required keys are missing as well.
    [{ auth: { jwt: { isuer: "x" } } }, "auth.jwt.isuer", "auth.jwt.issuer"],
  ];
  test.each(cases)("%j", (content, field, suggestion) => {
    const { message, details } = refusal(() => loadConfig({}, { file: file(content) }));
    expect(message).toBe(`There is no configuration key ${field}. Did you mean ${suggestion}?`);
    expect(details).toEqual({ field, suggestion });
  });

  test("nothing near: all that there is", () => {
    const { message } = refusal(() => loadConfig({}, { file: file({ log: { verbosity: "high" } }) }));
    expect(message).toBe("There is no configuration key log.verbosity. Known are log.level.");
    expect(refusal(() => loadConfig({}, { file: file('{"__proto__":{"port":1}}') })).message).toContain("__proto__");
  });

  test("variables that begin with GRAPHKEEPER_; others are none of ours", () => {
    const { message, details } = refusal(() => loadConfig({ GRAPHKEEPER_PROT: "1" }));
    expect(message).toBe("There is no environment variable GRAPHKEEPER_PROT. Did you mean GRAPHKEEPER_PORT?");
    expect(details).toEqual({ field: "GRAPHKEEPER_PROT", suggestion: "GRAPHKEEPER_PORT" });
    expect(loadConfig({ NEO4J_HOME: "/opt", PORT: "x", constructor: "x", toString: "y" } as never)).toEqual(
      loadConfig({}),
    );
  });
});

describe("a wrong value is refused by its key, and by the variable that set it", () => {
  const cases: [environment: Record<string, string>, content: unknown, message: RegExp][] = [
    [{ GRAPHKEEPER_PORT: "http" }, {}, /^http\.port \(GRAPHKEEPER_PORT\): .*expected number/],
    [{ GRAPHKEEPER_PORT: "65536" }, {}, /^http\.port \(GRAPHKEEPER_PORT\): .*65535/],
    [{ GRAPHKEEPER_PORT: "80.5" }, {}, /^http\.port \(GRAPHKEEPER_PORT\): .*int/],
    [{ GRAPHKEEPER_AFTER_EVENTS: "yes" }, {}, /^maintenance\.afterEvents \(GRAPHKEEPER_AFTER_EVENTS\): .*boolean/],
    [{ GRAPHKEEPER_UNSUPPORTED: "drop" }, {}, /^policy\.unsupported \(GRAPHKEEPER_UNSUPPORTED\): .*"keep"\|"collect"/],
    [{ GRAPHKEEPER_RESTORE_WINDOW_DAYS: "-1" }, {}, /^policy\.restoreWindowDays .*>=0/],
    [{ GRAPHKEEPER_RESTORE_WINDOW_DAYS: "ever" }, {}, /^policy\.restoreWindowDays .*0 to 36500 days, or "forever"/],
    [{ GRAPHKEEPER_API_KEY: "short" }, {}, /^auth\.apiKey \(GRAPHKEEPER_API_KEY\): .*8/],
    [{ GRAPHKEEPER_JWT_ISSUER: "x" }, {}, /^auth\.jwt\.audience: .*expected string/],
    [{}, { http: { port: "8000" } }, /^http\.port: .*expected number, received string/],
    [{}, { maintenance: { batchSize: 1e9 } }, /^maintenance\.batchSize: /],
    [{}, { http: 5 }, /^http: .*expected object/],
    // What the environment adds does not hide what the file has wrong.
    [{ GRAPHKEEPER_PORT: "1" }, { http: 5 }, /^http: .*expected object/],
    [{}, { data: "" }, /^data: /],
    [{}, { data: null }, /^data: .*null/],
    [{}, [], /cannot be read as JSON: not an object/],
    [{}, "null", /cannot be read as JSON: not an object/],
    [{}, "{oops", /cannot be read as JSON/],
  ];
  test.each(cases)("%j %j", (environment, content, message) => {
    expect(refusal(() => loadConfig(environment, { file: file(content) })).message).toMatch(message);
  });

  test("a value from the command line is not blamed on the environment", () => {
    const refused = refusal(() => loadConfig({ GRAPHKEEPER_PORT: "1" }, { overrides: { "http.port": 70_000 } }));
    expect(refused.message).toMatch(/^http\.port: /);
  });

  test("a secret is never part of the message", () => {
    const secret = "s3cret!";
    expect(refusal(() => loadConfig({ GRAPHKEEPER_API_KEY: secret })).message).not.toContain(secret);
  });
});
