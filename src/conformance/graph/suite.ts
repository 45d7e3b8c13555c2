import type { GraphStore } from "../../core/ports.ts";
import { ACKNOWLEDGEMENT_CASES } from "./acknowledgements.ts";
import { AGAIN_CASES } from "./again.ts";
import { ANALYTICS_CASES } from "./analytics.ts";
import { AUDIT_CASES } from "./audit.ts";
import { type GraphStoreCase, runCase } from "./case.ts";
import { COLLECTION_CASES } from "./collection.ts";
import { COMMUNITY_CASES } from "./communities.ts";
import { CONCURRENCY_CASES } from "./concurrency.ts";
import { GROUP_CASES } from "./groups.ts";
import { IMPACT_CASES } from "./impact.ts";
import { IMPORT_CASES } from "./import.ts";
import { LEASE_CASES } from "./leases.ts";
import { LIFECYCLE_CASES } from "./lifecycle.ts";
import { NEIGHBOURHOOD_CASES } from "./neighbourhood.ts";
import { OPERATION_CASES } from "./operations.ts";
import { PURGE_CASES } from "./purge.ts";
import { READING_CASES } from "./reading.ts";
import { REPLACE_CASES } from "./replace.ts";
import { RETENTION_CASES } from "./retention.ts";
import { STALENESS_CASES } from "./staleness.ts";
import { STATED_CASES } from "./stated.ts";
import { SWEEP_CASES } from "./sweep.ts";
import { UPSERT_CASES } from "./upsert.ts";

/** Every case, by name: the contract of a graph store, sentence by sentence. */
export const GRAPH_STORE_CASES: readonly GraphStoreCase[] = [
  ...IMPORT_CASES,
  ...UPSERT_CASES,
  ...AGAIN_CASES,
  ...REPLACE_CASES,
  ...LIFECYCLE_CASES,
  ...OPERATION_CASES,
  ...PURGE_CASES,
  ...COLLECTION_CASES,
  ...SWEEP_CASES,
  ...RETENTION_CASES,
  ...STATED_CASES,
  ...LEASE_CASES,
  ...CONCURRENCY_CASES,
  ...STALENESS_CASES,
  ...ANALYTICS_CASES,
  ...COMMUNITY_CASES,
  ...ACKNOWLEDGEMENT_CASES,
  ...READING_CASES,
  ...IMPACT_CASES,
  ...NEIGHBOURHOOD_CASES,
  ...AUDIT_CASES,
  ...GROUP_CASES,
];

export interface GraphStoreCapabilities {
  /** Cases that this store cannot keep, each with the reason; a name that is no case is an error. */
  skip?: readonly { case: string; reason: string }[];
}

/** The part of a test runner that the suite needs: that of node:test, vitest, jest or tape fits. */
export type TestFunction = (name: string, run: () => Promise<void>) => unknown;

export interface GraphStoreSuite {
  test: TestFunction;
  /** A fresh, empty store; a case closes what it opens. */
  open: () => Promise<GraphStore>;
  /** Where opening is dear: one store for all cases that don't need one of their own; the caller closes it. */
  shared?: () => Promise<GraphStore>;
  capabilities?: GraphStoreCapabilities;
}

/**
 * Holds a store to the contract of `GraphStore`: registers one test per case. Skipped cases are registered under a name that
 * tells the reason, so that nobody takes them for passed.
 */
export function graphStoreSuite({ test, open, shared, capabilities = {} }: GraphStoreSuite): void {
  const reasons = new Map((capabilities.skip ?? []).map(({ case: name, reason }) => [name, reason]));
  for (const name of reasons.keys()) {
    if (!GRAPH_STORE_CASES.some((graphCase) => graphCase.name === name))
      throw new Error(`There is no case ${JSON.stringify(name)}.`);
  }
  for (const graphCase of GRAPH_STORE_CASES) {
    const reason = reasons.get(graphCase.name);
    if (reason === undefined) test(graphCase.name, () => runCase(graphCase, open, shared));
    else test(`${graphCase.name} (not kept: ${reason})`, async () => {});
  }
}
