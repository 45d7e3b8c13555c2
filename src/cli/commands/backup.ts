import { statSync } from "node:fs";
import type { Command } from "commander";
import { backUp } from "../../stores/sqlite/backup.ts";
import type { MakeContext } from "../context.ts";

/** backup: a copy of the data file as it is at one moment, beside whoever writes it. */
export function backupCommand(program: Command, context: MakeContext): void {
  program
    .command("backup <path>")
    .description("copy the data file while it is in use; the copy has its permissions")
    .action((path: string, _options: object, self: Command) => {
      const cli = context(self);
      const { data, neo4j } = cli.config;
      const bytes = backUp(data, path);
      if (neo4j.uri !== undefined) cli.output.say("keys, runs and schedules only: the graph is in Neo4j");
      const mode = (statSync(path).mode & 0o777).toString(8);
      cli.output.result({ path, bytes, mode }, `${path}: ${bytes} bytes, mode ${mode}`);
    });
}
