/**
 * Every bug and complaint of the systems that Graphkeeper was measured against, and the test that would find it here.
 * `table.test.ts` checks that each test exists under its title. `none` says why an entry has no test.
 */
export interface Entry {
  /** Where it was reported or measured. */
  of: string;
  /** What went wrong, or what was asked for. */
  what: string;
  /** Files and beginnings of titles. */
  tests?: [file: string, title: string][];
  none?: string;
}

const BUGS = "test/neo4j/bugs.test.ts";
const JOBS = "test/neo4j/bugs-jobs.test.ts";
const PEERS = "test/neo4j/bugs-peers.test.ts";
const LAW = "test/profiles/law.test.ts";
const here = (file: string) => `test/bugs/${file}.test.ts`;
const cases = (file: string) => `src/conformance/graph/${file}.ts`;
const ROUND = "ten documents deprecated, collected, restored: the writer's graph is what it was; purged: no trace";

/** The original's, B1 to B20. */
export const ORIGINAL: Entry[] = [
  ...[1, 2, 3, 4, 5, 7, 11, 14, 19, 20].map((n) => ({
    of: `B${n}`,
    what: "",
    tests: [[BUGS, `B${n}: `]] as [string, string][],
  })),
  { of: "B6", what: "stale is cleared without any work", tests: [[BUGS, "B6, B9: "]] },
  { of: "B8", what: "facts without provenance", tests: [[BUGS, "B8, B10: "]] },
  { of: "B9", what: "the stale flag is a lost update", tests: [[BUGS, "B6, B9: "]] },
  { of: "B10", what: "orphans are labelled, never purged", tests: [[BUGS, "B8, B10: "]] },
  { of: "B12", what: "similarity loses pairs", tests: [[JOBS, "B12: "]] },
  { of: "B13", what: "communities are rebuilt from zero", tests: [[JOBS, "B13: "]] },
  { of: "B15", what: "deleted by file name, indexed by a random id", tests: [[here("original"), "B15: "]] },
  { of: "B16", what: "no jobs; blocking calls; a driver per request", tests: [[JOBS, "B16: "]] },
  { of: "B17", what: "health by absolute numbers", tests: [[here("original"), "B17: "]] },
  { of: "B18", what: "errors of the sync are logged, never raised", tests: [[JOBS, "B18: "]] },
];

/** What users of the peers complain about, numbered as in the list of lessons. */
export const COMPLAINTS: Entry[] = [
  {
    of: "HKUDS/LightRAG#2795, #2765",
    what: "85 deletions rebuild 85 times",
    tests: [[here("lightrag"), "LightRAG #2795, #2765: "]],
  },
  {
    of: "HKUDS/LightRAG#2690; nageoffer/ragent#115; rwlove/home-ops#13128",
    what: "delete refused as busy; delete and insert lose the document",
    tests: [
      [here("lightrag"), "LightRAG #2690: "],
      [cases("leases"), "lease: lifecycle calls are never refused because a run holds the group"],
    ],
  },
  {
    of: "HKUDS/LightRAG#2442, PR #2514",
    what: "caches outlive the document",
    tests: [[here("lightrag"), "LightRAG #2442, cognee #3526: "]],
  },
  {
    of: "HKUDS/LightRAG#1555, PR #1554; getzep/graphiti#1837",
    what: "a deleted fact lives on in a summary",
    tests: [[here("lightrag"), "LightRAG #1555, graphiti #1837: "]],
  },
  {
    of: "HKUDS/LightRAG#3831, #2219, #4055",
    what: "a changed file changes everything",
    tests: [
      [
        cases("replace"),
        "replace: an equal text keeps its old unit's id, vector, mentions and support, whatever its new id",
      ],
    ],
  },
  {
    of: "HKUDS/LightRAG#2904, #2373; getzep/graphiti#1705",
    what: "routes and statements that forget the tenant",
    tests: [
      ["test/http/tenants.test.ts", "%s: a foreign group and a missing one answer alike"],
      [
        "test/profiles/format.test.ts",
        "every statement of every profile names the group, but for those that list groups",
      ],
      ["test/neo4j/mutation.test.ts", "native: sent for another group"],
    ],
  },
  {
    of: "microsoft/graphrag#469, #1613, #1972, #2078",
    what: "updates that only delete or edit",
    tests: [[here("graphrag"), "graphrag #469, #1613, #1972, #2078: "]],
  },
  {
    of: "microsoft/graphrag#2540",
    what: "communities name ids that are gone",
    tests: [[here("graphrag"), "graphrag #2540; "]],
  },
  {
    of: "microsoft/graphrag#741, #746, #431",
    what: "all summaries are paid again",
    tests: [
      [here("graphrag"), "graphrag #741, #746, #431: "],
      ["test/maintenance/summaries.test.ts", "the estimate: characters of what changed against those of all"],
    ],
  },
  {
    of: "getzep/graphiti#1083, PR #1130",
    what: "orphans that never had a mention",
    tests: [[here("graphiti"), "graphiti #1083, PR #1130: "]],
  },
  {
    of: "getzep/graphiti#1401, #402, #1397, PR #1844",
    what: "label propagation without an end; a model's call for each entity",
    tests: [
      [here("graphiti"), "graphiti #1401, #402, #1397, PR #1844: "],
      [
        "test/maintenance/collect.test.ts",
        "a recompute that takes longer than its time budget ends and publishes nothing",
      ],
      ["test/maintenance/round-trip.test.ts", "a cancelled recompute ends within 2 s and publishes nothing"],
    ],
  },
  {
    of: "topoteretes/cognee#3526",
    what: "cached answers outlive the fact",
    tests: [[here("lightrag"), "LightRAG #2442, cognee #3526: "]],
  },
  {
    of: "neo4j/neo4j-graphrag-python#422, #221, #419",
    what: "remove by document id where entities are merged",
    tests: [
      [LAW, ROUND],
      ["test/profiles/doctor.test.ts", "dirt of every kind is found, with counts and samples"],
    ],
  },
  {
    of: "neo4j-labs/llm-graph-builder#1092, PR #904, #935",
    what: "statements of a newer server; residual nodes",
    tests: [
      ["test/neo4j/plans.test.ts", "an index stands behind each lookup"],
      [LAW, ROUND],
    ],
  },
  {
    of: "run-llama/llama_index#19459, #16388, #20454, #16404",
    what: "deleted, and still answered from",
    tests: [
      [LAW, ROUND],
      [cases("purge"), "purge: leaves no trace in any record, count or search, and touches nothing else"],
    ],
  },
  {
    of: "mem0ai/mem0#3245, #4187",
    what: "vector deleted, graph left; hard where soft was promised",
    tests: [[here("others"), "mem0 #3245, #4187: "]],
  },
  {
    of: "infiniflow/ragflow PR #7151, #6462, #15791",
    what: "one delete lost the whole graph",
    tests: [[here("others"), "ragflow PR #7151, #6462, #15791: "]],
  },
  {
    of: "langchain-ai/langchain#39937, #22135, #40226; langchainjs#7924",
    what: "the ledger says indexed, the store holds little",
    tests: [
      ["test/maintenance/verify.test.ts", "%s is found"],
      [JOBS, "B18: "],
    ],
  },
  {
    of: "vectorize-io/hindsight#2657, #3196, PR #3409",
    what: "a sweep that never ends within the time-out",
    tests: [
      [
        "test/maintenance/collect.test.ts",
        "a run that is aborted after every batch and goes on from its checkpoint ends as one that was not",
      ],
      ["test/sqlite/hubs.test.ts", "the relationships of a hub follow it step by step, there and back"],
      ["test/sqlite/plans.test.ts", "no statement of a change or a collection reads a whole table or group"],
    ],
  },
  {
    of: "georgeguimaraes/arcana#111",
    what: "communities go stale silently; the sweep eats others' orphans",
    tests: [[here("others"), "arcana #111: "]],
  },
  {
    of: "Graphify-Labs/graphify#741, #2452; vtraag/leidenalg#127; neo4j/graph-data-science#341",
    what: "ids of communities change although nothing did",
    tests: [
      ["test/maintenance/round-trip.test.ts", "an unchanged graph: no community changed, no row written"],
      [JOBS, "B13: "],
    ],
  },
  {
    of: "MemTensor/MemOS#1360; spring-projects/spring-ai#6990; getzep/graphiti#1793",
    what: "a small or much deprecated tenant finds too little",
    tests: [[here("others"), "MemOS #1360, spring-ai #6990, graphiti #1793: "]],
  },
  {
    of: "param20h/PDF-Assistant-RAG#486, #399; codecoradev/uteke#1189",
    what: "soft-deleted documents still answer",
    tests: [
      [BUGS, "B1: "],
      [
        cases("lifecycle"),
        "deprecate: a vector search of texts does not find the document's own units when the call returns",
      ],
    ],
  },
  {
    of: "DeytaHQ/khora#923; semantica-agi/semantica#1018; Significant-Gravitas/AutoGPT PR #12720",
    what: "forgetting reports success and leaves copies",
    tests: [
      ["test/cli/lifecycle.test.ts", "purging needs the ids again, passes no legal hold, and ends with a certificate"],
      ["test/sqlite/file.test.ts", "is in no byte of the data file or its log once the log is emptied"],
    ],
  },
  {
    of: "FalkorDB/GraphRAG-SDK#284",
    what: "updates one after the other only",
    tests: [[here("others"), "FalkorDB GraphRAG-SDK #284: "]],
  },
];

/** Asked for in passing. */
export const WISHES: Entry[] = [
  {
    of: "manhhailua/lorekeep#266",
    what: "orphans in quarantine instead of deleted",
    tests: [
      [
        cases("retention"),
        "retention: inside the restore window nothing is purged; at its end the document is, as by purge",
      ],
    ],
  },
  {
    of: "getzep/graphiti#864, rohitg00/agentmemory#63, memgraph/memgraph#856",
    what: "retention",
    tests: [
      ["test/maintenance/collect.test.ts", "documents whose restore window is over are purged, those on hold are not"],
    ],
  },
  {
    of: "suitenumerique/docs#1424, param20h/PDF-Assistant-RAG PR #658",
    what: "restore",
    tests: [
      [cases("lifecycle"), "restore: brings everything back at once, what collection has parked included, bit for bit"],
    ],
  },
  {
    of: "Abhigyan-Shekhar/Waggle-mcp#458",
    what: "no recompute of what did not change",
    tests: [[here("others"), "Waggle-mcp #458: "]],
  },
];

/** Bugs found by reading the peers' code, and what their libraries did on a real Neo4j. */
export const MEASURED: Entry[] = [
  {
    of: "llm-graph-builder",
    what: "deletes nothing when all entities are shared, leaves chunks when some are",
    tests: [[PEERS, "llm-graph-builder: a file whose entities are all shared"]],
  },
  {
    of: "llm-graph-builder",
    what: "two files share one chunk",
    tests: [[PEERS, "llm-graph-builder: a passage that two files share"]],
  },
  {
    of: "llm-graph-builder",
    what: "reprocess walks PART_OF backwards",
    tests: [[PEERS, "llm-graph-builder 'reprocess'"]],
  },
  { of: "llm-graph-builder", what: "one huge transaction", tests: [[PEERS, "llm-graph-builder 'IN TRANSACTIONS'"]] },
  {
    of: "graphiti remove_episode",
    what: "a fact that others confirm is deleted; dead ids stay",
    tests: [
      [PEERS, "graphiti: a fact that other episodes confirm"],
      [here("graphiti"), "graphiti remove_episode: "],
    ],
  },
  {
    of: "graphiti remove_episode",
    what: "facts that the removed episode had invalidated stay invalid",
    none: "Graphkeeper sets no validity times: they are the writer's own, kept and given back as they are",
  },
  {
    of: "graphiti REST",
    what: "DELETE /episode removes only the node",
    tests: [[here("graphiti"), "graphiti REST DELETE /episode"]],
  },
  {
    of: "graphiti delete_by_group_id",
    what: "IN TRANSACTIONS in a managed transaction",
    tests: [[PEERS, "graphiti delete_by_group_id"]],
  },
  { of: "R2R", what: "counts change before the check, and for what stays", tests: [[here("others"), "R2R: "]] },
  {
    of: "cognee",
    what: "a delete loads the whole graph",
    tests: [[PEERS, "cognee loads the whole graph for each delete"]],
  },
  {
    of: "AWS graphrag-toolkit",
    what: "delete statements without a label are scoped by nothing",
    tests: [
      ["test/neo4j/plans.test.ts", "an index stands behind each lookup"],
      [LAW, ROUND],
    ],
  },
  {
    of: "RAGFlow",
    what: "cleanup fails, success is returned",
    tests: [[here("others"), "RAGFlow logs that the cleanup"]],
  },
  {
    of: "Microsoft GraphRAG",
    what: "communities point at discarded ids",
    tests: [[here("graphrag"), "graphrag #2540; "]],
  },
  {
    of: "LlamaIndex, measured",
    what: "entities, vectors and facts of a deleted document stay; shared ones go",
    tests: [[LAW, ROUND]],
  },
  { of: "LangChain, measured", what: "no delete; a changed document leaves the old entities", tests: [[LAW, ROUND]] },
  { of: "neo4j-graphrag, measured", what: "a second run makes a second document", tests: [[LAW, ROUND]] },
  {
    of: "LightRAG, measured",
    what: "a changed text under the same id is refused",
    tests: [[here("lightrag"), "LightRAG, measured: "]],
  },
  {
    of: "graphiti, measured",
    what: "communities without members, dead facts in summaries",
    tests: [[here("graphiti"), "graphiti, measured: "]],
  },
];
