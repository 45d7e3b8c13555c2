import { type Command, Option } from "commander";
import type { PauseLevel } from "../../jobs/ports.ts";
import { RUN_KINDS } from "../../maintenance/handler.ts";
import type { CliContext, GlobalOptions, MakeContext } from "../context.ts";
import { list, obj, str, table } from "../wire.ts";
import { read, write } from "./runs.ts";

/** pauses list|set|end */
export function pauseCommands(program: Command, context: MakeContext): void {
  const pauses = program.command("pauses").description("what stands still: everything, a kind, or a group");
  pauses
    .command("list")
    .description("what is paused, why, and who said so")
    .action(async (_options: object, self: Command) => {
      const cli = context(self);
      const answer = await read(cli, { path: "/maintenance/pauses" }, async ({ jobs }) => ({
        pauses: await jobs.pauses(),
      }));
      const rows = list(answer.pauses)
        .map(obj)
        .map((p) => [str(p.level), str(p.key), str(p.actor), str(p.at), str(p.reason)]);
      cli.output.result(answer, rows.length > 0 ? table([["LEVEL", "KEY", "BY", "SINCE", "REASON"], ...rows]) : "none");
    });
  const kind = () => new Option("--kind <kind>", "the runs of this kind").choices([...RUN_KINDS]);
  pauses
    .command("set")
    .description("nothing more begins there, what runs goes on to its end: with --group, with --kind, else everywhere")
    .addOption(kind())
    .option("--reason <text>", "why", "paused by hand")
    .action(async ({ kind, reason }: { kind?: string; reason: string }, self: Command) => {
      const cli = context(self);
      const { level, key } = target(cli, self, kind);
      const call = { method: "POST" as const, path: "/maintenance/pauses", body: { level, key, reason } };
      const answer = await write(cli, call, async (graphkeeper) => {
        const { jobs } = graphkeeper;
        await graphkeeper.audited({ ...by("pause", level, key), detail: { reason } }, () =>
          jobs.pauseLevel(level, key, reason, "cli"),
        );
        return { pauses: await jobs.pauses() };
      });
      cli.output.result(answer, `paused: ${named(level, key)}`);
    });
  pauses
    .command("end")
    .description("go on: with --group, with --kind, else where everything was paused")
    .addOption(kind())
    .action(async (options: { kind?: string }, self: Command) => {
      const cli = context(self);
      const { level, key } = target(cli, self, options.kind);
      const call = { method: "POST" as const, path: "/maintenance/pauses/end", body: { level, key } };
      const answer = await write(cli, call, async (graphkeeper) => {
        const { jobs } = graphkeeper;
        await graphkeeper.audited(by("pause.end", level, key), () => jobs.resumeLevel(level, key));
        return { pauses: await jobs.pauses() };
      });
      cli.output.result(answer, `goes on: ${named(level, key)}`);
    });
}

function target(cli: CliContext, self: Command, kind: string | undefined): { level: PauseLevel; key: string } {
  if (kind !== undefined && self.optsWithGlobals<GlobalOptions>().group !== undefined) {
    self.error("error: --kind stands for the runs of all groups; give --group or --kind, not both");
  }
  if (kind !== undefined) return { level: "kind", key: kind };
  const group = cli.optionalGroup;
  return group === undefined ? { level: "all", key: "" } : { level: "group", key: group };
}

function by(action: string, level: PauseLevel, key: string) {
  return { actor: "cli", action, ref: key === "" ? level : `${level}:${key}` };
}

function named(level: PauseLevel, key: string): string {
  return level === "all" ? "everything" : `${level} ${key}`;
}
