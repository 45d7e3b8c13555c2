import {
  BrokenState,
  deserializeCommunities,
  type IncrementalCommunities,
  serializeCommunities,
} from "../algorithms/index.ts";

/** What the next run goes on from. Lost or damaged, it costs a full run and nothing else. */
export interface AnalysisState {
  /** Entity of each node of the communities; "" where the node is not used. */
  ids: string[];
  communities: IncrementalCommunities;
  /** Table of nearest neighbours in bytes, and the entity and vector hash of each of its rows; null = search anew. */
  knn: Uint8Array | null;
  knnIds: string[];
  vectorHashes: BigUint64Array;
  dimension: number;
  /** Of the last search of all rows. */
  recall: number;
}

const VERSION = 3;
const HEADER_BYTES = 16;

/** A header with the length of its JSON part, then JSON, then the three binary parts one after the other. */
export function packAnalysisState(state: AnalysisState): Uint8Array {
  const communities = serializeCommunities(state.communities);
  const knn = state.knn ?? new Uint8Array(0);
  const hashes = new Uint8Array(
    state.vectorHashes.buffer,
    state.vectorHashes.byteOffset,
    state.vectorHashes.byteLength,
  );
  const same = state.knnIds.length === state.ids.length && state.knnIds.every((id, i) => id === state.ids[i]);
  const json = Buffer.from(
    JSON.stringify({
      version: VERSION,
      dimension: state.dimension,
      recall: state.recall,
      ids: state.ids,
      knnIds: same ? "ids" : state.knnIds,
      lengths: [communities.length, knn.length, hashes.length],
    }),
  );
  const header = Buffer.alloc(HEADER_BYTES);
  header.write("GKSTATE1", 0, "latin1");
  header.writeUInt32LE(json.length, 8);
  return Buffer.concat([header, json, communities, knn, hashes]);
}

/** @returns null when there is no state or none that can be used */
export function unpackAnalysisState(bytes: Uint8Array | null): AnalysisState | null {
  if (bytes === null || bytes.length < HEADER_BYTES) return null;
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (buffer.toString("latin1", 0, 8) !== "GKSTATE1") return null;
  try {
    const jsonEnd = HEADER_BYTES + buffer.readUInt32LE(8);
    const json = JSON.parse(buffer.toString("utf8", HEADER_BYTES, jsonEnd)) as {
      version: number;
      dimension: number;
      recall: number;
      ids: string[];
      knnIds: string[] | "ids";
      lengths: [number, number, number];
    };
    if (json.version !== VERSION) return null;
    const [first, second, third] = json.lengths;
    if (buffer.length !== jsonEnd + first + second + third) return null;
    const part = (from: number, length: number) => new Uint8Array(bytes.buffer, bytes.byteOffset + from, length);
    // What is kept for a while is copied out, so that the rest of the bytes can go.
    const copy = (from: number, length: number) => Uint8Array.from(part(from, length));
    const hashes = copy(jsonEnd + first + second, third);
    return {
      ids: json.ids,
      communities: deserializeCommunities(part(jsonEnd, first)),
      knn: second === 0 ? null : copy(jsonEnd + first, second),
      knnIds: json.knnIds === "ids" ? json.ids : json.knnIds,
      vectorHashes: new BigUint64Array(hashes.buffer, 0, third / 8),
      dimension: json.dimension,
      recall: json.recall,
    };
  } catch (error) {
    if (error instanceof BrokenState || error instanceof SyntaxError || error instanceof RangeError) return null;
    throw error;
  }
}
