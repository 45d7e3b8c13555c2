import { type Command, Option } from "commander";
import { toWire } from "../../core/wire.ts";
import type { JsonObject } from "../../core/words.ts";
import type { CallOptions } from "../../documents/verbs.ts";
import type { Graphkeeper } from "../../service.ts";
import type { CliContext, MakeContext } from "../context.ts";
import { EXIT } from "../output.ts";
import { count, list, num, obj, str } from "../wire.ts";

interface VerbOptions {
  reason?: string;
  operationId?: string;
  force?: boolean;
  dryRun?: boolean;
  successor?: string;
  confirm?: string;
  certificate?: boolean;
}

/** deprecate, restore, hold, release, readmit, purge, impact */
export function documentCommands(program: Command, context: MakeContext): void {
  for (const [verb, what] of [
    ["deprecate", "hide documents from every reader at once"],
    ["restore", "bring deprecated documents back exactly as they were"],
    ["hold", "put documents under legal hold"],
    ["release", "end the legal hold"],
    ["readmit", "let the ids of purged documents count again, where another writer names them"],
  ] as const) {
    const command = program
      .command(`${verb} <document...>`)
      .description(what)
      .option("--reason <text>", "why, for the audit")
      .option("--operation-id <id>", "the same id again has no second effect")
      .option("--force", "pass the blast-radius guard");
    if (verb === "deprecate") command.option("--successor <document>", "the document that takes their place");
    if (verb === "deprecate" || verb === "restore") command.option("--dry-run", "only say what would happen");
    command.action(async (documents: string[], options: VerbOptions, self: Command) => {
      const cli = context(self);
      if (options.dryRun) return showImpact(cli, verb as "deprecate" | "restore", documents);
      const record = await lifecycle(cli, verb, documents, options);
      cli.output.result(record, recordLines(record));
      leaveWith(record);
    });
  }
  program
    .command("purge <document...>")
    .description("remove documents for good, with a certificate")
    .option("--confirm <documents>", "repeat the ids, joined by commas; without it nothing is purged")
    .option("--reason <text>", "why, for the audit")
    .option("--operation-id <id>", "the same id again has no second effect")
    .option("--force", "pass the blast-radius guard")
    .option("--dry-run", "only say what would happen")
    .option("--no-certificate", "leave out the scan that proves the erasure")
    .action(async (documents: string[], options: VerbOptions, self: Command) => {
      const cli = context(self);
      if (options.dryRun) return showImpact(cli, "purge", documents);
      const result = await purge(cli, documents, options);
      const certificate = obj(result.certificate);
      const lines = recordLines(obj(result.operation));
      if (result.certificate) {
        for (const check of list(certificate.checks))
          lines.push(`  ${str(check.check)}: ${num(check.found)} found in ${num(check.scanned).toLocaleString("en")}`);
        lines.push(`certificate ${str(certificate.hash)}${certificate.complete ? "" : " INCOMPLETE"}`);
      }
      cli.output.result(result, lines);
      leaveWith(obj(result.operation));
      if (result.certificate && !certificate.complete) process.exitCode = EXIT.findings;
    });
  program
    .command("impact <document...>")
    .description("what deprecating (or --verb purge, restore) would do")
    .addOption(
      new Option("--verb <verb>", "which verb").choices(["deprecate", "restore", "purge"]).default("deprecate"),
    )
    .action((documents: string[], options: { verb: "deprecate" | "restore" | "purge" }, self: Command) =>
      showImpact(context(self), options.verb, documents),
    );
}

type LifecycleVerb = "deprecate" | "restore" | "hold" | "release" | "readmit";

async function lifecycle(
  cli: CliContext,
  verb: LifecycleVerb,
  documents: string[],
  options: VerbOptions,
): Promise<JsonObject> {
  const server = await cli.server();
  if (server) {
    return server.call({
      method: "POST",
      path: "/documents/bulk",
      group: cli.group,
      idempotencyKey: options.operationId,
      body: { verb, documents, reason: options.reason, successor: options.successor, force: options.force },
    });
  }
  return cli.locally("write", async (graphkeeper) => {
    const record = await graphkeeper[verb](cli.group, documents, {
      ...callOptions(cli, options),
      successor: options.successor,
    });
    return toWire(record) as JsonObject;
  });
}

async function purge(cli: CliContext, documents: string[], options: VerbOptions): Promise<JsonObject> {
  const server = await cli.server();
  const body = { confirm: options.confirm, reason: options.reason, force: options.force, certify: options.certificate };
  if (server) {
    const single = documents.length === 1;
    return server.call({
      method: "POST",
      path: single ? `/documents/${encodeURIComponent(documents[0]!)}/purge` : "/documents/bulk",
      group: cli.group,
      idempotencyKey: options.operationId,
      body: single ? body : { verb: "purge", documents, ...body },
    });
  }
  return cli.locally("write", async (graphkeeper) => {
    const result = await graphkeeper.purge(cli.group, documents, {
      ...callOptions(cli, options),
      confirm: options.confirm,
      certify: options.certificate,
    });
    return toWire(result) as JsonObject;
  });
}

function callOptions(cli: CliContext, options: VerbOptions): CallOptions {
  return {
    operationId: options.operationId,
    actor: "cli",
    reason: options.reason,
    force: options.force,
    signal: cli.signal,
    onBatch: (record) => cli.output.progress("text units", record.effect.textUnits),
  };
}

async function showImpact(
  cli: CliContext,
  verb: Parameters<Graphkeeper["impact"]>[1],
  documents: string[],
): Promise<void> {
  const server = await cli.server();
  const impact = server
    ? await server.call({
        method: "POST",
        path: "/documents/bulk",
        group: cli.group,
        body: { verb, documents, dry_run: true, ...(verb === "purge" && { confirm: documents.join(",") }) },
      })
    : await cli.locally(
        "read",
        async (graphkeeper) => toWire(await graphkeeper.impact(cli.group, verb, documents)) as JsonObject,
      );
  const part = (name: string) => obj(impact[name]);
  cli.output.result(impact, [
    `${verb} ${count(documents.length, "document")} would touch`,
    `  ${count(num(part("text_units").count), "text unit")} (${num(part("text_units").shared)} more are shared and stay)`,
    `  ${count(num(part("entities").count), "entity", "entities")} of ${num(impact.live_entities).toLocaleString("en")} live (${num(part("entities").shared)} more are shared and stay)`,
    `  ${count(num(part("relationships").count), "relationship")}, ${count(num(impact.vectors), "vector")}`,
    ...keptLine(obj(impact.kept)),
    `  ${count((impact.communities as unknown[]).length, "community", "communities")}`,
    impact.exceeds_guard
      ? "  more than the blast-radius guard allows: needs --force"
      : "  within the blast-radius guard",
  ]);
}

function keptLine(kept: JsonObject): string[] {
  const [entities, relationships] = [num(kept.entities), num(kept.relationships)];
  if (entities + relationships === 0) return [];
  return [
    `  ${count(entities, "entity", "entities")} and ${count(relationships, "relationship")} stay although nothing recorded of them would be live: what is recorded is a lower bound`,
  ];
}

/** Part of the documents was not there, or on hold: the others are done, and a script must be able to see it. */
function leaveWith(record: JsonObject): void {
  const outcomes = new Set(list(record.outcomes).map((o) => o.outcome));
  if (outcomes.has("on_hold")) process.exitCode = EXIT.refused;
  else if (outcomes.has("not_found")) process.exitCode = EXIT.notFound;
}

function recordLines(record: JsonObject): string[] {
  const outcomes = list(record.outcomes);
  const lines = outcomes.slice(0, 20).map((o) => `${str(o.id)}: ${str(o.outcome)}`);
  if (outcomes.length > 20) lines.push(`… and ${outcomes.length - 20} more`);
  const effect = obj(record.effect);
  lines.push(
    `${count(num(effect.text_units), "text unit")}, ${count(num(effect.entities), "entity", "entities")}, ${count(num(effect.relationships), "relationship")}, ${count(num(effect.vectors), "vector")} changed; generation ${num(record.generation)}${record.replayed ? " (replayed: no second effect)" : ""}`,
  );
  return lines;
}
