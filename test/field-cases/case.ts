import { createReadStream } from "node:fs";
import { fileURLToPath } from "node:url";
import type { LocatedBlock } from "../../src/documents/import.ts";
import { parseNative } from "../../src/formats/native.ts";
import type { Graphkeeper } from "../../src/service.ts";

/** The stores on which a field case runs: the reference model, the embedded file, a real Neo4j with the native profile. */
export const STORES = ["memory", "sqlite", "neo4j"] as const;
export type StoreName = (typeof STORES)[number];

/** A real file or graph in the shape of a public report, with the value that is right by the source and not by our code. */
export interface FieldCase {
  /** File or folder of `inputs/`, whose README tells the report. */
  input: string;
  /** The right value, in words. */
  expected: string;
  /** All of them when absent. */
  stores?: readonly StoreName[];
  run(world: FieldWorld): Promise<void>;
}

export interface FieldWorld {
  store: StoreName;
  graphkeeper: Graphkeeper;
  /** A group that no other case uses. */
  group: string;
  /** Runs a kind to its end and returns the result. */
  maintain(kind: "gc_all" | "recompute", params?: Record<string, boolean>): Promise<Record<string, unknown>>;
  /** Confirmed, and past the guard. */
  purge(ids: string[]): Promise<unknown>;
}

export function inputPath(name: string): string {
  return fileURLToPath(new URL(`inputs/${name}`, import.meta.url));
}

export function nativeInput(name: string): AsyncIterable<LocatedBlock> {
  return parseNative(createReadStream(inputPath(name)));
}
