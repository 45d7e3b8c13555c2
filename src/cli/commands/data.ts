import { createHash } from "node:crypto";
import { createReadStream, statSync } from "node:fs";
import { type Command, Option } from "commander";
import { GraphkeeperError } from "../../core/errors.ts";
import { toWire } from "../../core/wire.ts";
import type { ImportBlock, JsonObject } from "../../core/words.ts";
import type { LocatedBlock } from "../../documents/import.ts";
import { blockLines, readLines } from "../../formats/lines.ts";
import { parseMsGraphrag } from "../../formats/msgraphrag.ts";
import { parseNative } from "../../formats/native.ts";
import { parseOpenie } from "../../formats/openie.ts";
import type { CliContext, MakeContext } from "../context.ts";
import { EXIT } from "../output.ts";
import { count, list, num, obj, str } from "../wire.ts";

const FORMATS = ["native", "openie", "msgraphrag"] as const;
type Format = (typeof FORMATS)[number];

/** import, replace, export, dump, verify */
export function dataCommands(program: Command, context: MakeContext): void {
  program
    .command("import <path>")
    .description("import documents: NDJSON (- for standard input), an OpenIE file, or a Microsoft GraphRAG folder")
    .addOption(new Option("--format <format>", "what the path holds").choices(FORMATS).default("native"))
    .option("--operation-id <id>", "the same import again has no second effect")
    .action(async (path: string, options: { format: Format; operationId?: string }, self: Command) => {
      const cli = context(self);
      const progress = await importPath(cli, path, options);
      const outcomes = Object.entries(obj(progress.outcomes)).map(([name, n]) => `${n} ${name}`);
      cli.output.result(progress, [
        `${count(num(progress.documents), "document")}: ${outcomes.join(", ") || "none"}`,
        `${count(num(progress.text_units), "text unit")}, ${count(num(progress.entities), "entity", "entities")}, ${count(num(progress.relationships), "relationship")} changed; generation ${num(progress.generation)}`,
      ]);
    });
  program
    .command("replace <document> <path>")
    .description("replace a document by the new version of it in an NDJSON file")
    .option("--reason <text>", "why, for the audit")
    .option("--operation-id <id>", "the same id again has no second effect")
    .action(
      async (document: string, path: string, options: { reason?: string; operationId?: string }, self: Command) => {
        const cli = context(self);
        const record = await replace(cli, document, path, options);
        cli.output.result(
          record,
          `${document}: ${str(list(record.outcomes)[0]?.outcome)}; generation ${num(record.generation)}`,
        );
      },
    );
  program
    .command("export")
    .description("write the live graph as native NDJSON")
    .action(async (_options: object, self: Command) => {
      const cli = context(self);
      await withLines(cli, "export", {}, async (lines) => {
        for await (const line of lines) await cli.output.line(line);
      });
    });
  program
    .command("dump")
    .description("write the canonical dump: NDJSON, sorted, vectors as hex of their bits")
    .option("--facts", "leave analytics out")
    .option("--hash", "only its SHA-256")
    .action(async (options: { facts?: boolean; hash?: boolean }, self: Command) => {
      const cli = context(self);
      await withLines(cli, "dump", { facts: options.facts }, async (lines) => {
        const hash = createHash("sha256");
        let count = 0;
        for await (const line of lines) {
          count++;
          if (options.hash) hash.update(line).update("\n");
          else await cli.output.line(line);
          cli.output.progress("records", count);
        }
        if (!options.hash) return;
        const sha256 = hash.digest("hex");
        cli.output.result({ group_id: cli.group, sha256, lines: count }, sha256);
      });
    });
  program
    .command("verify")
    .description("check every invariant by a full scan; exit code 3 when something is wrong")
    .action(async (_options: object, self: Command) => {
      const cli = context(self);
      const server = cli.namedServer();
      const findings = server
        ? list((await server.call({ path: `/groups/${encodeURIComponent(cli.group)}/verify` })).findings)
        : list(toWire(await cli.locally("read", (graphkeeper) => graphkeeper.verify(cli.group))));
      const lines = findings.map(
        (f) => `${str(f.code)}: ${str(f.message)}, such as ${(f.samples as string[]).slice(0, 3).join(", ")}`,
      );
      cli.output.result(
        { group_id: cli.group, findings },
        lines.length > 0 ? lines : "clean: the graph is as the law says",
      );
      if (findings.length > 0) process.exitCode = EXIT.findings;
    });
}

/** The lines of an export or a dump, from the server that was named or else from the file. */
async function withLines(
  cli: CliContext,
  what: "export" | "dump",
  query: { facts?: boolean },
  work: (lines: AsyncIterable<string>) => Promise<void>,
): Promise<void> {
  const server = cli.namedServer();
  if (!server) {
    await cli.locally("read", (graphkeeper) =>
      work(what === "export" ? graphkeeper.export(cli.group) : graphkeeper.dump(cli.group, query)),
    );
    return;
  }
  const response = await server.raw({
    path: `/groups/${encodeURIComponent(cli.group)}/${what}`,
    query,
    signal: cli.signal,
  });
  await work(textOf(readLines(response.body as AsyncIterable<Uint8Array>)));
}

async function* textOf(lines: AsyncIterable<{ text: string }>): AsyncIterable<string> {
  for await (const { text } of lines) yield text;
}

function blocksOf(path: string, format: Format): AsyncIterable<LocatedBlock> {
  refuseOther(path, format);
  if (format === "openie") return parseOpenie(path);
  if (format === "msgraphrag") return parseMsGraphrag(path);
  return parseNative(bytesOf(path));
}

function bytesOf(path: string): AsyncIterable<Uint8Array> {
  return path === "-" ? process.stdin : createReadStream(path);
}

/** A path that cannot be what the format reads is told of as that, not as what a read of it would have to say. */
function refuseOther(path: string, format: Format): void {
  const refuse = (message: string) => {
    throw new GraphkeeperError("INVALID_VALUE", message, { field: "path" });
  };
  if (path === "-" && format === "native") return;
  if (path === "-") refuse(`Standard input is read as native NDJSON only; give --format ${format} a path.`);
  const found = statSync(path, { throwIfNoEntry: false });
  if (!found) refuse(`${path} is not there.`);
  if (found?.isDirectory() && format !== "msgraphrag")
    refuse(`${path} is a folder; --format ${format} reads a file, --format msgraphrag a folder.`);
  if (found?.isFile() && format === "msgraphrag") refuse(`${path} is a file; --format msgraphrag reads a folder.`);
}

/** What goes to a server: native files as they are, so that its line numbers are theirs; other formats made native on the way. */
async function* upload(cli: CliContext, path: string, format: Format): AsyncIterable<Uint8Array | string> {
  if (format === "native") {
    const total = path === "-" ? null : statSync(path).size;
    let sent = 0;
    for await (const bytes of bytesOf(path)) {
      yield bytes;
      sent += bytes.length;
      cli.output.progress("bytes sent", sent, total);
    }
    return;
  }
  let sent = 0;
  for await (const { block } of blocksOf(path, format)) {
    yield `${[...blockLines(block)].join("\n")}\n`;
    sent += block.documents.length;
    cli.output.progress("documents sent", sent);
  }
}

async function importPath(
  cli: CliContext,
  path: string,
  options: { format: Format; operationId?: string },
): Promise<JsonObject> {
  refuseOther(path, options.format);
  const server = await cli.server();
  if (server) {
    return server.call({
      method: "POST",
      path: `/groups/${encodeURIComponent(cli.group)}/import`,
      group: cli.group,
      idempotencyKey: options.operationId,
      stream: { type: "application/x-ndjson", body: upload(cli, path, options.format) },
      signal: cli.signal,
    });
  }
  return cli.locally("create", async (graphkeeper) => {
    const progress = await graphkeeper.importBlocks(cli.group, blocksOf(path, options.format), {
      operationId: options.operationId,
      actor: "cli",
      signal: cli.signal,
      onProgress: ({ documents }) => cli.output.progress("documents", documents),
    });
    return toWire(progress) as JsonObject;
  });
}

async function replace(
  cli: CliContext,
  document: string,
  path: string,
  options: { reason?: string; operationId?: string },
): Promise<JsonObject> {
  const blocks: LocatedBlock[] = [];
  for await (const block of blocksOf(path, "native")) blocks.push(block);
  const block = blocks.find((b) => b.block.documents.some((d) => d.id === document))?.block;
  if (!block)
    throw new GraphkeeperError("INVALID_VALUE", `${path} holds no document ${document}.`, { field: "document" });
  const server = await cli.server();
  if (server) {
    return server.call({
      method: "PUT",
      path: `/documents/${encodeURIComponent(document)}`,
      group: cli.group,
      idempotencyKey: options.operationId,
      // NDJSON has no place for a reason.
      ...(options.reason === undefined
        ? { stream: { type: "application/x-ndjson", body: [...blockLines(block)].join("\n") } }
        : { body: { ...jsonBody(block), reason: options.reason } }),
    });
  }
  return cli.locally("write", async (graphkeeper) => {
    const record = await graphkeeper.replace(cli.group, document, block, {
      operationId: options.operationId,
      actor: "cli",
      reason: options.reason,
      signal: cli.signal,
    });
    return toWire(record) as JsonObject;
  });
}

/** A block of one document as the JSON body of a replace: native lines without `kind`, by kind. */
function jsonBody(block: ImportBlock): JsonObject {
  const lines = Map.groupBy(
    [...blockLines(block)].map((line) => JSON.parse(line) as JsonObject),
    (line) => line.kind,
  );
  const of = (kind: string) => (lines.get(kind) ?? []).map(({ kind: _, ...members }) => members);
  const { id: _, ...document } = of("document")[0]!;
  return {
    ...document,
    text_units: of("text_unit"),
    entities: of("entity"),
    mentions: of("mention"),
    relationships: of("relationship"),
  };
}
