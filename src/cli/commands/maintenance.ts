import { type Command, Option } from "commander";
import type { GraphkeeperClient } from "../../client/client.ts";
import { communityHash } from "../../core/ports.ts";
import { toWire } from "../../core/wire.ts";
import { COLLECTION_KINDS, type JsonObject } from "../../core/words.ts";
import type { RunKind } from "../../maintenance/handler.ts";
import type { Graphkeeper } from "../../service.ts";
import type { CliContext, MakeContext } from "../context.ts";
import { EXIT } from "../output.ts";
import { count, integer, list, num, obj, str, table } from "../wire.ts";
import { runKind } from "./run-kind.ts";

/** gc, recompute, stale, health, communities */
export function maintenanceCommands(program: Command, context: MakeContext): void {
  program
    .command("gc")
    .description("collect what no active document reaches any more")
    .addOption(new Option("--kind <kind>", "only this kind").choices([...COLLECTION_KINDS]))
    .option("--dry-run", "only say what would go")
    .option("--sweep", "look at everything, not only at what changed")
    .action(async (options: { kind?: RunKind; dryRun?: boolean; sweep?: boolean }, self: Command) => {
      const cli = context(self);
      const params: JsonObject = { ...(options.dryRun && { dry_run: true }), ...(options.sweep && { sweep: true }) };
      const results = await runKind(cli, options.kind ?? "gc_all", params);
      show(cli, results, collectionLines);
    });
  program
    .command("recompute")
    .description("bring similarity edges, communities and ranks up to date")
    .option("--full", "from the start, without the state of the last run")
    .action(async (options: { full?: boolean }, self: Command) => {
      const cli = context(self);
      const results = await runKind(cli, "recompute", options.full ? { full: true } : {});
      show(cli, results, (result) => [recomputeLine(result)]);
    });
  program
    .command("stale")
    .description("groups whose collection or analytics lag behind")
    .action(async (_options: object, self: Command) => {
      const cli = context(self);
      const page = await staleGroups(cli);
      const rows = list(page.groups).map((g) => [
        str(g.group_id),
        g.needs_gc ? "gc" : "-",
        g.needs_gds_recompute ? "recompute" : "-",
        `since ${str(g.stale_since)}`,
      ]);
      cli.output.result(page, rows.length > 0 ? table([["GROUP", "NEEDS", "", "STALE"], ...rows]) : "nothing is stale");
    });
  program
    .command("health")
    .description("state of a group: counts, staleness, last runs")
    .action(async (_options: object, self: Command) => {
      const cli = context(self);
      const server = await cli.server();
      const health = server
        ? await server.call({ path: "/maintenance/health", group: cli.group })
        : await cli.locally("read", async (graphkeeper) => toWire(await graphkeeper.health(cli.group)) as JsonObject);
      cli.output.result(health, healthLines(health));
    });
  communityCommands(program, context);
}

function communityCommands(program: Command, context: MakeContext): void {
  const communities = program.command("communities").description("communities, and which summaries to write again");
  communities
    .command("changed")
    .description("communities whose members, edges or texts changed since they were acknowledged")
    .option("--since <generation>", "changed after this generation, acknowledged or not", integer)
    .option("--level <level>", "0 = finest", integer)
    .option("--acknowledge", "mark all of them as summarised")
    .action(async (options: { since?: number; level?: number; acknowledge?: boolean }, self: Command) => {
      const cli = context(self);
      // What only reads may read the file beside a server that holds it.
      const server = options.acknowledge ? await cli.server() : cli.namedServer();
      const { communities: changed, acknowledged } = server
        ? await changedOverHttp(server, cli.group, options)
        : await cli.locally(options.acknowledge ? "write" : "read", (graphkeeper) =>
            changedHere(graphkeeper, cli.group, options),
          );
      const rows = changed.map((c) => [
        str(c.id),
        String(c.level),
        String(c.size),
        String(c.changed_generation),
        str(c.hash),
      ]);
      cli.output.result({ communities: changed, acknowledged }, [
        ...(rows.length > 0
          ? table([["ID", "LEVEL", "MEMBERS", "GENERATION", "HASH"], ...rows])
          : ["no summary needs writing"]),
        ...(options.acknowledge ? [`${acknowledged} acknowledged`] : []),
      ]);
    });
}

interface ChangedOptions {
  since?: number;
  level?: number;
  acknowledge?: boolean;
}
interface Changed {
  communities: JsonObject[];
  acknowledged: number;
}

async function changedHere(graphkeeper: Graphkeeper, group: string, options: ChangedOptions): Promise<Changed> {
  const communities: JsonObject[] = [];
  let cursor: string | undefined;
  do {
    const { since, level } = options;
    const page = await graphkeeper.communities(group, {
      since,
      level,
      unacknowledged: since === undefined,
      cursor,
      limit: 1_000,
    });
    communities.push(...page.items.map((c) => toWire({ ...c, hash: communityHash(c) }) as JsonObject));
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined);
  const items = communities.map((c) => ({ id: str(c.id), hash: str(c.hash) }));
  return { communities, acknowledged: options.acknowledge ? await graphkeeper.acknowledge(group, items) : 0 };
}

async function changedOverHttp(server: GraphkeeperClient, group: string, options: ChangedOptions): Promise<Changed> {
  const communities: JsonObject[] = [];
  const { since, level } = options;
  for await (const community of server.pages(
    { path: "/communities/changed", group, query: { since, level } },
    "communities",
  )) {
    communities.push(community);
  }
  let acknowledged = 0;
  for (let i = 0; options.acknowledge && i < communities.length; i += 1_000) {
    const items = communities.slice(i, i + 1_000).map((c) => ({ id: c.id!, hash: c.hash! }));
    const answer = await server.call({
      method: "POST",
      path: "/communities/acknowledge",
      group,
      body: { communities: items },
    });
    acknowledged += num(answer.acknowledged);
  }
  return { communities, acknowledged };
}

/** The result of the one group that was asked for, or the list of all stale ones. */
function show(cli: CliContext, results: JsonObject[], describe: (result: JsonObject) => string[]): void {
  const lines = results.flatMap((result) =>
    result.status === "succeeded"
      ? describe(result)
      : [`${str(result.group_id)}: ${str(result.status)}: ${str(obj(result.error).message ?? result.reason)}`],
  );
  cli.output.result(
    cli.optionalGroup ? results[0] : { groups: results },
    lines.length > 0 ? lines : "nothing to do: no group is stale",
  );
  if (results.some((result) => result.status === "failed")) process.exitCode = EXIT.failed;
}

async function staleGroups(cli: CliContext): Promise<JsonObject> {
  const server = await cli.server();
  if (server) {
    const groups: JsonObject[] = [];
    for await (const group of server.pages({ path: "/maintenance/admin/groups/stale" }, "groups")) groups.push(group);
    return { groups, next_cursor: null };
  }
  return cli.locally("read", async (graphkeeper) => {
    const groups = [];
    let cursor: string | undefined;
    do {
      const page = await graphkeeper.staleGroups({ cursor, limit: 500 });
      groups.push(...page.groups);
      cursor = page.nextCursor ?? undefined;
    } while (cursor !== undefined);
    return toWire({ groups, nextCursor: null }) as JsonObject;
  });
}

function collectionLines(result: JsonObject): string[] {
  const rows = Object.entries(obj(result.jobs)).map(([kind, value]) => {
    const job = obj(value);
    return [
      kind,
      `${num(job.deleted)} collected`,
      `${num(job.purged)} purged`,
      `${num(job.examined)} examined`,
      `${num(job.duration_ms)} ms`,
    ];
  });
  const state = result.dry_run
    ? "dry run: nothing was changed"
    : result.fresh
      ? "collection is up to date"
      : "something is left: run it again";
  return [
    ...table(rows),
    `${str(result.group_id)}: ${num(result.deleted)} collected, ${num(result.purged)} purged; ${state}`,
  ];
}

function recomputeLine(result: JsonObject): string {
  return `${str(result.group_id)}: ${count(num(result.communities), "community", "communities")} (${num(result.changed_communities)} changed), modularity ${num(result.modularity).toFixed(4)}, ${count(num(result.edges), "edge")}, ${num(result.duration_ms)} ms (${str(result.mode)}); ${result.fresh ? "fresh" : "stale again: the graph changed meanwhile"}`;
}

function healthLines(health: JsonObject): string[] {
  const counts = obj(health.counts);
  const part = (name: string) => obj(counts[name]);
  return [
    `${str(health.group_id)}: ${str(health.status)}, generation ${num(health.generation)}`,
    `  documents      ${num(part("documents").active)} active, ${num(part("documents").deprecated)} deprecated`,
    `  text units     ${num(part("text_units").live)} live, ${num(part("text_units").parked)} parked`,
    `  entities       ${num(part("entities").live)} live, ${num(part("entities").parked)} parked`,
    `  relationships  ${num(part("relationships").live)} live, ${num(part("relationships").parked)} parked`,
    `  vectors        ${num(part("vectors").searchable)} searchable, ${num(part("vectors").parked)} parked`,
    `  analytics      ${num(counts.similarity_edges)} similarity edges, ${num(counts.communities)} communities; ${health.gds_stale ? `stale since ${str(health.stale_since)}` : "fresh"}`,
    `  collection     ${health.needs_gc ? "waits" : "up to date"}`,
    ...list(health.findings).map((finding) => `  ! ${str(finding)}`),
  ];
}
