import type { CollectOptions } from "../../../core/ports.ts";
import type { CollectionBatch, CollectionKind, Fence, JsonObject } from "../../../core/words.ts";
import { type Batch, isFull, type Phase } from "./batch.ts";
import { appendAudit, beginChange, type Change, raiseGeneration, saveGroup } from "./change.ts";
import { EDGE_PHASES } from "./collect-edges.ts";
import { ENTITY_PHASES } from "./collect-entities.ts";
import { VECTOR_PHASES } from "./collect-vectors.ts";
import { needFence } from "./leases.ts";
import { REVIEW_LIMIT } from "./review.ts";
import type { Session } from "./session.ts";

const PHASES: Record<CollectionKind, readonly Phase[]> = {
  orphan_entities: ENTITY_PHASES,
  stale_edges: EDGE_PHASES,
  deprecated_vectors: VECTOR_PHASES,
};

/** One bounded batch in one transaction; a dry run is the same one, taken back. */
export function collect(
  session: Session,
  fence: Fence,
  kind: CollectionKind,
  options: CollectOptions,
): CollectionBatch {
  return session.writeStep(() => {
    const change = beginChange(session, needFence(session, fence, options.now), options.now);
    if (!options.dryRun) return runBatch(change, kind, options);
    session.db.exec("SAVEPOINT dry_run");
    try {
      return runBatch(change, kind, options);
    } finally {
      if (session.db.isTransaction) {
        session.db.exec("ROLLBACK TO dry_run");
        session.db.exec("RELEASE dry_run");
      }
    }
  });
}

function runBatch(change: Change, kind: CollectionKind, options: CollectOptions): CollectionBatch {
  const batch: Batch = {
    change,
    options,
    examined: 0,
    deleted: 0,
    purged: 0,
    ids: [],
    changed: false,
    relationshipRoom: REVIEW_LIMIT,
  };
  const cursor = runPhases(batch, PHASES[kind]);
  change.session.failpoint("collect:judged");
  const { examined, deleted, purged, changed } = batch;
  const ids = [...new Set(batch.ids)].slice(0, options.limit);
  if (changed) {
    raiseGeneration(change);
    const detail = { examined, deleted, purged, ids } as unknown as JsonObject;
    appendAudit(change, { at: options.now, actor: "collection", action: "collect", ref: kind, detail });
  }
  saveGroup(change);
  return { examined, deleted, purged, kept: 0, changed, cursor, ids };
}

/** The cursor is the name of a phase and the position in it. */
function runPhases(batch: Batch, phases: readonly Phase[]): string | null {
  const [name, ...position] = (batch.options.cursor ?? "").split(" ");
  const first = Math.max(
    0,
    phases.findIndex((phase) => phase.name === name),
  );
  for (let i = first; i < phases.length; i++) {
    const phase = phases[i] as Phase;
    if (isFull(batch)) return phase.name;
    const last = phase.run(batch, i === first ? position.map(Number) : []);
    if (last !== null) return [phase.name, ...last].join(" ");
  }
  return null;
}
