/** Graph and vector algorithms on typed arrays. This room imports nothing outside itself. */
export type { CommunityChange, LevelChange } from "./community-change.ts";
export { deserializeCommunities, openCommunities, serializeCommunities } from "./community-state.ts";
export { ConnectedComponents, connectedComponents } from "./components.ts";
export { AlgorithmCancelled, type Control } from "./control.ts";
export { type CsrGraph, csrFromEdges, edgesOf, type NodeIndices, strengths } from "./csr.ts";
export { type EdgeEdits, IncrementalCommunities, type IncrementalOptions } from "./incremental-communities.ts";
export { IncrementalComponents } from "./incremental-components.ts";
export { IncrementalKnn, type KnnChange } from "./incremental-knn.ts";
export { type Knn, type KnnOptions, knnBruteForce, type SimilarityEdges, symmetrise } from "./knn.ts";
export { type KnnExactOptions, knn } from "./knn-exact.ts";
export { leiden } from "./leiden.ts";
export type { LeidenOptions, LeidenResult } from "./leiden-driver.ts";
export { type MatchOptions, matchCommunities } from "./match.ts";
export { disconnectedCommunities, modularity } from "./modularity.ts";
export { type EdgeList, type PageRankOptions, type PageRankResult, pageRank } from "./pagerank.ts";
export { SlackGraph } from "./slack-graph.ts";
export { BrokenState } from "./state-bytes.ts";
