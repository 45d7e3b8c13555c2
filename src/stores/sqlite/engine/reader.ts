import { documentSize, takePage } from "../../../core/page.ts";
import type { Page } from "../../../core/ports.ts";
import type { DocumentRecord, DocumentStatus, GroupCounts, GroupState, OperationRecord } from "../../../core/words.ts";
import { findGroup, type GroupRow, groupState, needGroup } from "./change.ts";
import { DOCUMENT_COLUMNS, documentRecord } from "./documents.ts";
import { findOperation } from "./operations.ts";
import { CANDIDATE } from "./review.ts";
import type { Row, Session } from "./session.ts";

/** Small reads. */

export function groups(session: Session, query: { stale?: boolean; cursor?: string; limit: number }): Page<GroupState> {
  const rows = session.all(
    `SELECT * FROM groups WHERE id > ?1
       AND (?2 = 0 OR generation > collected_generation OR analytics_generation IS NULL OR generation > analytics_generation)
     ORDER BY id LIMIT ?3`,
    query.cursor ?? "",
    query.stale ? 1 : 0,
    query.limit + 1,
  );
  return page(
    rows,
    query.limit,
    (row) => groupState(row as Row as GroupRow),
    (item) => item.groupId,
  );
}

export function group(session: Session, groupId: string): GroupState | null {
  const row = findGroup(session, groupId);
  return row && groupState(row);
}

const HUB_RELATIONSHIPS = `SELECT ifnull(sum(
    (SELECT count(*) FROM relationships r WHERE r.g = h.g AND r.source = h.entity AND r.key > h.after) +
    (SELECT count(*) FROM relationships r WHERE r.g = h.g AND r.target = h.entity AND r.key > h.after)), 0) AS n
  FROM hubs h WHERE h.g = ?`;

export function counts(session: Session, groupId: string): GroupCounts {
  return session.read(() => {
    const row = needGroup(session, groupId);
    const candidates = (kind: number) =>
      session.get("SELECT count(*) AS n FROM candidates WHERE g = ? AND kind = ?", row.g, kind)?.n as number;
    const hubs = session.get(HUB_RELATIONSHIPS, row.g)?.n as number;
    return {
      documents: { active: row.documents_active, deprecated: row.documents_deprecated },
      textUnits: { live: row.units_live, parked: row.units_parked },
      entities: { live: row.entities_live, parked: row.entities_parked },
      relationships: { live: row.relationships_live, parked: row.relationships_parked },
      vectors: { searchable: row.vectors_searchable, parked: row.vectors_parked },
      candidates: {
        orphan_entities: candidates(CANDIDATE.orphan_entities),
        // With what hubs have left to look at, and entities whose similarity edges wait to be dropped.
        stale_edges: candidates(CANDIDATE.stale_edges) + candidates(CANDIDATE.similarity) + hubs,
        deprecated_vectors: candidates(CANDIDATE.deprecated_vectors),
      },
      similarityEdges: row.similarity_rows,
      communities: row.community_rows,
    };
  });
}

export function document(session: Session, groupId: string, documentId: string): DocumentRecord | null {
  return session.read(() => {
    const { g } = needGroup(session, groupId);
    const row = session.get(`SELECT ${DOCUMENT_COLUMNS} FROM documents d WHERE d.g = ? AND d.id = ?`, g, documentId);
    return row ? documentRecord(row) : null;
  });
}

export function documents(
  session: Session,
  groupId: string,
  query: { status?: Exclude<DocumentStatus, "purged">; cursor?: string; limit: number },
): Page<DocumentRecord> {
  return session.read(() => {
    const { g } = needGroup(session, groupId);
    const [status, ...values] =
      query.status === undefined ? [""] : ["AND d.active = ?", query.status === "active" ? 1 : 0];
    const found = session
      .sql(`SELECT ${DOCUMENT_COLUMNS} FROM documents d WHERE d.g = ? ${status} AND d.id > ? ORDER BY d.id LIMIT ?`)
      .iterate(g, ...values, query.cursor ?? "", query.limit + 1) as unknown as Iterable<Row>;
    const size = (row: Row) => documentSize(row.title as string | null, row.metadata as string | null);
    const { rows, more } = takePage(found, query.limit, size);
    return {
      items: rows.map(documentRecord),
      nextCursor: more ? ((rows.at(-1)?.id as string | undefined) ?? null) : null,
    };
  });
}

export function operation(session: Session, groupId: string, operationId: string): OperationRecord | null {
  return session.read(
    () => findOperation(session, needGroup(session, groupId).g, groupId, operationId)?.record ?? null,
  );
}

export function unfinished(session: Session, limit: number): { groupId: string; operationId: string }[] {
  return session
    .all(
      "SELECT g.id AS group_id, o.id FROM operations o JOIN groups g ON g.g = o.g WHERE o.rolling = 1 ORDER BY o.key LIMIT ?",
      limit,
    )
    .map((row) => ({ groupId: row.group_id as string, operationId: row.id as string }));
}

/** `rows` holds one row more than the page when there is another page. */
export function page<T>(rows: Row[], limit: number, item: (row: Row) => T, cursor: (item: T) => string): Page<T> {
  const items = rows.slice(0, limit).map(item);
  const last = items.at(-1);
  return { items, nextCursor: rows.length > limit && last !== undefined ? cursor(last) : null };
}
