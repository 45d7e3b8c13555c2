/** Statements that read a whole label of the group on purpose: counts, snapshots, the sweep, listings. */
export const SCANS: ReadonlySet<string> = new Set([
  "countNodes",
  "countLiveEntities",
  "countFacts",
  "countDocuments",
  "scanUnits",
  "scanEntities",
  "scanMentions",
  "scanFacts",
  "searchUnits",
  "searchEntities",
  "listGroups",
  "documentsPage",
  // The uninstall walks over everything that is parked.
  "parkedEntitiesPage",
  "parkedUnitsPage",
  // Erasure where the writer keeps no provenance: the last writer's id is looked for on all facts.
  "scrubFacts",
  // Where the writer keeps lists on relationships alone, which only profiles of one's own do.
  "factsStatedBy",
  "parkedStatedBy",
]);

/** Statements that only our own import sends. */
export const IMPORT_ONLY: ReadonlySet<string> = new Set([
  "writeDocuments",
  "importUnits",
  "importUnitsOf",
  "importUnitRows",
  "createUnits",
  "giveVectors",
  "ownUnits",
  "importEntities",
  "writeEntities",
  "writeMentions",
  "importFacts",
  "importParked",
  "createParkedFacts",
  "updateFacts",
  "updateParked",
  "addSupports",
]);

/** The sweep reads page by page; without a key property there is no index to page over. */
export const SCANS_WITHOUT_KEY: ReadonlySet<string> = new Set([
  "entitiesPage",
  "factsPage",
  "entityLists",
  "parkedPageOfUnit",
  "parkedPageOfEntity",
]);
