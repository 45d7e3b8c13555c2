import { createHash } from "node:crypto";
import type { Command } from "commander";
import { GraphkeeperError } from "../../core/errors.ts";
import { toWire } from "../../core/wire.ts";
import type { ImportBlock, JsonObject } from "../../core/words.ts";
import type { LocatedBlock } from "../../documents/import.ts";
import { blockLines, readLines } from "../../formats/lines.ts";
import type { CliContext, MakeContext } from "../context.ts";
import { EXIT } from "../output.ts";
import { list, num, str } from "../wire.ts";
import { blocksOf } from "./import.ts";

interface ReplaceOptions {
  reason?: string;
  operationId?: string;
  restore?: boolean;
}

/** replace, export, dump, verify */
export function dataCommands(program: Command, context: MakeContext): void {
  program
    .command("replace <document> <path>")
    .description("replace a document by the new version of it in an NDJSON file")
    .option("--reason <text>", "why, for the audit")
    .option("--restore", "if it is deprecated, bring it back with the new version")
    .option("--operation-id <id>", "the same id again has no second effect")
    .action(async (document: string, path: string, options: ReplaceOptions, self: Command) => {
      const cli = context(self);
      const record = await replace(cli, document, path, options);
      cli.output.result(
        record,
        `${document}: ${str(list(record.outcomes)[0]?.outcome)}; generation ${num(record.generation)}`,
      );
    });
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

async function replace(cli: CliContext, document: string, path: string, options: ReplaceOptions): Promise<JsonObject> {
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
      query: { restore: options.restore },
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
      restore: options.restore,
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
