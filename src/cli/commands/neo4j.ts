import { type Command, Option } from "commander";
import type { Config } from "../../config/config.ts";
import { GraphkeeperError } from "../../core/errors.ts";
import { PARKING_MODES, type ParkingMode } from "../../core/words.ts";
import { PROFILES } from "../../profiles/index.ts";
import { loadProfile } from "../../profiles/load.ts";
import type { Diagnosis } from "../../stores/neo4j/doctor.ts";
import type { MakeContext } from "../context.ts";
import { EXIT } from "../output.ts";
import { table } from "../wire.ts";

interface Neo4jOptions {
  profile?: string;
  tenant?: string;
  parking?: ParkingMode;
}

/** neo4j doctor | install | uninstall | profiles: on the server that NEO4J_URI names. */
export function neo4jCommands(program: Command, context: MakeContext): void {
  const neo4j = program.command("neo4j").description("a graph in Neo4j (NEO4J_URI, NEO4J_USERNAME, NEO4J_PASSWORD)");
  const profile = () =>
    new Option("--profile <name>", "how its writer lays it out: a ready profile, or a JSON file; GRAPHKEEPER_PROFILE");
  neo4j
    .command("doctor")
    .description("which profile fits, and what dirt is there; reads only")
    .addOption(profile())
    .option("--tenant <name>", "for profiles whose labels carry the tenant")
    .action(async (options: Neo4jOptions, self: Command) => {
      const cli = context(self);
      const { connection, tenant } = connectionOf(cli.config, options);
      const named = options.profile === undefined ? undefined : loadProfile(options.profile, tenant);
      const { diagnose } = await import("../../stores/neo4j/doctor.ts");
      const diagnosis = await diagnose({ ...connection, tenant: tenant || undefined, profile: named });
      cli.output.result(diagnosis, diagnosisLines(diagnosis));
      if (diagnosis.findings.some((finding) => finding.count > 0)) process.exitCode = EXIT.findings;
    });
  for (const [verb, what] of [
    ["install", "create the constraints and indexes that graphkeeper needs; again is harmless"],
    ["uninstall", "show all that is parked and take away everything of graphkeeper's"],
  ] as const) {
    neo4j
      .command(verb)
      .description(what)
      .addOption(profile())
      .addOption(
        new Option("--parking <mode>", "how to hide what is deprecated; GRAPHKEEPER_PARKING").choices(PARKING_MODES),
      )
      .option("--tenant <name>", "for profiles whose labels carry the tenant")
      .action(async (options: Neo4jOptions, self: Command) => {
        const cli = context(self);
        const { connection, tenant, name, parking } = connectionOf(cli.config, options);
        const profile = loadProfile(name, tenant);
        const { openNeo4jStore } = await import("../../stores/neo4j/store.ts");
        const store = await openNeo4jStore({ ...connection, profile, parking, install: false });
        try {
          await store[verb]();
        } finally {
          await store.close();
        }
        cli.output.result({ done: verb, profile: name }, `${verb}ed for the profile ${name}`);
      });
  }
  neo4j
    .command("profiles")
    .description("the ready profiles, or one of them as JSON, to begin one's own with")
    .argument("[name]", "a ready profile, or a JSON file")
    .option("--tenant <name>", "for profiles whose labels carry the tenant")
    .action((name: string | undefined, options: Neo4jOptions, self: Command) => {
      const { config, output } = context(self);
      if (name === undefined) return output.result({ profiles: Object.keys(PROFILES) }, Object.keys(PROFILES));
      // As it stands in a file, not in wire form: it is to be one's own file.
      const profile = loadProfile(name, options.tenant ?? config.neo4j.tenant);
      return output.line(JSON.stringify(profile, null, output.json ? 0 : 2));
    });
}

function connectionOf(config: Config, options: Neo4jOptions) {
  const { uri, username, password, database } = config.neo4j;
  if (uri === undefined) {
    throw new GraphkeeperError("INVALID_CONFIG", "Which server? Set NEO4J_URI, such as bolt://127.0.0.1:7687.", {
      field: "neo4j.uri",
    });
  }
  const connection = { uri, username, password, database };
  return {
    connection,
    tenant: options.tenant ?? config.neo4j.tenant,
    name: options.profile ?? config.neo4j.profile,
    parking: options.parking ?? config.neo4j.parking,
  };
}

function diagnosisLines(diagnosis: Diagnosis): string[] {
  const { server, fits, findings } = diagnosis;
  const lines = [`Neo4j ${server.version} ${server.edition}, GDS ${server.gds ?? "not there"}`];
  lines.push(diagnosis.profile ? `profile ${diagnosis.profile}` : "no profile fits");
  lines.push(...table(fits.slice(0, 3).map((fit) => ["  ", fit.profile, `${Math.round(100 * fit.score)} %`])));
  for (const finding of findings) {
    lines.push(
      `${finding.code}: ${finding.count} × ${finding.message}${finding.samples.length > 0 ? `, such as ${finding.samples.slice(0, 3).join(", ")}` : ""}`,
    );
  }
  return lines;
}
