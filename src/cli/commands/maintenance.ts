import { type Command, InvalidArgumentError, Option } from "commander";
import type { GraphkeeperClient } from "../../client/client.ts";
import { toWire } from "../../core/wire.ts";
import { COLLECTION_KINDS, type JsonObject, SUMMARY_GRADES, type SummaryGrade } from "../../core/words.ts";
import { ENGINES, type EngineName } from "../../maintenance/engine.ts";
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
    .addOption(
      new Option("--engine <engine>", "who computes; gds is the plugin of Neo4j (default: as configured)").choices([
        ...ENGINES,
      ]),
    )
    .action(async (options: { full?: boolean; engine?: EngineName }, self: Command) => {
      const cli = context(self);
      const { engine } = options;
      const results = await runKind(cli, "recompute", {
        ...(options.full && { full: true }),
        ...(engine !== undefined && { engine }),
      });
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
    .option("--grades <grades>", `only these changes, of ${SUMMARY_GRADES.join(",")}`, gradeNames)
    .option("--least-size <members>", "leave smaller communities out", integer)
    .option("--estimate", "also say how many tokens this takes, and how many it saves against a full rebuild")
    .option("--acknowledge", "mark all of them as summarised")
    .action(async (options: ChangedOptions, self: Command) => {
      const cli = context(self);
      // What only reads may read the file beside a server that holds it.
      const server = options.acknowledge ? await cli.server() : cli.namedServer();
      const result = server
        ? await changedOverHttp(server, cli.group, options)
        : await cli.locally(options.acknowledge ? "write" : "read", (graphkeeper) =>
            changedHere(graphkeeper, cli.group, options),
          );
      const { communities: changed, reused, removed, acknowledged } = result;
      const rows = changed.map((c) => [
        str(c.id),
        String(c.level),
        String(c.size),
        String(c.changed_generation),
        [...(c.grades as string[]), ...memberCounts(obj(c.member_diff))].join(" "),
        str(c.hash),
        (c.names as string[]).join(", "),
      ]);
      cli.output.result(result, [
        ...(rows.length > 0
          ? table([["ID", "LEVEL", "MEMBERS", "GENERATION", "CHANGED", "HASH", "NAMES"], ...rows])
          : ["no summary needs writing"]),
        ...reused.map((c) =>
          c.from === null
            ? `${str(c.id)}: what was written for ${str(c.hash)} holds again`
            : `${str(c.id)}: what was written for ${str(c.from)} holds for it`,
        ),
        ...removed.map((c) => `${str(c.id)} is gone: its summary can be thrown away`),
        ...(options.estimate
          ? [
              `about ${count(num(result.tokens), "token")} to read, of ${num(result.tokens_full_rebuild).toLocaleString("en")} for all communities: ${num(result.saved).toLocaleString("en")} saved`,
            ]
          : []),
        ...(options.acknowledge ? [`${acknowledged} acknowledged`] : []),
      ]);
    });
}

interface ChangedOptions {
  since?: number;
  level?: number;
  grades?: SummaryGrade[];
  leastSize?: number;
  estimate?: boolean;
  acknowledge?: boolean;
}
/** All pages in one; `tokens` and what goes with it when they were asked for. */
interface Changed extends JsonObject {
  communities: JsonObject[];
  reused: JsonObject[];
  removed: JsonObject[];
  acknowledged: number;
}

async function changedHere(graphkeeper: Graphkeeper, group: string, options: ChangedOptions): Promise<Changed> {
  const { acknowledge, ...query } = options;
  return allChanged(
    async (cursor) => {
      const page = { ...query, estimate: query.estimate && cursor === undefined, cursor, limit: 1_000 };
      return toWire(await graphkeeper.changedCommunities(group, page)) as JsonObject;
    },
    acknowledge ? (items) => graphkeeper.acknowledge(group, items) : null,
  );
}

async function changedOverHttp(server: GraphkeeperClient, group: string, options: ChangedOptions): Promise<Changed> {
  const { acknowledge, grades, estimate, leastSize, ...rest } = options;
  const query = { ...rest, grades: grades?.join(","), least_size: leastSize };
  return allChanged(
    (cursor) => {
      const page = { ...query, estimate: cursor === undefined ? estimate : undefined, cursor, limit: 1_000 };
      return server.call({ path: "/communities/changed", group, query: page });
    },
    acknowledge
      ? async (communities) => {
          const call = { method: "POST", path: "/communities/acknowledge", group, body: { communities } } as const;
          return num((await server.call(call)).acknowledged);
        }
      : null,
  );
}

async function allChanged(
  pageAt: (cursor: string | undefined) => Promise<JsonObject>,
  acknowledge: ((items: { id: string; hash: string }[]) => Promise<number>) | null,
): Promise<Changed> {
  const {
    communities: found,
    reused: known,
    removed: gone,
    tokens,
    tokens_full_rebuild,
    saved,
    ...first
  } = await pageAt(undefined);
  const communities = list(found);
  const reused = list(known);
  const removed = list(gone);
  for (let cursor = first.next_cursor; typeof cursor === "string"; ) {
    const page = await pageAt(cursor);
    communities.push(...list(page.communities));
    reused.push(...list(page.reused));
    cursor = page.next_cursor;
  }
  let acknowledged = 0;
  const items = [...communities, ...reused, ...removed].map((c) => ({ id: str(c.id), hash: str(c.hash) }));
  for (let i = 0; acknowledge && i < items.length; i += 1_000)
    acknowledged += await acknowledge(items.slice(i, i + 1_000));
  const estimate: JsonObject =
    tokens === undefined ? {} : { tokens, tokens_full_rebuild: num(tokens_full_rebuild), saved: num(saved) };
  return { communities, reused, removed, ...estimate, acknowledged };
}

function memberCounts(diff: JsonObject): string[] {
  if (diff.added === undefined) return [];
  return [`+${num(obj(diff.added).count)}`, `-${num(obj(diff.removed).count)}`];
}

function gradeNames(text: string): SummaryGrade[] {
  return text.split(",").map((name) => {
    const grade = SUMMARY_GRADES.find((known) => known === name.trim());
    if (!grade) throw new InvalidArgumentError(`expected some of ${SUMMARY_GRADES.join(",")}.`);
    return grade;
  });
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
  const kept = num(result.kept);
  return [
    ...table(rows),
    ...(kept > 0 ? [`${kept} kept: nothing recorded of them is live, but what is recorded is a lower bound`] : []),
    `${str(result.group_id)}: ${num(result.deleted)} collected, ${num(result.purged)} purged; ${state}`,
  ];
}

function recomputeLine(result: JsonObject): string {
  return `${str(result.group_id)}: ${count(num(result.communities), "community", "communities")} (${num(result.changed_communities)} changed), modularity ${num(result.modularity).toFixed(4)}, ${count(num(result.edges), "edge")}, ${num(result.duration_ms)} ms (${str(result.mode)}${result.engine === "builtin" ? "" : `, ${str(result.engine)}`}); ${result.fresh ? "fresh" : "stale again: the graph changed meanwhile"}`;
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
