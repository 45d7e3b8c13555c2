import { readFileSync } from "node:fs";
import { z } from "zod";
import { GraphkeeperError } from "../core/errors.ts";
import { nearestName } from "../core/names.ts";
import { type Json, type JsonObject, PARKING_MODES, type Policy, SUMMARY_GRADES } from "../core/words.ts";
import { ENVIRONMENT, OTHER_VARIABLES } from "./environment.ts";

const DAY_MS = 24 * 60 * 60 * 1_000;

/**
 * The whole configuration. Sources, later ones win: defaults, the file (`--config`, `GRAPHKEEPER_CONFIG`), the
 * environment (`ENVIRONMENT` names the variable of each key), the command line. A wrong or unknown key stops the start.
 */
export const CONFIG_SCHEMA = z.strictObject({
  /** The data file of the embedded store. */
  data: z.string().min(1).default("graphkeeper.db"),
  installation: z
    .strictObject({
      /** The file of the installation's key; default: the name of the data file with `.key`. Made when missing. */
      keyFile: z.string().min(1).optional(),
      /** The key itself instead of a file, for secret stores and for several processes on one database. */
      key: z.string().min(8).optional(),
    })
    .prefault({}),
  audit: z
    .strictObject({
      /** Signed heads of the audit chains are appended to it; default: the name of the data file with `.anchors`; "none" = no file. */
      anchorFile: z.string().min(1).optional(),
      /** Where each anchor is posted as well, signed with the secret (Standard Webhooks). */
      anchorWebhookUrl: z.url().optional(),
      anchorWebhookSecret: z.string().min(8).optional(),
      /** Minutes between two anchors of the service; commands anchor when they end. */
      anchorMinutes: z.number().min(0.01).max(1_440).default(5),
    })
    .refine((audit) => audit.anchorWebhookUrl === undefined || audit.anchorWebhookSecret !== undefined, {
      path: ["anchorWebhookSecret"],
      error: "a webhook needs the secret with which its messages are signed (GRAPHKEEPER_AUDIT_ANCHOR_WEBHOOK_SECRET)",
    })
    .prefault({}),
  http: z
    .strictObject({
      host: z.string().min(1).default("127.0.0.1"),
      port: z.int().min(0).max(65_535).default(8000),
      /** Where people reach the service, such as https://graph.example.com: what links in alerts begin with. */
      publicUrl: z.url({ protocol: /^https?$/ }).optional(),
      /** Largest JSON body, in bytes. */
      bodyLimit: z.int().min(1_024).default(16_777_216),
      /** How long a call waits for its run before it answers 202, in seconds. */
      waitSeconds: z.number().min(0).max(3_600).default(240),
      /** Calls a minute of one key, and in one group over all keys, in this process; 5 % of them may come at once. 0 = no limit. */
      callsPerMinutePerKey: z.int().min(0).default(300_000),
      callsPerMinutePerGroup: z.int().min(0).default(300_000),
      /** Open connections in all, at most 100 below what the process may open; more are refused. */
      maxConnections: z.int().min(16).default(1_000),
      /** Of one address. Behind a proxy all calls come from the proxy's. */
      maxConnectionsPerAddress: z.int().min(8).default(400),
    })
    .prefault({}),
  auth: z
    .strictObject({
      /** A static key with the role admin. */
      apiKey: z.string().min(8).optional(),
      /** Failed attempts a minute of one address. */
      failuresPerMinute: z.int().min(1).default(10),
      jwt: z.strictObject({ issuer: z.string(), audience: z.string(), jwksUrl: z.url() }).optional(),
    })
    .prefault({}),
  policy: z
    .strictObject({
      /** Days for which a deprecated document can be restored; 0 = purge at the next collection, "forever" = never. */
      restoreWindowDays: z
        .union([z.number().min(0).max(36_500), z.literal("forever")], {
          error: 'Invalid input: expected 0 to 36500 days, or "forever"',
        })
        .default(30),
      unsupported: z.enum(["keep", "collect"]).default("collect"),
      graceHours: z.number().min(0).default(24),
    })
    .prefault({}),
  maintenance: z
    .strictObject({
      /** Candidates per transaction. */
      batchSize: z.int().min(10).max(1_000).default(500),
      /** Hours between two full sweeps of a group. */
      sweepHours: z.number().positive().default(24),
      /** Most memory of a recompute, in MB. */
      memoryMb: z.int().min(64).default(2_048),
      /** Who computes a recompute: "gds" is the Graph Data Science plugin of Neo4j, "auto" takes it for large groups where it is installed. */
      engine: z.enum(["auto", "builtin", "gds"]).default("auto"),
      /** Live entities of a group above which "auto" leaves the recompute to the plugin. */
      gdsThreshold: z.int().min(0).default(500_000),
      /** Longest recompute, in seconds. */
      timeBudgetSeconds: z.number().positive().max(86_400).default(3_600),
      k: z.int().min(1).max(100).default(5),
      cutoff: z.number().min(-1).max(1).default(0.6),
      resolution: z.number().positive().default(1),
      seed: z.int().min(1).default(1),
      /** Ask for a collection after lifecycle calls: when it has been quiet for a while, at the latest after maxWait. */
      afterEvents: z.boolean().default(true),
      quietSeconds: z.number().min(0).default(30),
      maxWaitSeconds: z.number().min(0).default(600),
      /** Slow down while a small canary query takes longer than usual; "auto" = where the graph is in a database. */
      throttle: z.enum(["auto", "on", "off"]).default("auto"),
      /** Heavy runs (recomputes) at once, over all processes. */
      heavyRuns: z.int().min(1).default(1),
    })
    .prefault({}),
  summaries: z
    .strictObject({
      /** Changes that call for a new summary of a community; others are listed only when asked for. */
      grades: z
        .array(z.enum(SUMMARY_GRADES))
        .min(1)
        .default([...SUMMARY_GRADES]),
      /** Members below which a community is not listed as a summary to write, unless asked for. */
      leastSize: z.int().min(1).default(2),
    })
    .prefault({}),
  jobs: z.strictObject({ postgresUrl: z.string().min(1).optional() }).prefault({}),
  neo4j: z
    .strictObject({
      uri: z.string().min(1).optional(),
      username: z.string().default("neo4j"),
      password: z.string().default(""),
      database: z.string().min(1).optional(),
      /** How the writer of the graph lays it out: the name of a ready profile, or a JSON file. */
      profile: z.string().min(1).default("native"),
      /** Overrides the profile's way to hide what is deprecated. */
      parking: z.enum(PARKING_MODES).optional(),
      /** For profiles whose labels carry the tenant. */
      tenant: z.string().default(""),
    })
    .prefault({}),
  metrics: z
    .strictObject({
      /** How many groups `/metrics` names by label; 0 = none: groups are tenants. */
      groupLabels: z.int().min(0).max(1_000).default(0),
    })
    .prefault({}),
  alerts: z
    .strictObject({
      /** Where alerts that begin and end are posted, signed with the secret (Standard Webhooks). */
      webhookUrl: z.url().optional(),
      webhookSecret: z.string().min(8).optional(),
    })
    // Alone it would send nothing, or what nobody can check; that is found at the start and not when an alert is due.
    .refine(({ webhookUrl, webhookSecret }) => webhookUrl === undefined || webhookSecret !== undefined, {
      path: ["webhookSecret"],
      error: "a webhook needs the secret with which its messages are signed (GRAPHKEEPER_ALERT_WEBHOOK_SECRET)",
    })
    .prefault({}),
  log: z
    .strictObject({ level: z.enum(["silent", "fatal", "error", "warn", "info", "debug", "trace"]).default("info") })
    .prefault({}),
});
export type Config = z.infer<typeof CONFIG_SCHEMA>;

/**
 * Reads and checks the configuration.
 *
 * @param overrides keys from the command line, as dotted paths
 * @throws GraphkeeperError `INVALID_CONFIG` that names the key, and the nearest right one for an unknown one
 */
export function loadConfig(
  environment: NodeJS.ProcessEnv,
  options: { file?: string; overrides?: Record<string, unknown> } = {},
): Config {
  const raw: Record<string, unknown> = readFile(options.file ?? environment.GRAPHKEEPER_CONFIG);
  for (const [variable, value] of Object.entries(environment)) {
    if (value === undefined || value === "") continue;
    const key = Object.hasOwn(ENVIRONMENT, variable) ? ENVIRONMENT[variable] : undefined;
    if (key !== undefined) setPath(raw, key, parseVariable(value, key));
    else if (variable.startsWith("GRAPHKEEPER_") && !OTHER_VARIABLES.has(variable)) {
      throw unknownKey(variable, [...Object.keys(ENVIRONMENT), ...OTHER_VARIABLES], "environment variable");
    }
  }
  for (const [key, value] of Object.entries(options.overrides ?? {})) if (value !== undefined) setPath(raw, key, value);
  const parsed = CONFIG_SCHEMA.safeParse(raw);
  if (parsed.success) return parsed.data;
  // A misspelt key is also a missing one; the misspelling is what helps.
  const { issues } = parsed.error;
  const issue = issues.find((i) => i.code === "unrecognized_keys") ?? issues[0]!;
  if (issue.code === "unrecognized_keys") {
    throw unknownKey([...issue.path, issue.keys[0]].join("."), knownKeys(issue.path), "configuration key");
  }
  const field = issue.path.join(".");
  const variable = Object.keys(ENVIRONMENT).find((name) => ENVIRONMENT[name] === field && environment[name]);
  const where = variable === undefined || options.overrides?.[field] !== undefined ? field : `${field} (${variable})`;
  throw new GraphkeeperError("INVALID_CONFIG", `${where}: ${issue.message}.`, { field });
}

export function policyOf(config: Config): Policy {
  const { restoreWindowDays, unsupported, graceHours } = config.policy;
  return {
    restoreWindowMs: restoreWindowDays === "forever" ? Number.POSITIVE_INFINITY : restoreWindowDays * DAY_MS,
    unsupported,
    graceAgeMs: graceHours * 3_600_000,
  };
}

/** Values that are secrets, or addresses that may hold one. */
const SECRET =
  /^(installation\.key|auth\.apiKey|neo4j\.(password|uri)|jobs\.postgresUrl|alerts\.webhook(Url|Secret)|audit\.anchorWebhook(Url|Secret))$/;

/** What was configured, for a record: of a secret it says only that it is there. */
export function withoutSecrets(config: object, at = ""): JsonObject {
  const shown = Object.entries(config).map(([name, value]): [string, Json] => {
    const path = at === "" ? name : `${at}.${name}`;
    if (SECRET.test(path)) return [name, value === undefined || value === "" ? null : "(set)"];
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    return [name, isObject ? withoutSecrets(value, path) : (value as Json)];
  });
  return Object.fromEntries(shown);
}

function readFile(path: string | undefined): Record<string, unknown> {
  if (path === undefined || path === "") return {};
  try {
    const value: unknown = JSON.parse(readFileSync(path, "utf8"));
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
    throw new SyntaxError("not an object");
  } catch (error) {
    throw new GraphkeeperError(
      "INVALID_CONFIG",
      `${path} cannot be read as JSON: ${(error as Error).message}.`,
      { field: "config" },
      error,
    );
  }
}

/** Keys whose values are numbers or booleans are written as such in the environment. */
function parseVariable(text: string, key: string): unknown {
  if (
    /^(neo4j|auth\.(apiKey|jwt)|jobs|alerts|installation|audit\.anchor(File|WebhookUrl|WebhookSecret))\b|^(data|http\.(host|publicUrl))$/.test(
      key,
    )
  )
    return text;
  if (key === "summaries.grades") return text.split(",").map((grade) => grade.trim());
  if (text === "true" || text === "false") return text === "true";
  return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
}

function setPath(target: Record<string, unknown>, path: string, value: unknown): void {
  const parts = path.split(".");
  let at = target;
  for (const part of parts.slice(0, -1)) {
    at[part] ??= {};
    // A file's wrong value stays, for the check that follows to name it.
    if (typeof at[part] !== "object") return;
    at = at[part] as Record<string, unknown>;
  }
  at[parts.at(-1)!] = value;
}

/** Dotted names of the keys below a place. */
function knownKeys(path: PropertyKey[]): string[] {
  interface Level {
    properties?: Record<string, Level>;
  }
  let level: Level | undefined = z.toJSONSchema(CONFIG_SCHEMA, { io: "input" }) as Level;
  for (const part of path) level = level?.properties?.[String(part)];
  return Object.keys(level?.properties ?? {}).map((key) => [...path, key].join("."));
}

function unknownKey(key: string, known: string[], what: string): GraphkeeperError {
  const near = nearestName(key, known);
  const hint = near ? `Did you mean ${near}?` : `Known are ${known.join(", ")}.`;
  return new GraphkeeperError("INVALID_CONFIG", `There is no ${what} ${key}. ${hint}`, {
    field: key,
    suggestion: near,
  });
}
