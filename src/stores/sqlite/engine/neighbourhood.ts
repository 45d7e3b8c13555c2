import { GraphkeeperError } from "../../../core/errors.ts";
import {
  LABEL_LENGTH,
  type Neighbourhood,
  NeighbourhoodBuilder,
  type NeighbourhoodQuery,
  RELATIONSHIPS_LOOKED_AT,
  unitShare,
} from "../../../core/neighbourhood.ts";
import type { Presence } from "../../../core/words.ts";
import { needGroup } from "./change.ts";
import type { Row, Session } from "./session.ts";

/** Owners of one text unit that are shown. */
const OWNERS = 20;

const presence = (live: unknown): Presence => (live === 1 ? "live" : "parked");

/** What lies around a document or an entity. Cost: index reads in proportion to `limit`, however large the group is. */
export function neighbourhood(session: Session, groupId: string, query: NeighbourhoodQuery): Neighbourhood {
  return session.read(() => {
    const { g } = needGroup(session, groupId);
    const around = new Around(session, g, new NeighbourhoodBuilder(groupId, query.limit), query.limit);
    if (query.of === "document") around.document(query.id);
    else around.entity(query.id);
    return around.built.build();
  });
}

class Around {
  readonly built: NeighbourhoodBuilder;
  readonly #session: Session;
  readonly #g: number;
  readonly #limit: number;
  /** Entities of the answer, by key. */
  readonly #entities = new Map<number, string>();

  constructor(session: Session, g: number, built: NeighbourhoodBuilder, limit: number) {
    this.#session = session;
    this.#g = g;
    this.built = built;
    this.#limit = limit;
  }

  document(id: string): void {
    const row = this.#session.get("SELECT key, id, title, active FROM documents WHERE g = ? AND id = ?", this.#g, id);
    if (!row)
      throw new GraphkeeperError("DOCUMENT_NOT_FOUND", "There is no such document in this group.", { document: id });
    this.#addDocument(row);
    const units = this.#some(
      unitShare(this.#limit),
      "SELECT u.key, u.id, u.live FROM owners o CROSS JOIN text_units u WHERE o.g = ? AND o.document = ? AND u.key = o.unit LIMIT ?",
      row.key as number,
    );
    for (const unit of units) this.#addUnit(unit);
    for (const unit of units) this.#mention(unit, true);
    for (const unit of units) this.#addOwners(unit);
    this.#relate();
  }

  entity(id: string): void {
    const row = this.#session.get("SELECT key, id, name, type, live FROM entities WHERE g = ? AND id = ?", this.#g, id);
    if (!row) throw new GraphkeeperError("NOT_FOUND", "There is no such entity in this group.", { entity: id });
    this.#addEntity(row);
    const units = this.#some(
      unitShare(this.#limit),
      "SELECT u.key, u.id, u.live FROM mentions m CROSS JOIN text_units u WHERE m.g = ? AND m.entity = ? AND u.key = m.unit LIMIT ?",
      row.key as number,
    );
    for (const unit of units) this.#addUnit(unit);
    for (const unit of units) this.#addOwners(unit);
    for (const sql of [
      "SELECT e.key, e.id, e.name, e.type, e.live FROM relationships r CROSS JOIN entities e WHERE r.g = ? AND r.source = ? AND e.key = r.target LIMIT ?",
      "SELECT e.key, e.id, e.name, e.type, e.live FROM relationships r CROSS JOIN entities e WHERE r.g = ? AND r.target = ? AND e.key = r.source LIMIT ?",
    ]) {
      for (const other of this.#some(this.#limit, sql, row.key as number)) this.#addEntity(other);
    }
    for (const unit of units) this.#mention(unit, false);
    this.#relate();
  }

  /** At most `limit` rows; when there are more, the answer says so. */
  #some(limit: number, sql: string, key: number): Row[] {
    const rows = this.#session.all(sql, this.#g, key, limit + 1);
    if (rows.length > limit) this.built.truncate();
    return rows.slice(0, limit);
  }

  #addDocument(row: Row): void {
    const id = row.id as string;
    const label = (row.title as string | null) ?? id;
    this.built.add({ kind: "document", id, label, type: null, presence: presence(row.active) });
  }

  #addUnit(row: Row): void {
    const id = row.id as string;
    const text = this.#session.get(
      "SELECT substr(text, 1, ?) AS text FROM texts WHERE key = ? AND g = ?",
      LABEL_LENGTH,
      row.key as number,
      this.#g,
    );
    const label = (text?.text as string | undefined) || id;
    this.built.add({ kind: "text_unit", id, label, type: null, presence: presence(row.live) });
  }

  #addEntity(row: Row): void {
    const id = row.id as string;
    const type = row.type as string | null;
    if (this.built.add({ kind: "entity", id, label: row.name as string, type, presence: presence(row.live) })) {
      this.#entities.set(row.key as number, id);
    }
  }

  /** What a unit mentions; `adds` also brings in entities that are not there yet. */
  #mention(unit: Row, adds: boolean): void {
    const mentioned = this.#some(
      this.#limit,
      "SELECT e.key, e.id, e.name, e.type, e.live FROM mentions m CROSS JOIN entities e WHERE m.g = ? AND m.unit = ? AND e.key = m.entity LIMIT ?",
      unit.key as number,
    );
    for (const entity of mentioned) {
      if (adds) this.#addEntity(entity);
      this.built.mentions(unit.id as string, entity.id as string, presence(unit.live));
    }
  }

  /** The other documents that hold a unit are why it may stay. */
  #addOwners(unit: Row): void {
    const owners = this.#some(
      OWNERS,
      "SELECT d.key, d.id, d.title, d.active FROM owners o CROSS JOIN documents d WHERE o.g = ? AND o.unit = ? AND d.key = o.document LIMIT ?",
      unit.key as number,
    );
    for (const owner of owners) {
      this.#addDocument(owner);
      this.built.owns(owner.id as string, unit.id as string, presence(owner.active));
    }
  }

  /** Relationships between the entities of the answer. */
  #relate(): void {
    for (const [key, source] of this.#entities) {
      const rows = this.#some(
        RELATIONSHIPS_LOOKED_AT,
        "SELECT id, type, target, live FROM relationships WHERE g = ? AND source = ? LIMIT ?",
        key,
      );
      for (const row of rows) {
        const target = this.#entities.get(row.target as number);
        if (target === undefined) continue;
        this.built.relates({
          id: row.id as string,
          type: row.type as string,
          source,
          target,
          presence: presence(row.live),
        });
      }
    }
  }
}
