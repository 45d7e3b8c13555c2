import { GraphkeeperError } from "../../core/errors.ts";
import {
  LABEL_LENGTH,
  type Neighbourhood,
  NeighbourhoodBuilder,
  type NeighbourhoodQuery,
  RELATIONSHIPS_LOOKED_AT,
  unitShare,
} from "../../core/neighbourhood.ts";
import type { Presence } from "../../core/words.ts";
import { unitsOf } from "./documents.ts";
import { entitiesById, entityKeys } from "./judge.ts";
import { idFromKey } from "./shapes.ts";
import type { DocumentState, Reading } from "./work.ts";

interface NearUnit extends Record<string, unknown> {
  handle: string;
  id: unknown;
  label: string | null;
  live: boolean;
  owners: unknown[];
}
interface NearEntity extends Record<string, unknown> {
  handle: string;
  id: unknown;
  label: string | null;
  type: string | null;
  live: boolean;
}
interface Parked extends Record<string, unknown> {
  id: string;
  source: unknown;
  target: unknown;
  type: string;
}

const presence = (live: boolean): Presence => (live ? "live" : "parked");

/** What lies around a document or an entity. Cost: a dozen statements, each of at most some hundred rows per node shown. */
export async function neighbourhoodOf(r: Reading, query: NeighbourhoodQuery): Promise<Neighbourhood> {
  const around = new Around(r, query.limit);
  if (query.of === "document") await around.document(query.id);
  else await around.entity(query.id);
  return around.built.build();
}

class Around {
  readonly built: NeighbourhoodBuilder;
  readonly #r: Reading;
  readonly #limit: number;
  /** Id by handle. */
  readonly #entities = new Map<string, string>();
  readonly #units = new Map<string, NearUnit>();

  constructor(r: Reading, limit: number) {
    this.#r = r;
    this.#limit = limit;
    this.built = new NeighbourhoodBuilder(r.groupId, limit);
  }

  async document(id: string): Promise<void> {
    const document = (await this.#r.documents([id])).get(id);
    if (!document)
      throw new GraphkeeperError("DOCUMENT_NOT_FOUND", "There is no such document in this group.", { document: id });
    this.#addDocument(document);
    const share = unitShare(this.#limit);
    const units = await unitsOf(this.#r, [id], null, share + 1);
    await this.#addUnits(units.map((unit) => unit.handle));
    const mentions = await this.#mentions();
    await this.#addEntities(mentions.map((mention) => mention.entity));
    this.#link(mentions);
    await this.#addOwners();
    await this.#relate();
  }

  async entity(id: string): Promise<void> {
    const centre = (await entitiesById(this.#r, [id])).get(id);
    if (!centre) throw new GraphkeeperError("NOT_FOUND", "There is no such entity in this group.", { entity: id });
    await this.#addEntities([centre.handle]);
    const share = this.#r.int(unitShare(this.#limit) + 1);
    const mentioners = await this.#r.each<{ handle: string }>("nearMentioners", "handles", [centre.handle], {
      limit: share,
    });
    await this.#addUnits(mentioners.map((unit) => unit.handle));
    await this.#addOwners();
    const others = await this.#r.each<{ handle: string }>("nearOthers", "handles", [centre.handle], {
      limit: this.#r.int(this.#limit),
    });
    await this.#addEntities(others.map((other) => other.handle));
    const parked = await this.#parked([id]);
    const ends = parked.flatMap((row) => [idFromKey(row.source), idFromKey(row.target)]);
    await this.#addEntities([...(await entitiesById(this.#r, ends)).values()].map((end) => end.handle));
    this.#link(await this.#mentions());
    await this.#relate();
  }

  #addDocument({ id, title, status }: DocumentState): void {
    this.built.add({ kind: "document", id, label: title ?? id, type: null, presence: presence(status === "active") });
  }

  /** As many as text units may be; one more than that says that there are more. */
  async #addUnits(handles: string[]): Promise<void> {
    const share = unitShare(this.#limit);
    if (handles.length > share) this.built.truncate();
    const length = this.#r.int(LABEL_LENGTH);
    for (const row of await this.#r.each<NearUnit>("nearUnits", "handles", handles.slice(0, share), { length })) {
      const id = idFromKey(row.id);
      this.#units.set(row.handle, row);
      this.built.add({ kind: "text_unit", id, label: row.label || id, type: null, presence: presence(row.live) });
    }
  }

  async #addEntities(handles: Iterable<string>): Promise<void> {
    const fresh = [...new Set(handles)].filter((handle) => !this.#entities.has(handle)).slice(0, this.#limit + 1);
    for (const row of await this.#r.each<NearEntity>("nearEntities", "handles", fresh)) {
      const id = idFromKey(row.id);
      const type = typeof row.type === "string" ? row.type : null;
      if (this.built.add({ kind: "entity", id, label: row.label ?? id, type, presence: presence(row.live) })) {
        this.#entities.set(row.handle, id);
      }
    }
  }

  async #mentions(): Promise<{ unit: string; entity: string }[]> {
    const limit = this.#limit * 10;
    const found = await this.#r.each<{ unit: string; entity: string }>("nearMentions", "handles", this.#units.keys(), {
      limit: this.#r.int(limit),
    });
    if (found.length >= limit) this.built.truncate();
    return found;
  }

  #link(mentions: { unit: string; entity: string }[]): void {
    for (const mention of mentions) {
      const unit = this.#units.get(mention.unit);
      const entity = this.#entities.get(mention.entity);
      if (unit !== undefined && entity !== undefined)
        this.built.mentions(idFromKey(unit.id), entity, presence(unit.live));
    }
  }

  async #addOwners(): Promise<void> {
    const units = [...this.#units.values()];
    const documents = await this.#r.documents(units.flatMap((unit) => unit.owners.map(idFromKey)));
    for (const unit of units) {
      for (const document of unit.owners.map(idFromKey).flatMap((id) => documents.get(id) ?? [])) {
        this.#addDocument(document);
        this.built.owns(document.id, idFromKey(unit.id), presence(document.status === "active"));
      }
    }
  }

  #parked(entities: Iterable<string>): Promise<Parked[]> {
    const limit = this.#r.int(RELATIONSHIPS_LOOKED_AT);
    return this.#r.each<Parked>("nearParked", "ids", entityKeys(this.#r, entities), { limit });
  }

  /** Relationships between the entities of the answer; the parked ones are records of ours. */
  async #relate(): Promise<void> {
    const limit = this.#r.int(RELATIONSHIPS_LOOKED_AT);
    const handles = [...this.#entities.keys()];
    // Not in parts: both ends are looked for in the same list, which the limit of the answer bounds.
    const live = await this.#r.run<{ source: string; target: string; id: unknown; type: string }>("nearFacts", {
      handles,
      limit,
    });
    for (const row of live) {
      const [source, target] = [this.#entities.get(row.source), this.#entities.get(row.target)];
      if (source === undefined || target === undefined) continue;
      this.built.relates({ id: String(row.id), type: row.type, source, target, presence: "live" });
    }
    for (const row of await this.#parked(this.#entities.values())) {
      const [source, target] = [idFromKey(row.source), idFromKey(row.target)];
      this.built.relates({ id: row.id, type: row.type, source, target, presence: "parked" });
    }
  }
}
