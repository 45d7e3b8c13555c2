import type { ParkingMode } from "../../core/words.ts";
import type { NodeKey, Profile, UnitList } from "../../profiles/format.ts";

/**
 * The pieces of Cypher that a profile gives: patterns, keys, predicates. Names come from the profile only and stand
 * between backticks; values are parameters only. `$group` is in every piece that can carry it.
 */

/** A name between backticks. */
export function quoted(name: string): string {
  return `\`${name.replaceAll("`", "``")}\``;
}

/** Labels of our own nodes in the user's database. */
export const OURS = {
  group: "GraphkeeperGroup",
  document: "GraphkeeperDocument",
  operation: "GraphkeeperOperation",
  parked: "GraphkeeperParked",
  edge: "GraphkeeperParkedEdge",
  candidate: "GraphkeeperCandidate",
  audit: "GraphkeeperAudit",
  analytics: "GraphkeeperAnalytics",
  acknowledged: "GraphkeeperAcknowledged",
  contents: "GraphkeeperAcknowledgedContents",
  state: "GraphkeeperState",
  unit: "GraphkeeperUnit",
  text: "GraphkeeperText",
  purged: "GraphkeeperPurged",
} as const;
export const MENTIONED = "GRAPHKEEPER_MENTIONS";

/** Members that our bookkeeping adds to users' nodes; all begin with `lc_`. */
export const PARKED_VECTOR = "lc_vector_";

/** Stands before the label of a unit or an entity that is parked. */
const PARKED_AS = "GraphkeeperParked_";

/** Label that parked documents and parts wear where swap takes their own away. */
export const PARKED_OTHER = "GraphkeeperParkedOther";

export type NodeKind = "unit" | "entity";

export interface UnitShape {
  label: string;
  key: NodeKey;
  text: string | null;
  having: string | null;
  vectors: string[];
  owner:
    | { by: "edge"; type: string; direction: "to_document" | "from_document" }
    | { by: "property"; property: string }
    | { by: "self" };
  tenantProperty: string | null;
}

export class Shapes {
  readonly profile: Profile;
  readonly mode: ParkingMode;
  readonly unit: UnitShape;
  readonly tenantProperty: string | null;
  readonly tenantLabel: string | null;
  /** Units are only referred to in the user's graph and exist as nodes of ours. */
  readonly references: boolean;

  constructor(profile: Profile, mode: ParkingMode = profile.parking.mode) {
    this.profile = profile;
    this.mode = mode;
    this.tenantProperty = profile.tenant.by === "property" ? profile.tenant.property : null;
    this.tenantLabel = profile.tenant.by === "label" ? profile.tenant.label : null;
    const units = profile.textUnits;
    this.references = units.as === "reference";
    this.unit =
      units.as === "node"
        ? {
            label: units.label,
            key: units.key,
            text: units.text,
            having: units.having ?? null,
            vectors: units.vectors.map((v) => v.property),
            owner: units.owner,
            tenantProperty: this.tenantProperty,
          }
        : {
            label: OURS.unit,
            key: { property: "lc_id" },
            text: null,
            having: null,
            vectors: [],
            owner: { by: "property", property: "lc_document" },
            tenantProperty: "lc_group",
          };
  }

  #label(label: string): string {
    return this.profile.tenant.by === "label_suffix" ? `${label}${this.profile.tenant.suffix}` : label;
  }

  /**
   * Label that a parked node wears, in swap mode instead of the one that readers query. It tells whose it is: a database may
   * hold the workspaces of several tenants, or the graphs of several writers, that only their labels tell apart.
   */
  parkedLabel(kind: NodeKind): string {
    return PARKED_AS + this.label(kind);
  }

  /** How a group is laid out: another layout finds nothing of it. */
  get layout(): string {
    return `${this.label("unit")} ${this.label("entity")}`;
  }

  /** Whether the writer's model writes summaries of communities into the graph. */
  get hasSummaries(): boolean {
    return this.profile.communities?.summary !== undefined;
  }

  /** Whether parking takes labels away: all of them, because readers query by any of them. */
  swaps(kind: NodeKind): boolean {
    return this.mode === "swap" && !(kind === "unit" && this.references);
  }

  /** Whether parking takes the labels of documents away. */
  get swapsDocuments(): boolean {
    const { documents } = this.profile;
    return this.mode === "swap" && documents.as === "node" && documents.anew;
  }

  label(kind: NodeKind): string {
    const label = kind === "unit" ? this.unit.label : this.profile.entities.label;
    return label === OURS.unit ? label : this.#label(label);
  }

  partLabel(label: string): string {
    return this.#label(label);
  }

  #labels(kind: NodeKind): string[] {
    return this.swaps(kind) ? [this.label(kind), this.parkedLabel(kind)] : [this.label(kind)];
  }

  key(kind: NodeKind): NodeKey {
    return kind === "unit" ? this.unit.key : this.profile.entities.key;
  }

  vectors(kind: NodeKind): string[] {
    return kind === "unit" ? this.unit.vectors : this.profile.entities.vectors.map((v) => v.property);
  }

  tenant(kind: NodeKind): string | null {
    return kind === "unit" ? this.unit.tenantProperty : this.tenantProperty;
  }

  #tenantLabels(kind: NodeKind): string {
    return this.tenantLabel !== null && this.tenantLabel !== this.label(kind) && !(kind === "unit" && this.references)
      ? `&${quoted(this.tenantLabel)}`
      : "";
  }

  /** Label expression of a node, live or parked. */
  labels(kind: NodeKind): string {
    const labels = this.#labels(kind).map(quoted).join("|");
    const tenant = this.#tenantLabels(kind);
    return tenant === "" ? labels : `(${labels})${tenant}`;
  }

  /** Predicates that every node of the kind fulfils beside its label. */
  belongs(kind: NodeKind, v: string): string {
    const tenant = this.tenant(kind);
    const parts = [tenant === null ? "$group IS NOT NULL" : `${v}.${quoted(tenant)} = $group`];
    if (kind === "unit" && this.unit.having !== null) parts.push(`${v}.${quoted(this.unit.having)} IS NOT NULL`);
    return parts.join(" AND ");
  }

  /** `(v:Label)` for the middle of a pattern; `belongs` goes into its WHERE. */
  node(kind: NodeKind, v: string): string {
    return `(${v}:${this.labels(kind)})`;
  }

  /** All nodes of the kind, through the label's index on the tenant where there is one. */
  all(kind: NodeKind, v: string): string {
    return `MATCH ${this.node(kind, v)} WHERE ${this.belongs(kind, v)}${this.keyed(kind, v)}`;
  }

  /** A composite index serves only predicates on all of its properties: the key's existence is one. */
  keyed(kind: NodeKind, v: string): string {
    const key = this.key(kind);
    return "property" in key ? ` AND ${v}.${quoted(key.property)} IS NOT NULL` : "";
  }

  /** The nodes of the kind in order of their ids, after `$after`, so that an index can serve both. */
  page(kind: NodeKind, v: string): string {
    const key = this.key(kind);
    const after = "property" in key ? `${v}.${quoted(key.property)} > $after` : `elementId(${v}) > $after`;
    return `MATCH ${this.node(kind, v)} WHERE ${this.belongs(kind, v)} AND ${after}`;
  }

  /** The node whose internal handle is the variable `row`. */
  byHandle(kind: NodeKind, v: string, row: string): string {
    return `MATCH ${this.node(kind, v)} WHERE elementId(${v}) = ${row} AND ${this.belongs(kind, v)}`;
  }

  /** The node whose id is in the expression `value`; `carried` are variables that a sub-query needs. */
  byKey(kind: NodeKind, v: string, value: string, carried: string): string {
    const matches = this.#labels(kind).map((label) => {
      const labels = `${quoted(label)}${this.#tenantLabels(kind)}`;
      return `MATCH (${v}:${labels}) WHERE ${keyEquals(this.key(kind), v, value)} AND ${this.belongs(kind, v)}`;
    });
    if (matches.length === 1) return matches[0] as string;
    return `CALL (${carried}) { ${matches.map((m) => `${m} RETURN ${v}`).join(" UNION ")} }`;
  }

  id(kind: NodeKind, v: string): string {
    return keyOf(this.key(kind), v);
  }

  isLive(v: string): string {
    return `coalesce(${v}.lc_active, true)`;
  }

  /** Pattern from a unit to the entities that it mentions. */
  mentions(u: string, e: string): string {
    const { mentions } = this.profile;
    const entity = this.node("entity", e);
    const unit = this.node("unit", u);
    if (mentions.by === "list") return `${unit}-[:${MENTIONED}]->${entity}`;
    if (mentions.by === "edge") {
      const edge = `[:${quoted(mentions.type)}]`;
      return mentions.direction === "from_unit" ? `${unit}-${edge}->${entity}` : `${unit}<-${edge}-${entity}`;
    }
    return mentions.hops.reduce((pattern, hop, i) => {
      const arrow = `[:${hop.type.map(quoted).join("|")}]`;
      const next = i === mentions.hops.length - 1 ? entity : `(:${quoted(this.#label(hop.label))})`;
      return hop.direction === "out" ? `${pattern}-${arrow}->${next}` : `${pattern}<-${arrow}-${next}`;
    }, unit);
  }

  /** Types of facts as they stand in a pattern; empty when they are all but some. */
  get factTypes(): string {
    const { types } = this.profile.relationships;
    return "only" in types ? `:${types.only.map(quoted).join("|")}` : "";
  }

  /** Predicate on a relationship `r`: it is a fact. Types of our own and derived ones never are. */
  isFact(r: string): string {
    const { types } = this.profile.relationships;
    if ("only" in types) return "true";
    const derived = this.profile.derived.map((d) => d.type);
    const except = [...new Set([...types.allExcept, ...derived, MENTIONED])];
    return `NOT type(${r}) IN [${except.map((t) => `'${t.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`).join(", ")}]`;
  }

  relationshipId(r: string): string {
    const { key } = this.profile.relationships;
    return key === undefined ? `elementId(${r})` : `coalesce(${r}.${quoted(key)}, elementId(${r}))`;
  }

  /** Support of a relationship or of its parked record, as a list of units (or of documents, by the profile) or null. */
  support(r: string): string {
    const { support } = this.profile.relationships;
    if (support.by === "none") return "null";
    if (support.by === "documents") return support.trust === "complete" ? this.#stamped(r) : "null";
    return elementsOf(support, r);
  }

  /** Ids of the documents in the first list of stamps; null where one element tells none, or nothing is stamped. */
  #stamped(v: string): string {
    const [list] = this.profile.stamps?.lists ?? [];
    if (list === undefined) return "null";
    const property = `${v}.${quoted(list.property)}`;
    const document = partOf("x", list.separator, list.document);
    return `CASE WHEN any(x IN ${property} WHERE ${document} IS NULL) THEN null ELSE [x IN ${property} | ${document}] END`;
  }

  /** Names of all lists of stamps, those that follow others among them. */
  get stampLists(): string[] {
    const { stamps } = this.profile;
    return stamps === undefined ? [] : [...stamps.lists, ...stamps.follow].map((list) => list.property);
  }

  /** Pattern from documents that are nodes to their units. */
  ownership(d: string, u: string): string {
    const { documents } = this.profile;
    const { owner } = this.unit;
    if (documents.as !== "node" || owner.by !== "edge") throw new Error("documents are not nodes here");
    const edge = `[:${quoted(owner.type)}]`;
    const document = this.documentNode(d);
    const unit = this.node("unit", u);
    return owner.direction === "to_document" ? `${document}<-${edge}-${unit}` : `${document}-${edge}->${unit}`;
  }

  documentNode(d: string): string {
    const { documents } = this.profile;
    if (documents.as !== "node") throw new Error("documents are not nodes here");
    const tenant = this.tenantLabel === null ? "" : `&${quoted(this.tenantLabel)}`;
    const label = quoted(this.#label(documents.label));
    return `(${d}:${this.swapsDocuments ? `(${label}|${PARKED_OTHER})` : label}${tenant})`;
  }

  documentBelongs(d: string): string {
    const { documents } = this.profile;
    const parts = [
      this.tenantProperty === null ? "$group IS NOT NULL" : `${d}.${quoted(this.tenantProperty)} = $group`,
    ];
    if (documents.as === "node" && documents.without !== undefined)
      parts.push(`${d}.${quoted(documents.without)} IS NULL`);
    return parts.join(" AND ");
  }

  /** Documents of the user's graph whose id is the expression `value`. */
  documentByKey(d: string, value: string): string {
    const { documents } = this.profile;
    if (documents.as !== "node") throw new Error("documents are not nodes here");
    const where = `WHERE ${keyEquals(documents.key, d, value)} AND ${this.documentBelongs(d)}`;
    if (!this.swapsDocuments) return `MATCH ${this.documentNode(d)} ${where}`;
    // One MATCH over both labels would not go by their indexes.
    const matches = [quoted(this.#label(documents.label)), PARKED_OTHER].map(
      (l) => `MATCH (${d}:${l}) ${where} RETURN ${d}`,
    );
    return `CALL (${value.split(".")[0]}) { ${matches.join(" UNION ")} }`;
  }

  documentId(d: string): string {
    const { documents } = this.profile;
    if (documents.as !== "node") throw new Error("documents are not nodes here");
    return keyOf(documents.key, d);
  }

  /** Derived edges and memberships: not facts, but readers follow them, so they are parked with their ends. */
  get derivedTypes(): string[] {
    const { derived, communities } = this.profile;
    return [...new Set([...derived.map((d) => d.type), ...(communities ? [communities.member.type] : [])])];
  }

  /** Matches the units `u` of the document whose id is the expression `id`, whatever stands for documents. */
  unitsOf(id: string, u: string): string {
    const { documents } = this.profile;
    const { owner } = this.unit;
    if (documents.as === "node" && owner.by === "edge") {
      return `${this.documentByKey("d", id)} MATCH ${this.ownership("d", u)} WHERE ${this.belongs("unit", u)}`;
    }
    if (owner.by === "property") {
      const matches = this.#labels("unit").map(
        (label) =>
          `MATCH (${u}:${quoted(label)}${this.#tenantLabels("unit")}) WHERE ${u}.${quoted(owner.property)} = ${id} AND ${this.belongs("unit", u)}`,
      );
      if (matches.length === 1) return matches[0] as string;
      return `CALL (id) { ${matches.map((m) => `${m} RETURN ${u}`).join(" UNION ")} }`;
    }
    return this.byKey("unit", u, id, "id");
  }

  /** List of the ids of a unit's owners. */
  owners(u: string): string {
    const { owner } = this.unit;
    if (owner.by === "self") return `[${this.id("unit", u)}]`;
    if (owner.by === "property") return `[${u}.${quoted(owner.property)}]`;
    const edge = `[:${quoted(owner.type)}]`;
    const path =
      owner.direction === "to_document"
        ? `(${u})-${edge}->${this.documentNode("o")}`
        : `(${u})<-${edge}-${this.documentNode("o")}`;
    return `COLLECT { MATCH ${path} WHERE ${this.documentBelongs("o")} RETURN DISTINCT ${this.documentId("o")} }`;
  }
}

/** The `n`th part of the text that the expression `element` is, counted from 0. */
export function partOf(element: string, separator: string, n: number): string {
  return `split(${element}, ${literal(separator)})[${n}]`;
}

/**
 * What pages are ordered and continued by where no index on the ids serves both. Neo4j (5.26 to 2026.08) has two orders of texts:
 * its indexes and ORDER BY go by code points, but `>` in a filter, and ORDER BY of a text that was put together, by UTF-16
 * units. With one for the rows and the other for the cursor, a page ends before emoji that follow U+E000 to U+FFFF.
 */
export function inUnits(text: string): string {
  return `(${text} + '')`;
}

export function literal(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}

/** Ids in a list of units that stands on `v`; null where there is none. */
export function elementsOf(list: UnitList, v: string): string {
  const { separator, cut } = list;
  const read = (property: string) =>
    separator === undefined ? `${v}.${quoted(property)}` : `split(${v}.${quoted(property)}, ${literal(separator)})`;
  const { property } = list;
  const whole = cut?.whole !== undefined && "property" in cut.whole ? cut.whole.property : null;
  const elements = whole === null ? read(property) : `coalesce(${read(whole)}, ${read(property)})`;
  return separator === undefined ? elements : `[x IN ${elements} WHERE x <> '']`;
}

/** Expression of a node's id. */
export function keyOf(key: NodeKey, v: string): string {
  if ("elementId" in key) return `elementId(${v})`;
  if ("property" in key) return `${v}.${quoted(key.property)}`;
  return `[${key.properties.map((p) => `${v}.${quoted(p)}`).join(", ")}]`;
}

function keyEquals(key: NodeKey, v: string, value: string): string {
  if ("elementId" in key) return `elementId(${v}) = ${value}`;
  if ("property" in key) return `${v}.${quoted(key.property)} = ${value}`;
  return key.properties.map((p, i) => `${v}.${quoted(p)} = ${value}[${i}]`).join(" AND ");
}

/** The id as callers see it: composite keys travel as a JSON array. */
export function idFromKey(value: unknown): string {
  return typeof value === "string" ? value : Array.isArray(value) ? JSON.stringify(value) : String(value);
}

/** The key as a statement takes it. */
export function keyFromId(key: NodeKey, id: string): unknown {
  if (!("properties" in key)) return id;
  try {
    const parsed = JSON.parse(id) as unknown;
    return Array.isArray(parsed) && parsed.length === key.properties.length ? parsed : key.properties.map(() => null);
  } catch {
    return key.properties.map(() => null);
  }
}
