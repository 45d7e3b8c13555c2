import { Command, CommanderError } from "commander";
import { VERSION } from "../version.ts";
import { auditCommands } from "./commands/audit.ts";
import { backupCommand } from "./commands/backup.ts";
import { dataCommands } from "./commands/data.ts";
import { demoCommand } from "./commands/demo.ts";
import { doctorCommand } from "./commands/doctor.ts";
import { documentCommands } from "./commands/documents.ts";
import { importCommand } from "./commands/import.ts";
import { installationCommands } from "./commands/installation.ts";
import { keyCommands } from "./commands/keys.ts";
import { maintenanceCommands } from "./commands/maintenance.ts";
import { neo4jCommands } from "./commands/neo4j.ts";
import { pauseCommands } from "./commands/pauses.ts";
import { runCommands } from "./commands/runs.ts";
import { serveCommand } from "./commands/serve.ts";
import { CliContext, type GlobalOptions } from "./context.ts";
import { EXIT, exitCodeOf, explain, Output } from "./output.ts";

/** What `graphkeeper --help` says; each command has its own `--help`. */
const HELP = `graphkeeper keeps a GraphRAG knowledge graph true to its documents.

  demo                         the whole story on a small real corpus, in a minute
  import, export, replace      documents in and out (NDJSON, OpenIE, Microsoft GraphRAG)
  deprecate, restore, purge    hide at once, bring back exactly, remove for good; impact, hold, release, readmit
  gc, recompute, communities   collect what is orphaned, update communities, list summaries to write
  stale, health, verify, dump  what lags behind, how a group is, proof that all is as it should be
  serve, runs, schedules, keys the HTTP service, its work, pauses and API keys; doctor, neo4j
  audit, installation, backup  who changed what and proof of it, the key for that, a copy of the data file

Options of all commands: --data <file> --group <id> --url <server> --json --quiet. More: graphkeeper <command> --help`;

/**
 * The command line.
 *
 * @returns the exit code; see `EXIT`
 */
export async function main(args: string[], environment: NodeJS.ProcessEnv = process.env): Promise<number> {
  const interrupt = new AbortController();
  const onInterrupt = () => {
    if (interrupt.signal.aborted) process.exit(130);
    process.stderr.write("\nstopping after this batch; again to stop at once\n");
    interrupt.abort();
  };
  process.on("SIGINT", onInterrupt);
  // A reader that has seen enough (head, less) is no error.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(EXIT.ok);
    throw error;
  });
  // What is said about the work may be lost (a full disk, a reader that is gone); the work goes on.
  process.stderr.on("error", () => {});
  const program = buildProgram(environment, interrupt.signal);
  try {
    await program.parseAsync(args, { from: "user" });
    return typeof process.exitCode === "number" ? process.exitCode : EXIT.ok;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    const explained = explain(error);
    new Output(program.opts<GlobalOptions>()).error(explained);
    return exitCodeOf(explained);
  } finally {
    process.off("SIGINT", onInterrupt);
  }
}

/** All commands with their options. Those of the program may stand before and after the command. */
export function buildProgram(environment: NodeJS.ProcessEnv, signal: AbortSignal): Command {
  const program = new Command("graphkeeper")
    .description("keeps a GraphRAG knowledge graph true to its documents")
    .version(VERSION)
    .option("--data <file>", "data file (GRAPHKEEPER_DATA)")
    .option("--group <id>", "group, the tenant (GRAPHKEEPER_GROUP)")
    .option("--url <address>", "work through this server (GRAPHKEEPER_URL)")
    .option("--api-key <key>", "key for the server; GRAPHKEEPER_API_KEY keeps it out of the process list")
    .option("--config <file>", "configuration as JSON (GRAPHKEEPER_CONFIG)")
    .option("--json", "results as JSON")
    .option("--quiet", "no progress and no remarks")
    .exitOverride()
    .showSuggestionAfterError()
    .configureHelp({ showGlobalOptions: true })
    .helpCommand(true);
  program.helpInformation = ((original) =>
    function (this: Command, ...rest: Parameters<Command["helpInformation"]>) {
      return this === program ? `${HELP}\n` : original.apply(this, rest);
    })(program.helpInformation);
  const context = (command: Command) => new CliContext(command.optsWithGlobals<GlobalOptions>(), environment, signal);
  demoCommand(program, signal);
  importCommand(program, context);
  dataCommands(program, context);
  backupCommand(program, context);
  documentCommands(program, context);
  maintenanceCommands(program, context);
  serveCommand(program);
  runCommands(program, context);
  pauseCommands(program, context);
  keyCommands(program, context);
  auditCommands(program, context);
  installationCommands(program, context);
  doctorCommand(program, context);
  neo4jCommands(program, context);
  return program;
}
