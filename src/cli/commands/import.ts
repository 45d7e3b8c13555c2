import { createReadStream, statSync, writeFileSync } from "node:fs";
import { type Command, Option } from "commander";
import { type ErrorCode, GraphkeeperError } from "../../core/errors.ts";
import type { Page } from "../../core/ports.ts";
import { toWire } from "../../core/wire.ts";
import type { DocumentInput, DocumentRecord, JsonObject } from "../../core/words.ts";
import type { LocatedBlock } from "../../documents/import.ts";
import type { ReadOptions, Reject } from "../../documents/rejects.ts";
import { leftBehind } from "../../formats/left-behind.ts";
import { blockLines, rejectLines } from "../../formats/lines.ts";
import { parseMsGraphrag } from "../../formats/msgraphrag.ts";
import { parseNative } from "../../formats/native.ts";
import { parseOpenie } from "../../formats/openie.ts";
import { type ListedReject, RejectLog } from "../../formats/reject-log.ts";
import type { CliContext, MakeContext } from "../context.ts";
import { EXIT } from "../output.ts";
import { count, list, num, obj, str } from "../wire.ts";

const FORMATS = ["native", "openie", "msgraphrag"] as const;
type Format = (typeof FORMATS)[number];

interface ImportOptions {
  format: Format;
  operationId?: string;
  restore?: boolean;
  again?: boolean;
  onError: "skip" | "stop";
  rejects?: string;
}

/** What a server lists at most; a file on this machine has no such bound. */
const LISTED_BY_SERVER = 10_000;
const SHOWN = 10;

export function importCommand(program: Command, context: MakeContext): void {
  program
    .command("import <path>")
    .description("import documents: NDJSON (- for standard input), an OpenIE file, or a Microsoft GraphRAG folder")
    .addOption(new Option("--format <format>", "what the path holds").choices(FORMATS).default("native"))
    .option("--restore", "bring deprecated documents of it back; without it they stay deprecated")
    .option("--again", "import what was purged before; without it purged documents stay away")
    .option("--operation-id <id>", "the same import again has no second effect")
    .addOption(
      new Option("--on-error <what>", "stop at what is wrong, or skip just that and exit with 3")
        .choices(["stop", "skip"])
        .default("stop"),
    )
    .addOption(
      new Option("--rejects <file>", "write what was skipped there, to be mended and imported").implies({
        onError: "skip",
      }),
    )
    .action(async (path: string, options: ImportOptions, self: Command) => {
      const cli = context(self);
      const report = new ImportReport(options);
      const progress = await importPath(cli, path, options, report);
      report.finish();
      const outcomes = Object.entries(obj(progress.outcomes)).map(([name, n]) => `${n} ${name}`);
      cli.output.result({ ...progress, ...report.members }, [
        `${count(num(progress.documents), "document")}: ${outcomes.join(", ") || "none"}`,
        `${count(num(progress.text_units), "text unit")}, ${count(num(progress.entities), "entity", "entities")}, ${count(num(progress.relationships), "relationship")} changed; generation ${num(progress.generation)}`,
        ...notTakenLines(progress),
        ...((progress.hints as string[] | undefined) ?? []),
        ...report.lines,
      ]);
      if (report.log.rejected > 0) process.exitCode = EXIT.findings;
    });
}

/** What an import says beside its counts: what was refused, and what the source holds that is not read. */
class ImportReport {
  readonly log: RejectLog;
  readonly read: ReadOptions;
  readonly documents: DocumentInput[] = [];
  readonly #notices: string[] = [];
  readonly #skips: boolean;
  readonly #file: string | undefined;
  /** Lines of the file of rejects; those that begin a block of their own come last, so that they take nothing in. */
  readonly #loose: string[] = [];
  readonly #blocks: string[] = [];

  constructor({ onError, rejects }: ImportOptions) {
    this.#skips = onError === "skip";
    this.#file = rejects;
    this.log = new RejectLog({ listed: SHOWN, characters: 1_000_000 });
    this.read = {
      onNotice: (notice) => this.#notices.push(notice),
      onReject: this.#skips ? (reject) => this.take(reject) : undefined,
    };
    // Now, so that a file that cannot be written is told of before the work.
    if (rejects !== undefined) writeFileSync(rejects, "");
  }

  /** Notes the documents that may be known under earlier ids: those of a folder that holds all of an index. */
  async *watch(blocks: AsyncIterable<LocatedBlock>): AsyncIterable<LocatedBlock> {
    for await (const located of blocks) {
      for (const { id, title, earlierIds } of located.block.documents)
        if (earlierIds) this.documents.push({ id, title, earlierIds });
      yield located;
    }
  }

  take(reject: Reject): void {
    this.log.take(reject);
    if (this.#file === undefined) return;
    const lines = rejectLines(reject);
    (lines.some((line) => /"kind"\s*:\s*"document"/.test(line)) ? this.#blocks : this.#loose).push(...lines);
  }

  /** What a server refused, and how many it counted and did not list. */
  takeFromServer(answer: JsonObject): void {
    const listed = list(answer.rejects) as unknown as ListedReject[];
    for (const { content, ...reject } of listed)
      this.take({ ...reject, code: str(reject.code) as ErrorCode, content: content?.join("\n") ?? null });
    this.log.rejected += num(answer.rejected) - listed.length;
    this.log.leftOut += num(answer.left_out);
    if (num(answer.rejected) > listed.length)
      this.read.onNotice?.(
        `The server listed the first ${listed.length} of ${num(answer.rejected)}; mend these and import again for the rest.`,
      );
  }

  finish(): void {
    const lines = [...this.#loose, ...this.#blocks];
    if (this.#file !== undefined) writeFileSync(this.#file, lines.map((line) => `${line}\n`).join(""));
  }

  get members(): Record<string, unknown> {
    const { rejected, leftOut, rejects } = this.log;
    return {
      ...(this.#skips ? { rejected, leftOut, rejects } : {}),
      ...(this.#notices.length > 0 ? { notices: this.#notices } : {}),
    };
  }

  get lines(): string[] {
    const { rejected, leftOut, rejects } = this.log;
    if (rejected === 0) return this.#notices;
    const more = rejected - rejects.length;
    const withThem =
      leftOut === 0 ? "" : `, ${count(leftOut, "line")} that need${leftOut === 1 ? "s" : ""} it left out`;
    return [
      ...this.#notices,
      `${rejected} refused${withThem}${this.#file === undefined ? "" : `; all in ${this.#file}`}:`,
      ...rejects.map(({ place, reason, code }) => `  ${place}: ${reason} [${code}]`),
      ...(more > 0 ? [`  and ${more} more${this.#file === undefined ? "; --rejects FILE lists them all" : ""}`] : []),
    ];
  }
}

/** Documents that were not taken, and how to ask for them. */
function notTakenLines(progress: JsonObject): string[] {
  const line = (outcome: string, what: string, flag: string) => {
    const number = num(obj(progress.outcomes)[outcome] ?? 0);
    const ids = list(progress.not_taken).flatMap((o) => (o.outcome === outcome ? [str(o.id)] : []));
    const some = ids.slice(0, 3).join(", ") + (number > 3 ? ", …" : "");
    return number === 0 ? [] : [`${count(number, "document")} ${what} (${some}); ask for them with ${flag}`];
  };
  return [
    ...line("deprecated_kept", "deprecated and kept so", "--restore"),
    ...line("purged_before", "purged before and not imported", "--again"),
  ];
}

const MOST_NAMED = 20;

/** Says which documents stay although their file changed or is gone: a folder of an index holds all that the index has. */
function sayLeftBehind(report: ImportReport, stored: Parameters<typeof leftBehind>[1]): void {
  const ids = leftBehind(report.documents, stored);
  if (ids.length === 0) return;
  const named = ids.slice(0, MOST_NAMED).join(", ");
  report.read.onNotice?.(
    `${count(ids.length, "document")} of the group with a title of this folder, but not in it, stay${ids.length === 1 ? "s" : ""} live: ` +
      `${named}${ids.length > MOST_NAMED ? ", …" : ""}. When the file changed or is gone: graphkeeper deprecate ID --successor NEW_ID.`,
  );
}

async function importPath(
  cli: CliContext,
  path: string,
  options: ImportOptions,
  report: ImportReport,
): Promise<JsonObject> {
  refuseOther(path, options.format);
  const server = await cli.server();
  if (server) {
    const answer = (await server.call({
      method: "POST",
      path: `/groups/${encodeURIComponent(cli.group)}/import`,
      query: {
        restore: options.restore,
        again: options.again,
        ...(options.onError === "skip" && { on_error: "skip", rejects: LISTED_BY_SERVER }),
      },
      group: cli.group,
      idempotencyKey: options.operationId,
      stream: { type: "application/x-ndjson", body: upload(cli, path, options.format, report) },
      signal: cli.signal,
    })) as JsonObject;
    const { rejects: _, ...progress } = answer;
    if (options.onError === "skip") report.takeFromServer(answer);
    if (report.documents.length > 0) {
      const stored: Parameters<typeof leftBehind>[1][number][] = [];
      const call = { path: "/documents", query: { limit: 1_000 }, group: cli.group, signal: cli.signal };
      for await (const { id, title, status } of server.pages(call, "documents"))
        stored.push({ id: str(id), title: title === null ? null : str(title), status: str(status) });
      sayLeftBehind(report, stored);
    }
    return progress;
  }
  return cli.locally("create", async (graphkeeper) => {
    const progress = await graphkeeper.importBlocks(
      cli.group,
      report.watch(blocksOf(path, options.format, report.read)),
      {
        operationId: options.operationId,
        restore: options.restore,
        again: options.again,
        actor: "cli",
        signal: cli.signal,
        onReject: report.read.onReject,
        onProgress: ({ documents }) => cli.output.progress("documents", documents),
      },
    );
    if (report.documents.length > 0) {
      const stored: DocumentRecord[] = [];
      let cursor: string | null = null;
      do {
        const page: Page<DocumentRecord> = await graphkeeper.documents(cli.group, {
          limit: 1_000,
          ...(cursor === null ? {} : { cursor }),
        });
        stored.push(...page.items);
        cursor = page.nextCursor;
      } while (cursor !== null);
      sayLeftBehind(report, stored);
    }
    return toWire(progress) as JsonObject;
  });
}

export function blocksOf(path: string, format: Format, options: ReadOptions = {}): AsyncIterable<LocatedBlock> {
  refuseOther(path, format);
  if (format === "openie") return parseOpenie(path, options);
  if (format === "msgraphrag") return parseMsGraphrag(path, options);
  return parseNative(bytesOf(path), options);
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
async function* upload(
  cli: CliContext,
  path: string,
  format: Format,
  report: ImportReport,
): AsyncIterable<Uint8Array | string> {
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
  for await (const { block } of report.watch(blocksOf(path, format, report.read))) {
    yield `${[...blockLines(block)].join("\n")}\n`;
    sent += block.documents.length;
    cli.output.progress("documents sent", sent);
  }
}
