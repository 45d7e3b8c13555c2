import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const root = path.dirname(path.dirname(path.dirname(fileURLToPath(import.meta.url))));
const folder = path.resolve(root, process.env.GRAPHKEEPER_TEST_DATA ?? "../shared/data");
const file = path.join(folder, "musique-entity-embeddings.i8.bin");

/** Sentence embeddings of 19,140 entity names, 384 components each; null where the data is not at hand. */
export function musiqueVectors(): { vectors: Float32Array; n: number; d: number } | null {
  if (!existsSync(file)) return null;
  const bytes = readFileSync(file);
  const d = 384;
  // The scale of each row does not matter for cosines.
  const vectors = Float32Array.from(new Int8Array(bytes.buffer, bytes.byteOffset, bytes.length));
  return { vectors, n: vectors.length / d, d };
}
