import { writeFileSync } from "node:fs";
import path from "node:path";
import { IncrementalKnn, knn, nearestNeighbours, recallOf } from "../../src/algorithms/index.ts";
import { emptyKnn } from "../../src/algorithms/knn.ts";
import { listSize, presentRows, searchExact } from "../../src/algorithms/knn-exact.ts";
import { QuantisedVectors } from "../../src/algorithms/quantised.ts";
import { unitVectors } from "../../src/algorithms/vectors.ts";
import type { PeerAnswer, Peers } from "./peers.ts";
import { median, milliseconds, table, timed } from "./table.ts";

const K = 10;
const QUERIES = 2000;

export interface Embeddings {
  vectors: Float32Array;
  n: number;
  d: number;
}

/** Exact k-NN on real embeddings against exact peers, one thread each; then cells and incremental against our exact run. */
export async function compareKnn(peers: Peers, data: Embeddings, folder: string, rounds: number): Promise<string> {
  const { vectors, n, d } = data;
  const units = unitVectors(vectors, n, d);
  const file = path.join(folder, "vectors.bin");
  writeFileSync(file, units.rows);
  const times = { ours: [] as number[], faiss: [] as number[], usearch: [] as number[] };
  const truth = emptyKnn(n, K);
  const errors: string[] = [];
  let agreement = "";
  for (let round = 0; round < rounds; round++) {
    times.ours.push(timed(() => searchFirst(vectors, n, d, truth)).ms);
    for (const peer of ["faiss", "usearch"] as const) {
      const answer = await peers.ask({ verb: `${peer}-exact`, path: file, d, k: K, queries: QUERIES });
      if (answer.ms === undefined) errors.push(`${peer}: ${answer.error}`);
      else {
        times[peer].push(answer.ms);
        if (round === 0) agreement += ` ${peer} ${(100 * agreementWith(truth, answer)).toFixed(1)} %`;
      }
    }
  }
  const ours = median(times.ours);
  const line = (name: string, values: number[], remark: string) =>
    values.length === 0
      ? [name, "", "", "", errors.join("; ")]
      : [
          name,
          milliseconds(median(values)),
          ((QUERIES * n * d) / median(values) / 1e6).toFixed(1),
          `${(median(values) / ours).toFixed(1)} ×`,
          remark,
        ];
  const exact = table([
    [`exact, ${QUERIES} queries × ${n} rows × ${d}`, "ms", "10⁹ products/s", "time against ours", "note"],
    line("graphkeeper (WASM, int16 + float32)", times.ours, "equal to float32 brute force bit for bit"),
    line("faiss IndexFlatIP", times.faiss, "one thread"),
    line("usearch exact", times.usearch, "one thread"),
  ]);
  return `${exact}\n\nThe same neighbours as ours for the first 50 rows:${agreement}.\n\n${ownTable(data)}\n`;
}

function searchFirst(vectors: Float32Array, n: number, d: number, into: ReturnType<typeof emptyKnn>): void {
  const units = unitVectors(vectors, n, d);
  const rows = presentRows(units);
  const quantised = QuantisedVectors.of(units, rows, 64, listSize(K));
  searchExact(units, quantised, rows.subarray(0, QUERIES), rows, -1, into, {});
}

function agreementWith(truth: ReturnType<typeof emptyKnn>, answer: PeerAnswer): number {
  let same = 0;
  for (const [i, ids] of answer.first!.entries()) {
    const found = new Set(ids);
    for (let r = 0; r < K; r++) if (found.has(truth.neighbours[i * K + r]!)) same++;
  }
  return same / (answer.first!.length * K);
}

function ownTable({ vectors, n, d }: Embeddings): string {
  const every = Uint32Array.from({ length: n }, (_, i) => i);
  const exact = timed(() => knn(vectors, n, d, { k: K }));
  const rows: (string | number)[][] = [
    [`own searches, ${n} × ${d}, k = ${K}`, "ms", "recall", "note"],
    ["exact, all rows", milliseconds(exact.ms), "1", ""],
  ];
  for (const recall of [0.9, 0.95, 0.99]) {
    const cells = timed(() => nearestNeighbours(vectors, n, d, { k: K, exactUpTo: 0, recall }));
    const { probes, cells: count, rounds, recall: estimate } = cells.result;
    const found = recallOf(cells.result.knn, exact.result, every).toFixed(4);
    const note = `asked ${recall}, estimated ${estimate.toFixed(4)}; ${probes} of ${count} cells, ${rounds} rounds`;
    rows.push(["cells", milliseconds(cells.ms), found, note]);
  }
  const incremental = IncrementalKnn.fromVectors(vectors, n, d, { k: K });
  for (const share of [0.001, 0.01]) {
    const count = Math.round(n * share);
    const changed = Array.from({ length: count }, (_, r) => Math.floor((r * n) / count));
    const values = vectors.slice(0, count * d);
    const update = timed(() => incremental.update(changed, values));
    const note = `${update.result.searched} rows searched again; equal to a full exact run bit for bit`;
    rows.push([`incremental, ${100 * share} % of the rows changed`, milliseconds(update.ms), "1", note]);
  }
  return table(rows);
}
