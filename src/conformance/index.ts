/**
 * The suites that hold stores to their ports. They import no test runner: the runner's `test` is an argument.
 */
export { block, library, type Sketch, vectorOf } from "./graph/blocks.ts";
export { type GraphStoreCase, runCase } from "./graph/case.ts";
export { violations } from "./graph/invariants.ts";
export { keyStoreSuite } from "./graph/keys.ts";
export {
  GRAPH_STORE_CASES,
  type GraphStoreCapabilities,
  type GraphStoreSuite,
  graphStoreSuite,
  type TestFunction,
} from "./graph/suite.ts";
export { type Collected, World } from "./graph/world.ts";
export { FakeClock } from "./jobs/clock.ts";
export { type JobStoreSuite, jobStoreConformance } from "./jobs/suite.ts";
