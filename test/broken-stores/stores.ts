import type { GraphStore } from "../../src/core/ports.ts";
import {
  CandidatesOfABulkForgotten,
  GenerationNotRaised,
  GenerationReadAndWrittenApart,
  GuardNotAsked,
  HalfAnImport,
  IdempotencyForgotten,
  ImportTakesDecisionsBack,
  KeptUnitsGetNewVectors,
  MarkOutsideTheTransaction,
  NewTextOfTheDeprecatedShows,
  ParkedStaysSearchable,
  PurgeLeavesAMention,
  RestoreLeavesEntitiesToTheJob,
  VectorLostOnRestore,
} from "./lifecycle-faults.ts";
import {
  AuditEntryMissing,
  CollectionAcrossGroups,
  DryRunWrites,
  LostUpdateOfTheGeneration,
  MembersOfTheSummaryForgotten,
  OrphanStillMentioned,
  PublicationBringsPurgedBack,
  PurgedStaysInTheSummary,
  RetentionIgnoresLegalHold,
  StagedAnalyticsVisible,
  UnboundedBatch,
  UnfencedWrite,
  WindowIgnored,
  ZeroRowsSilentlyDeleted,
} from "./run-faults.ts";

/** Stores with one planted fault each, of the kind that real systems have had. */
export interface BrokenStore {
  fault: string;
  /** Cases that must find it, whatever else fails too. */
  foundBy: string[];
  open: () => GraphStore;
}

export const BROKEN_STORES: BrokenStore[] = [
  {
    fault: "the mark is set outside the transaction",
    foundBy: [
      "deprecate: the successor must be another document of the group",
      "guard: is the default when the call names none",
    ],
    open: () => new MarkOutsideTheTransaction(),
  },
  {
    fault: "a refused import leaves half of its block",
    foundBy: ["import: what a row names must be in the block or stored, or nothing is written"],
    open: () => new HalfAnImport(),
  },
  {
    fault: "an import restores what was deprecated and brings back what was purged",
    foundBy: [
      "again: a deprecated document stays so and is named, held or not, with a successor or not, its text the same or not",
      "again: a document that was purged stays away and is named, by a call or by the end of its window, until it is asked for",
      "again: a purged document is not brought back as an owner of a text unit",
    ],
    open: () => new ImportTakesDecisionsBack(),
  },
  {
    fault: "the new text of a deprecated document shows with an import",
    foundBy: ["again: of a block whose documents are kept in part, the rest is imported, and nothing of the kept ones"],
    open: () => new NewTextOfTheDeprecatedShows(),
  },
  {
    fault: "garbage collection reaches into other groups",
    foundBy: [
      "groups: whatever is done to one changes nothing of another that has the same names and ids",
      "groups: a new group begins with its first import, at generation 1, and cannot be collected across",
    ],
    open: () => new CollectionAcrossGroups(),
  },
  {
    fault: "an update of the generation is lost",
    foundBy: ["staleness: a change during a collection keeps the group stale"],
    open: () => new LostUpdateOfTheGeneration(),
  },
  {
    fault: "a restore does not raise the generation",
    foundBy: ["operation: an effective one raises the generation by one, with the record, at the time of the call"],
    open: () => new GenerationNotRaised(),
  },
  {
    fault: "the generation is read and written apart",
    foundBy: ["concurrency: calls made at the same time each have their effect, and a generation of their own"],
    open: () => new GenerationReadAndWrittenApart(),
  },
  {
    fault: "an orphan that is still mentioned is parked",
    foundBy: [
      "collect: an entity that another document's live unit mentions is never parked",
      "collect: what came back before the run is judged again and stays",
    ],
    open: () => new OrphanStillMentioned(),
  },
  {
    fault: "zero rows are deleted, and reported as deleted",
    foundBy: ["collect: parks exactly what the law says, kind by kind, and says how much"],
    open: () => new ZeroRowsSilentlyDeleted(),
  },
  {
    fault: "vectors are lost when a document is restored",
    foundBy: ["restore: brings everything back at once, what collection has parked included, bit for bit"],
    open: () => new VectorLostOnRestore(),
  },
  {
    fault: "a batch has no bounds",
    foundBy: ["collect: batches keep to their limit, page by cursor, and add up to the same"],
    open: () => new UnboundedBatch(),
  },
  {
    fault: "writes are not fenced",
    foundBy: [
      "fence: a holder whose lease went to another writes nothing",
      "fence: a holder whose lease has run out writes nothing, though nobody else has taken it",
      "fence: a lease runs out by the store's own time, whatever the caller's clock says",
      "fence: after a release nothing is written with it",
    ],
    open: () => new UnfencedWrite(),
  },
  {
    fault: "operation ids are forgotten",
    foundBy: [
      "operation: the same id again answers with the first record and has no second effect",
      "operation: the same id for another call is refused",
    ],
    open: () => new IdempotencyForgotten(),
  },
  {
    fault: "the audit misses what collection did",
    foundBy: ["audit: every effective call and batch has an entry, in order, with who, when and what"],
    open: () => new AuditEntryMissing(),
  },
  {
    fault: "staged analytics can be seen",
    foundBy: ["analytics: nothing that is staged can be seen until it is published, then all of it at once"],
    open: () => new StagedAnalyticsVisible(),
  },
  {
    fault: "a purge leaves a mention",
    foundBy: ["purge: leaves no trace in any record, count or search, and touches nothing else"],
    open: () => new PurgeLeavesAMention(),
  },
  {
    fault: "a bulk deprecation notes no candidates",
    foundBy: [
      "restore: brings everything back at once, what collection has parked included, bit for bit",
      "impact: says exactly what then happens, and changes nothing itself",
    ],
    open: () => new CandidatesOfABulkForgotten(),
  },
  {
    fault: "a restore leaves entities to the next job",
    foundBy: ["restore: brings everything back at once, what collection has parked included, bit for bit"],
    open: () => new RestoreLeavesEntitiesToTheJob(),
  },
  {
    fault: "a search finds deprecated texts",
    foundBy: ["deprecate: a vector search of texts does not find the document's own units when the call returns"],
    open: () => new ParkedStaysSearchable(),
  },
  {
    fault: "a replace overwrites the vectors of texts that did not change",
    foundBy: ["replace: an equal text keeps its old unit's id, vector, mentions and support, whatever its new id"],
    open: () => new KeptUnitsGetNewVectors(),
  },
  {
    fault: "retention ignores legal hold",
    foundBy: ["retention: legal hold keeps a document for ever; released, it goes"],
    open: () => new RetentionIgnoresLegalHold(),
  },
  {
    fault: "the restore window is ignored",
    foundBy: [
      "retention: inside the restore window nothing is purged; at its end the document is, as by purge",
      "retention: a window without end purges nothing, ever",
    ],
    open: () => new WindowIgnored(),
  },
  {
    fault: "a dry run is not dry",
    foundBy: ["collect: a dry run changes nothing and tells what a run then does"],
    open: () => new DryRunWrites(),
  },
  {
    fault: "a publication brings purged entities back",
    foundBy: [
      "purge: published and staged rows of purged entities vanish at once and do not come back with a publication",
    ],
    open: () => new PublicationBringsPurgedBack(),
  },
  {
    fault: "the blast-radius guard is not asked",
    foundBy: ["guard: refuses in the transaction what would hide more entities than allowed, unless forced"],
    open: () => new GuardNotAsked(),
  },
  {
    fault: "the members that were summarised are forgotten",
    foundBy: [
      "analytics: the members that were summarised are kept until the next acknowledgement, without what was purged",
    ],
    open: () => new MembersOfTheSummaryForgotten(),
  },
  {
    fault: "a purged entity stays among the members that were summarised",
    foundBy: [
      "analytics: the members that were summarised are kept until the next acknowledgement, without what was purged",
    ],
    open: () => new PurgedStaysInTheSummary(),
  },
];
