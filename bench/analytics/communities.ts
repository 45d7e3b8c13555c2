import { writeFileSync } from "node:fs";
import path from "node:path";
import { type CsrGraph, csrFromEdges, disconnectedCommunities, leiden, pageRank } from "../../src/algorithms/index.ts";
import type { EdgePairs } from "./generators.ts";
import type { PeerAnswer, Peers } from "./peers.ts";
import { median, milliseconds, table, timed } from "./table.ts";

interface Row {
  name: string;
  ms: number[];
  modularity: number[];
  communities: number[];
  note: string;
}

/** Leiden against its peers: the same graph, the same number of iterations, runs interleaved, medians. */
export async function compareLeiden(peers: Peers, graph: EdgePairs, folder: string, rounds: number): Promise<string> {
  const file = writeGraph(graph, folder);
  const csr = csrFromEdges(graph.n, graph.sources, graph.targets);
  const rows = new Map<string, Row>();
  const note = (name: string, answer: PeerAnswer, remark = "") => {
    const row = rows.get(name) ?? { name, ms: [], modularity: [], communities: [], note: "" };
    rows.set(name, row);
    row.note = answer.error ?? remark;
    if (answer.ms === undefined) return;
    row.ms.push(answer.ms);
    row.modularity.push(answer.modularity!);
    row.communities.push(answer.communities!);
  };
  const slow = graph.n > 200_000;
  // Engines compile what is hot: one uncounted run of each kernel, as a service that runs for days has had.
  for (const kernel of ["wasm", "typescript"] as const) ours(csr, 1, 1, kernel);
  for (let round = 0; round < rounds; round++) {
    for (const iterations of [1, 2]) {
      for (const kernel of ["wasm", "typescript"] as const) {
        if (slow && kernel === "typescript") continue;
        const { answer, broken } = ours(csr, iterations, round + 1, kernel);
        note(`graphkeeper (${kernel}), ${iterations} it.`, answer, `${broken} disconnected`);
      }
      const request = { path: file, iterations, seed: round + 1 };
      note(`python-igraph, ${iterations} it.`, await peers.ask({ verb: "igraph-leiden", ...request }));
      if (round > 0 || iterations === 1 || slow) continue;
      note(`leidenalg, ${iterations} it.`, await peers.ask({ verb: "leidenalg-leiden", ...request }), "one run");
    }
  }
  if (graph.n <= 20_000) {
    note("networkx (Louvain)", await peers.ask({ verb: "networkx-louvain", path: file, seed: 1 }), "one run");
  }
  const base = (row: Row) => median(rows.get(`graphkeeper (wasm), ${row.name.includes("1 it.") ? 1 : 2} it.`)!.ms);
  const sorted = [...rows.values()].sort((a, b) => Number(a.name.includes("2 it.")) - Number(b.name.includes("2 it.")));
  const lines = sorted.map((row) => {
    if (row.ms.length === 0) return [row.name, "", "", "", "", row.note];
    const ms = median(row.ms);
    const share = row.name.startsWith("graphkeeper (wasm)") ? "" : `${(ms / base(row)).toFixed(1)} ×`;
    const range = `${milliseconds(Math.min(...row.ms))}–${milliseconds(Math.max(...row.ms))}`;
    const modularity = median(row.modularity).toFixed(5);
    return [row.name, `${milliseconds(ms)} (${range})`, share, modularity, median(row.communities), row.note];
  });
  const one = rows.get("graphkeeper (wasm), 1 it.")!;
  const two = rows.get("python-igraph, 2 it.")!;
  const ratio = (median(two.ms) / median(one.ms)).toFixed(1);
  const difference = (100 * (median(one.modularity) / median(two.modularity) - 1)).toFixed(2);
  const default2 = `Ours with 1 iteration against python-igraph with its default of 2: ${ratio} ×, modularity ${difference} %.`;
  const head = ["Leiden", "ms, median (range)", "time against ours", "modularity", "communities", "note"];
  const title = `### ${graph.name}: ${graph.n.toLocaleString("en-US")} nodes, ${graph.sources.length.toLocaleString("en-US")} edges`;
  return `${title}\n\n${table([head, ...lines])}\n\n${two.ms.length > 0 ? default2 : ""}\n`;
}

/** PageRank to convergence, and warm after 0.1 % of the edges changed their ends. */
export async function comparePageRank(peers: Peers, graph: EdgePairs, folder: string, rounds: number): Promise<string> {
  const file = writeGraph(graph, folder);
  const options = { directed: false, tolerance: 1e-9 };
  const cold: number[] = [];
  const warm: number[] = [];
  const igraph: number[] = [];
  const networkx: number[] = [];
  const { result: before } = timed(() => pageRank(graph, options));
  const targets = graph.targets.slice();
  for (let e = 0; e < targets.length; e += 1000) targets[e] = (targets[e]! * 7 + 1) % graph.n;
  const changed = { ...graph, targets };
  let iterations = "";
  for (let round = 0; round < rounds; round++) {
    const full = timed(() => pageRank(changed, options));
    const fast = timed(() => pageRank(changed, { ...options, warmStart: before.scores }));
    cold.push(full.ms);
    warm.push(fast.ms);
    iterations = `${full.result.iterations} and ${fast.result.iterations} iterations`;
    igraph.push((await peers.ask({ verb: "igraph-pagerank", path: file })).ms ?? Number.NaN);
    if (round === 0) networkx.push((await peers.ask({ verb: "networkx-pagerank", path: file })).ms ?? Number.NaN);
  }
  const cells = [cold, warm, igraph, networkx].map((values) => milliseconds(median(values)));
  const head = ["PageRank, ms", "ours, cold", "ours, warm after 0.1 %", "python-igraph (PRPACK)", "networkx", "note"];
  return `${table([head, [graph.name, ...cells, `${iterations} to 1e-9 (L1)`]])}\n`;
}

function ours(csr: CsrGraph, iterations: number, seed: number, kernel: "wasm" | "typescript") {
  const { result, ms } = timed(() => leiden(csr, { iterations, seed, kernel }));
  const { modularity, communities } = result;
  return {
    answer: { ms, modularity, communities },
    broken: result.levels.reduce((sum, level) => sum + disconnectedCommunities(csr, level).length, 0),
  };
}

/** n, m, sources, targets, all uint32: what peers.py reads. */
function writeGraph(graph: EdgePairs, folder: string): string {
  const file = path.join(folder, `${graph.name.replaceAll(" ", "-")}.bin`);
  const m = graph.sources.length;
  const words = new Uint32Array(2 + 2 * m);
  words[0] = graph.n;
  words[1] = m;
  words.set(graph.sources, 2);
  words.set(graph.targets, 2 + m);
  writeFileSync(file, words);
  return file;
}
