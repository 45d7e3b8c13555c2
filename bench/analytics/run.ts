/**
 * Benchmarks of the analytics against their peers, side by side in one run.
 *
 *   node bench/analytics/run.ts [--rounds 5] [--large] [--write]
 *
 * --large measures a graph of 1 M nodes instead of all else; --write puts the report into bench/analytics/RESULTS.md
 * (RESULTS-1M.md) as well. The peers are installed from PyPI into a virtual environment in the temporary folder at the first start. Data: GRAPHKEEPER_TEST_DATA.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, loadavg, tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { estimateMemory } from "../../src/algorithms/index.ts";
import { compareLeiden, comparePageRank } from "./communities.ts";
import { lfr, rmat } from "./generators.ts";
import { compareIncremental, compareSequence } from "./incremental.ts";
import { compareMusique } from "./musique.ts";
import { compareKnn, type Embeddings } from "./neighbours.ts";
import { Peers } from "./peers.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    large: { type: "boolean", default: false },
    write: { type: "boolean", default: false },
  },
});
const rounds = Number(values.rounds);
const here = path.dirname(fileURLToPath(import.meta.url));
const dataFolder = path.resolve(here, "..", "..", process.env.GRAPHKEEPER_TEST_DATA ?? "../shared/data");
const folder = mkdtempSync(path.join(tmpdir(), "graphkeeper-bench-"));
const report: string[] = [];

function say(text: string): void {
  report.push(text);
  console.log(text);
}

function load(): string {
  return loadavg()
    .map((value) => value.toFixed(1))
    .join(", ");
}

function embeddings(): Embeddings | null {
  const file = path.join(dataFolder, "musique-entity-embeddings.i8.bin");
  if (!existsSync(file)) return null;
  const bytes = readFileSync(file);
  const vectors = Float32Array.from(new Int8Array(bytes.buffer, bytes.byteOffset, bytes.length));
  return { vectors, n: vectors.length / 384, d: 384 };
}

async function usual(): Promise<void> {
  say("## Full runs\n");
  for (const graph of [lfr(10_000, 10, 0.3, 300, 1), lfr(100_000, 10, 0.3, 1000, 1), rmat(100_000, 500_000, 2)]) {
    say(await compareLeiden(peers, graph, folder, rounds));
  }
  say("## Incremental communities\n");
  say("Two iterations for the full runs, as for ours. Communities of one member do not count: they have no summary.");
  say(
    "In brackets what no algorithm could do better than: the share of communities that the change neither tore apart nor",
  );
  say(
    "gave a node all of whose edges lead into it; the share that an inserted or removed edge lies inside of. This R-MAT",
  );
  say(
    "graph has some 20 communities of more than 20 nodes and about a hundred pairs: a change of 0.1 % touches most of the 20.\n",
  );
  say(compareIncremental(lfr(100_000, 10, 0.3, 1000, 1), rounds, [0.001, 0.01]));
  say(compareIncremental(rmat(100_000, 500_000, 2), rounds, [0.001, 0.01]));
  say("## Many changes of 0.1 %, one after the other\n");
  say(compareSequence([lfr(100_000, 10, 0.3, 1000, 1), rmat(100_000, 500_000, 2)], 60));
  say("## PageRank\n");
  say(await comparePageRank(peers, lfr(100_000, 10, 0.3, 1000, 1), folder, rounds));
  const data = embeddings();
  if (data === null) {
    say("The MuSiQue data is not at hand: no figures for k-NN.\n");
  } else {
    say("## k nearest neighbours (MuSiQue entities, real embeddings)\n");
    say(await compareKnn(peers, data, folder, Math.min(rounds, 3)));
    say("## End to end on MuSiQue\n");
    say(compareMusique(dataFolder, data));
  }
}

async function large(): Promise<void> {
  const graph = lfr(1_000_000, 10, 0.3, 2000, 1);
  say("## Full runs\n");
  say(await compareLeiden(peers, graph, folder, 1));
  say("## Incremental communities\n");
  say(compareIncremental(graph, Math.min(rounds, 3), [0.0001, 0.001]));
  const estimate = estimateMemory(graph.n, graph.sources.length, 0);
  const used = process.resourceUsage().maxRSS / 1024;
  const peak = `${Math.round(estimate.peak / 1048576)} MiB`;
  say(
    `Memory: estimated peak ${peak}; the whole process of this bench, generator included: ${Math.round(used)} MiB.\n`,
  );
}

const peers = new Peers();
try {
  const command = `node bench/analytics/run.ts --rounds ${rounds}${values.large ? " --large" : ""}`;
  say(
    `# Analytics, measured\n\n\`${command} --write\`, Node ${process.version}, ${cpus().length} × ${cpus()[0]!.model}.`,
  );
  say(`Load averages at the start: ${load()}. The machine was shared with other work.\n`);
  say(
    "Runs of ours and of the peers are interleaved, everything on one thread. Times are medians of processor time.\n",
  );
  if (values.large) await large();
  else await usual();
  say(`Load averages at the end: ${load()}.`);
} finally {
  peers.close();
  rmSync(folder, { recursive: true, force: true });
}
if (values.write)
  writeFileSync(path.join(here, values.large ? "RESULTS-1M.md" : "RESULTS.md"), `${report.join("\n")}\n`);
