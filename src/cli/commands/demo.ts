import { createHash } from "node:crypto";
import { createReadStream, existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Command } from "commander";
import { GraphkeeperClient } from "../../client/client.ts";
import { loadConfig } from "../../config/config.ts";
import { GraphkeeperError } from "../../core/errors.ts";
import type { JsonObject } from "../../core/words.ts";
import { blockLines } from "../../formats/lines.ts";
import { parseOpenie } from "../../formats/openie.ts";
import type { RunningServer } from "../../start.ts";
import { Output } from "../output.ts";
import { count, list, num, obj, str } from "../wire.ts";

interface DemoOptions {
  data?: string;
  keep?: boolean;
  quiet?: boolean;
}

/** A question with its vector, and the documents that answer it. */
interface Question {
  text: string;
  vector: number[];
  documents: string[];
}

const GROUP = "demo";
const CORPUS = new URL("../../../demo/", import.meta.url);

/** demo: the whole story on a real corpus, over HTTP, with the curl of each step. */
export function demoCommand(program: Command, signal: AbortSignal): void {
  program
    .command("demo")
    .description("the whole story on a small real corpus: deprecate, collect, recompute, restore")
    .option("--keep", "leave the server running at the end, on port 8000")
    .addHelpText(
      "after",
      "\nWith --data <openie.json> a larger graph is told of: an OpenIE file with embeddings beside it.",
    )
    .action(async (_options: object, self: Command) => {
      // --data is an option of all commands; here it names what to read, never what to write.
      const options = self.optsWithGlobals<DemoOptions>();
      if (options.data !== undefined && !existsSync(options.data))
        throw new GraphkeeperError("INVALID_VALUE", `${options.data} is not there.`, { field: "data" });
      const folder = await mkdtemp(join(tmpdir(), "graphkeeper-demo-"));
      const config = loadConfig(
        { GRAPHKEEPER_LOG_LEVEL: "silent" },
        {
          overrides: {
            data: join(folder, "demo.db"),
            "http.port": options.keep ? 8000 : 0,
            "maintenance.afterEvents": false,
          },
        },
      );
      const { startServer } = await import("../../start.ts");
      const server = await startServer(config);
      try {
        await new Story(server, new Output({ quiet: options.quiet }), options.data, signal).tell();
        if (options.keep) {
          process.stdout.write(
            `\nThe server stays at ${server.address}: the page is there, the API at ${server.address}/docs, the data in ${folder}. Ctrl-C ends it.\n`,
          );
          await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
        }
      } finally {
        await server.stop();
        await rm(folder, { recursive: true, force: true });
      }
    });
}

class Story {
  readonly #address: string;
  readonly #client: GraphkeeperClient;
  readonly #output: Output;
  readonly #data: string | undefined;
  #step = 0;

  constructor(server: RunningServer, output: Output, data: string | undefined, signal: AbortSignal) {
    this.#address = server.address;
    this.#client = new GraphkeeperClient({ url: server.address, group: GROUP, signal });
    this.#output = output;
    this.#data = data;
  }

  async tell(): Promise<void> {
    const begun = performance.now();
    this.#line(
      `Graphkeeper demo. A server runs at ${this.#address}; G stands for it and for -H 'X-Group-ID: ${GROUP}'.`,
    );
    await this.#import();
    const questions = await this.#questions();
    const documents = questions.map((q) => q.documents[0]!);
    await this.#recompute("Compute similarity edges, communities and ranks, and take all summaries as written.");
    await this.#acknowledge();
    const before = await this.#dumpHash();
    const found = await this.#ask(questions, "A reader asks. The best answers by vector search:");
    const expected = await this.#impact(documents);
    await this.#deprecate(documents);
    await this.#askAgain(questions, found);
    await this.#collect(expected);
    await this.#recompute("Recompute: only what the change touched is looked at.");
    await this.#summaries();
    await this.#restore(documents, before);
    if (this.#data === undefined) await this.#replace();
    const seconds = (performance.now() - begun) / 1_000;
    this.#line("");
    this.#line(`Told in ${seconds.toFixed(1)} s. Next: graphkeeper serve, or README.md for your own graph.`);
  }

  async #import(): Promise<void> {
    const file = this.#data ?? fileURLToPath(new URL("lighthouses.ndjson", CORPUS));
    this.#chapter(
      this.#data === undefined ? "Import a small corpus on the history of lighthouses." : `Import ${file}.`,
      `curl -X POST G/groups/${GROUP}/import -H 'Content-Type: application/x-ndjson' --data-binary @${this.#data === undefined ? "demo/lighthouses.ndjson" : "…"}`,
    );
    const body = this.#data === undefined ? createReadStream(file) : openieLines(file);
    const stream = { type: "application/x-ndjson", body };
    const progress = await this.#client.call({ method: "POST", path: `/groups/${GROUP}/import`, stream });
    this.#said(
      `${count(num(progress.documents), "document")}, ${count(num(progress.text_units), "text unit")}, ${count(num(progress.entities), "entity", "entities")}, ${count(num(progress.relationships), "relationship")}`,
    );
  }

  async #recompute(title: string): Promise<void> {
    this.#chapter(title, "curl -X POST G/maintenance/recompute-gds");
    const result = await this.#client.call({ method: "POST", path: "/maintenance/recompute-gds" });
    this.#said(
      `${count(num(result.communities), "community", "communities")}, modularity ${num(result.modularity).toFixed(3)}, ${num(result.duration_ms)} ms; ${count(num(result.changed_communities), "community", "communities")} changed at all levels; fresh: ${str(result.fresh)}`,
    );
  }

  async #changed(): Promise<JsonObject[]> {
    const changed: JsonObject[] = [];
    for await (const community of this.#client.pages({ path: "/communities/changed" }, "communities"))
      changed.push(community);
    return changed;
  }

  async #acknowledge(): Promise<void> {
    const changed = await this.#changed();
    for (let i = 0; i < changed.length; i += 500) {
      const items = changed.slice(i, i + 500).map((c) => ({ id: str(c.id), hash: str(c.hash) }));
      await this.#client.call({ method: "POST", path: "/communities/acknowledge", body: { communities: items } });
    }
    this.#said(`${count(changed.length, "summary", "summaries")} acknowledged`);
  }

  async #ask(questions: Question[], title: string, again = false): Promise<string[]> {
    this.#chapter(title, `curl -X POST G/search -d '{"of":"text_unit","k":3,"vector":[…]}'`);
    const best: string[] = [];
    for (const question of questions) {
      const hits = await this.#search(question);
      best.push(str(hits[0]?.id));
      const answers = hits.map((hit) => `${str(hit.id)} ${num(hit.score).toFixed(2)}`).join("  ");
      if (again) this.#said(`"${shorten(question.text, 30)}"  ${answers}`);
      else {
        this.#said(`"${shorten(question.text, 74)}"`);
        this.#said(`   ${answers}`);
      }
    }
    return best;
  }

  async #search(question: Question): Promise<JsonObject[]> {
    const body = { of: "text_unit", k: 3, vector: question.vector };
    return list((await this.#client.call({ method: "POST", path: "/search", body })).hits);
  }

  async #impact(documents: string[]): Promise<number> {
    this.#chapter("Preview: what would deprecating these documents touch?", `curl G/documents/${documents[0]}/impact`);
    let entities = 0;
    for (const id of documents) {
      const impact = await this.#client.call({ path: `/documents/${encodeURIComponent(id)}/impact` });
      const part = obj(impact.entities);
      entities += num(part.count);
      this.#said(
        `${id}: ${count(num(obj(impact.text_units).count), "text unit")}; ${count(num(part.count), "entity", "entities")} only it mentions${part.count ? ` (${shorten((part.ids as string[]).slice(0, 4).join(", "), 60)})` : ""}, ${num(part.shared)} shared ones stay`,
      );
    }
    return entities;
  }

  async #deprecate(documents: string[]): Promise<void> {
    const body = { verb: "deprecate", documents, reason: "demo" };
    this.#chapter(
      "Deprecate them: hidden from every reader when the call returns.",
      `curl -X POST G/documents/bulk -d '${shorten(JSON.stringify(body), 90)}'`,
    );
    const begun = performance.now();
    const record = await this.#client.call({ method: "POST", path: "/documents/bulk", body });
    this.#said(
      `${count(list(record.outcomes).length, "document")} deprecated in ${(performance.now() - begun).toFixed(0)} ms, generation ${num(record.generation)}`,
    );
  }

  async #askAgain(questions: Question[], before: string[]): Promise<void> {
    const after = await this.#ask(
      questions,
      "The reader asks again. The deprecated texts are gone, and still there are three answers:",
      true,
    );
    for (const [i, id] of after.entries()) {
      if (id === before[i]) throw new GraphkeeperError("INTERNAL", `The deprecated text ${id} still answers.`);
    }
  }

  async #collect(expected: number): Promise<void> {
    this.#chapter(
      "Collect garbage: entities that no active document mentions, their relationships, their vectors.",
      "curl -X POST G/maintenance/run-all-gc",
    );
    const result = await this.#client.call({ method: "POST", path: "/maintenance/run-all-gc" });
    const jobs = Object.entries(obj(result.jobs)).map(
      ([kind, job]) =>
        `${kind}: ${num(obj(job).deleted)} of ${num(obj(job).examined)}, ${num(obj(job).duration_ms)} ms`,
    );
    this.#said(`collected of examined: ${jobs.join("; ")}`);
    const again = await this.#client.call({ method: "POST", path: "/maintenance/run-all-gc" });
    this.#said(
      `a second run collects ${num(again.deleted)}; the preview of each document had counted ${expected} entities`,
    );
  }

  async #summaries(): Promise<void> {
    this.#chapter("Which community summaries need writing again?", "curl G/communities/changed");
    const changed = await this.#changed();
    const health = await this.#client.call({ path: "/maintenance/health" });
    this.#said(
      `${changed.length} of ${num(obj(health.counts).communities)}: ${shorten(changed.map((c) => `${str(c.id)} (${num(c.size)} members)`).join(", "), 110)}`,
    );
  }

  async #restore(documents: string[], before: string): Promise<void> {
    const body = { verb: "restore", documents };
    this.#chapter("Restore them, exactly.", `curl -X POST G/documents/bulk -d '${shorten(JSON.stringify(body), 90)}'`);
    await this.#client.call({ method: "POST", path: "/documents/bulk", body });
    await this.#client.call({ method: "POST", path: "/maintenance/run-all-gc" });
    const after = await this.#dumpHash();
    this.#said(
      `SHA-256 of the canonical dump before ${before.slice(0, 16)}…, now ${after.slice(0, 16)}…: ${before === after ? "equal, byte for byte" : "DIFFERENT"}`,
    );
    if (before !== after) throw new GraphkeeperError("INTERNAL", "The dump after the restore is not that of before.");
  }

  async #replace(): Promise<void> {
    const lines = (await readFile(new URL("lighthouses-revised.ndjson", CORPUS), "utf8")).trimEnd().split("\n");
    const ids = lines
      .map((line) => JSON.parse(line) as JsonObject)
      .filter((line) => line.kind === "document")
      .map((line) => str(line.id));
    const id = ids[0]!;
    const start = lines.findIndex((line) => JSON.parse(line).id === id);
    const end = lines.findIndex((line, i) => i > start && JSON.parse(line).kind === "document");
    const body = lines.slice(start, end < 0 ? undefined : end).join("\n");
    this.#chapter(
      "Replace a document by its new version: one atomic operation.",
      `curl -X PUT G/documents/${id} -H 'Content-Type: application/x-ndjson' --data-binary @new-version.ndjson`,
    );
    const stream = { type: "application/x-ndjson", body };
    const record = await this.#client.call({ method: "PUT", path: `/documents/${encodeURIComponent(id)}`, stream });
    const effect = obj(record.effect);
    this.#said(
      `${id}: ${str(list(record.outcomes)[0]?.outcome)}; ${count(num(effect.text_units), "text unit")} and ${count(num(effect.entities), "entity", "entities")} changed`,
    );
  }

  async #dumpHash(): Promise<string> {
    const response = await this.#client.raw({ path: `/groups/${GROUP}/dump`, query: { facts: true } });
    const hash = createHash("sha256");
    for await (const chunk of response.body as ReadableStream<Uint8Array>) hash.update(chunk);
    return hash.digest("hex");
  }

  /** Questions that ship with the corpus; for another graph, the texts of three of its documents ask for themselves. */
  async #questions(): Promise<Question[]> {
    if (this.#data === undefined) {
      const file = JSON.parse(await readFile(new URL("queries.json", CORPUS), "utf8")) as {
        queries: { query: string; embedding: number[]; documents: string[] }[];
      };
      return [0, 1, 3]
        .map((i) => file.queries[i]!)
        .map((q) => ({ text: q.query, vector: q.embedding, documents: q.documents }));
    }
    const questions: Question[] = [];
    for await (const { block } of parseOpenie(this.#data)) {
      const unit = block.textUnits[0];
      if (!unit?.embedding)
        throw new GraphkeeperError(
          "INVALID_VALUE",
          `${this.#data} has no embeddings beside it; the demo asks by vector.`,
          { field: "data" },
        );
      if (block.entities.length > 8)
        questions.push({ text: unit.text, vector: Array.from(unit.embedding), documents: unit.documents });
      if (questions.length === 3) break;
    }
    return questions;
  }

  #chapter(title: string, curl: string): void {
    this.#line("");
    this.#line(`${++this.#step}. ${title}`);
    this.#line(`   $ ${curl}`);
  }
  #said(text: string): void {
    this.#line(`   ${text}`);
  }
  #line(text: string): void {
    this.#output.result({ text }, text);
  }
}

async function* openieLines(path: string): AsyncIterable<string> {
  for await (const { block } of parseOpenie(path)) for (const line of blockLines(block)) yield `${line}\n`;
}

function shorten(text: string, length: number): string {
  const flat = text.replaceAll(/\s+/g, " ");
  return flat.length <= length ? flat : `${flat.slice(0, length - 1)}…`;
}
