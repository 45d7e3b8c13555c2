import { type Command, Option } from "commander";
import { toWire } from "../../core/wire.ts";
import type { JsonObject } from "../../core/words.ts";
import { parseCron } from "../../jobs/cron/parse.ts";
import type { ScheduleInput } from "../../jobs/schedules.ts";
import type { Graphkeeper } from "../../service.ts";
import type { CliContext, MakeContext } from "../context.ts";
import { EXIT } from "../output.ts";
import { integer, list, num, obj, str, table } from "../wire.ts";

/** runs list|show|watch|cancel|pause|resume|retry, schedules list|set|pause|resume|preview|delete */
export function runCommands(program: Command, context: MakeContext): void {
  const runs = program.command("runs").description("what ran, runs and waits");
  runs
    .command("list")
    .description("newest first")
    .option("--limit <n>", "how many, up to 1,000", integer, 20)
    .action(async (options: { limit: number }, self: Command) => {
      const cli = context(self);
      const page = await read(
        cli,
        { path: "/maintenance/runs", query: { limit: options.limit } },
        async (graphkeeper) => {
          const { items, nextCursor } = await graphkeeper.jobs.list({
            groupId: cli.optionalGroup,
            limit: options.limit,
          });
          return { runs: items, nextCursor };
        },
      );
      const rows = list(page.runs).map((r) => [
        str(r.id),
        str(r.kind),
        str(r.group_id),
        str(r.state),
        str(r.created_at),
        str(r.reason),
      ]);
      cli.output.result(
        page,
        rows.length > 0 ? table([["ID", "KIND", "GROUP", "STATE", "CREATED", "REASON"], ...rows]) : "no runs",
      );
    });
  runs
    .command("show <id>")
    .description("one run with its attempts and batches")
    .action(async (id: string, _options: object, self: Command) => {
      const cli = context(self);
      const run = await read(cli, { path: `/maintenance/runs/${encodeURIComponent(id)}` }, (graphkeeper) =>
        graphkeeper.jobs.get(id),
      );
      cli.output.result(run, JSON.stringify(run, null, 2).split("\n"));
    });
  runs
    .command("watch <id>")
    .description("follow a run until it ends; exit code 0 only when it succeeded")
    .action(async (id: string, _options: object, self: Command) => {
      const cli = context(self);
      for (;;) {
        const run = await read(cli, { path: `/maintenance/runs/${encodeURIComponent(id)}` }, (graphkeeper) =>
          graphkeeper.jobs.get(id),
        );
        const progress = obj(run.progress);
        if (run.progress) cli.output.progress(str(progress.phase), num(progress.done), num(progress.total) || null);
        if (run.ended_at || cli.signal.aborted) {
          cli.output.result(run, `${id}: ${str(run.state)}${run.error ? `: ${str(obj(run.error).message)}` : ""}`);
          if (run.state === "cancelled" || !run.ended_at) process.exitCode = EXIT.cancelled;
          else if (run.state !== "succeeded" && run.state !== "skipped") process.exitCode = EXIT.failed;
          return;
        }
        await new Promise((resolve) => setTimeout(resolve, 500));
      }
    });
  for (const [verb, what] of [
    ["cancel", "stop it after its batch"],
    ["pause", "stop it after its batch; it keeps its checkpoint"],
    ["resume", "let a paused run go on"],
    ["retry", "put a run that failed, died or was cancelled back into the queue"],
  ] as const) {
    runs
      .command(`${verb} <id>`)
      .description(what)
      .action(async (id: string, _options: object, self: Command) => {
        const cli = context(self);
        const call = { method: "POST" as const, path: `/maintenance/runs/${encodeURIComponent(id)}/${verb}` };
        const run = await write(cli, call, (graphkeeper) =>
          graphkeeper.audited({ actor: "cli", action: `run.${verb}`, ref: id }, () => graphkeeper.jobs[verb](id)),
        );
        cli.output.result(run, `${id}: ${str(run.state)}`);
      });
  }
  scheduleCommands(program, context);
}

interface ScheduleOptions {
  kind?: string;
  expression?: string;
  dialect?: "cron" | "ncrontab";
  timeZone?: string;
}

function scheduleCommands(program: Command, context: MakeContext): void {
  const schedules = program.command("schedules").description("when which kind runs by itself");
  schedules
    .command("list")
    .description("schedules with their next time")
    .action(async (_options: object, self: Command) => {
      const cli = context(self);
      const answer = await read(cli, { path: "/maintenance/schedules" }, async (graphkeeper) => {
        // A new file gets the default schedules with its first server; here they are shown as they will be.
        return { schedules: await graphkeeper.jobs.schedules.list() };
      });
      const rows = list(answer.schedules).map((s) => [
        str(s.id),
        str(s.kind),
        str(s.expression),
        str(s.dialect),
        str(s.time_zone),
        s.enabled ? str(s.next_at) : "disabled",
        s.pause ? `paused: ${str(obj(s.pause).reason)}` : "",
      ]);
      cli.output.result(
        answer,
        rows.length > 0
          ? table([["ID", "KIND", "EXPRESSION", "DIALECT", "ZONE", "NEXT", ""], ...rows])
          : "no schedules yet: the first serve installs them",
      );
    });
  schedules
    .command("set <id>")
    .description("create or change a schedule; with --group for that group, else for all that are stale")
    .option("--kind <kind>", "orphan_entities, stale_edges, deprecated_vectors, gc_all or recompute")
    .option("--expression <expression>", "5-field cron, 6-field NCRONTAB, or @daily and the like")
    .addOption(new Option("--dialect <dialect>", "how the expression is read").choices(["cron", "ncrontab"]))
    .option("--time-zone <zone>", "such as Europe/Berlin")
    .action(async (id: string, options: ScheduleOptions, self: Command) => {
      const cli = context(self);
      const { kind, expression, dialect, timeZone } = options;
      const groupId = cli.optionalGroup;
      const input: ScheduleInput = { kind, expression, dialect, timeZone, ...(groupId && { target: { groupId } }) };
      const target = groupId && { group_id: groupId };
      const body = { kind, expression, dialect, time_zone: timeZone, target };
      const call = { method: "PUT" as const, path: `/maintenance/schedules/${encodeURIComponent(id)}`, body };
      const schedule = await write(cli, call, (graphkeeper) =>
        graphkeeper.audited({ actor: "cli", action: "schedule.set", ref: id, detail: input }, () =>
          graphkeeper.jobs.schedules.set(id, input),
        ),
      );
      cli.output.result(
        schedule,
        `${id}: ${str(schedule.kind)} at ${str(schedule.expression)} (${str(schedule.time_zone)})`,
      );
    });
  schedules
    .command("preview <expression>")
    .description("the next times of an expression, or why it is refused")
    .addOption(new Option("--dialect <dialect>", "how it is read").choices(["cron", "ncrontab"]).default("cron"))
    .option("--time-zone <zone>", "such as Europe/Berlin", "UTC")
    .option("--count <n>", "how many", integer, 5)
    .action(
      (
        expression: string,
        options: { dialect: "cron" | "ncrontab"; timeZone: string; count: number },
        self: Command,
      ) => {
        const cli = context(self);
        const times = parseCron(options.dialect, expression, options.timeZone);
        const iso: string[] = [];
        for (let at = times.next(Date.now()); at !== null && iso.length < options.count; at = times.next(at))
          iso.push(new Date(at).toISOString());
        cli.output.result(
          { expression, dialect: options.dialect, timeZone: options.timeZone, times: iso },
          iso.length > 0 ? iso : "never",
        );
      },
    );
  for (const verb of ["pause", "resume", "delete"] as const) {
    schedules
      .command(`${verb} <id>`)
      .description({ pause: "fire no more until it is resumed", resume: "go on", delete: "remove it" }[verb])
      .action(async (id: string, _options: object, self: Command) => {
        const cli = context(self);
        const path = `/maintenance/schedules/${encodeURIComponent(id)}`;
        const call =
          verb === "delete"
            ? { method: "DELETE" as const, path }
            : { method: "POST" as const, path: `${path}/${verb}` };
        await write(cli, call, async (graphkeeper) => {
          const book = graphkeeper.jobs.schedules;
          const work = {
            pause: () => book.pause(id, "paused by hand", "cli"),
            resume: () => book.resume(id),
            delete: () => book.remove(id),
          }[verb];
          const action = `schedule.${verb === "delete" ? "remove" : verb}`;
          await graphkeeper.audited({ actor: "cli", action, ref: id }, work);
          return {};
        });
        cli.output.result(
          { id, done: verb },
          `${id}: ${{ pause: "paused", resume: "resumed", delete: "deleted" }[verb]}`,
        );
      });
  }
}

type ServerCall = Parameters<NonNullable<Awaited<ReturnType<CliContext["server"]>>>["call"]>[0];

export async function read(
  cli: CliContext,
  call: ServerCall,
  local: (graphkeeper: Graphkeeper) => Promise<unknown>,
): Promise<JsonObject> {
  const server = await cli.server();
  if (server) return server.call({ ...call, group: cli.optionalGroup });
  return cli.locally("read", async (graphkeeper) => toWire(await local(graphkeeper)) as JsonObject);
}

export async function write(
  cli: CliContext,
  call: ServerCall,
  local: (graphkeeper: Graphkeeper) => Promise<unknown>,
): Promise<JsonObject> {
  const server = await cli.server();
  if (server) return server.call({ ...call, group: cli.optionalGroup });
  return cli.locally("write", async (graphkeeper) => toWire(await local(graphkeeper)) as JsonObject);
}
