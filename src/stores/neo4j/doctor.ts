import type { Finding } from "../../core/words.ts";
import { detect, type Fit, type Inventory } from "../../profiles/detect.ts";
import { checkProfile, type Profile, type UnitList } from "../../profiles/format.ts";
import { PROFILES } from "../../profiles/index.ts";
import { type Connection, type ConnectOptions, connect, type Row } from "./connection.ts";
import { gdsVersion } from "./gds/version.ts";
import { partOf, quoted, Shapes } from "./shapes.ts";
import { cutLists } from "./statements/references.ts";

/** What the doctor found, without having written anything. */
export interface Diagnosis {
  /** `gds`: version of the Graph Data Science plugin, null when it is not installed. */
  server: { version: string; edition: string; gds: string | null };
  indexes: { name: string; type: string; on: string; state: string }[];
  fits: Fit[];
  /** The profile that the findings speak of; null when none fits. */
  profile: string | null;
  findings: (Finding & { ms: number })[];
  /** What can and what cannot be undone in a graph of this profile. */
  provenance: string[];
}

const SAMPLE = 5_000;
/** Below this a profile describes another graph. */
const FITS = 0.75;

/**
 * Looks at any Neo4j database, read-only: which profile fits, versions, indexes, and the dirt that is there, with counts,
 * ten samples each and what the look cost.
 *
 * @param options.profile instead of the one that fits best
 * @throws GraphkeeperError `STORE_UNAVAILABLE`
 */
export async function diagnose(options: ConnectOptions & { profile?: Profile; tenant?: string }): Promise<Diagnosis> {
  const connection = await connect(options);
  try {
    const inventory = await takeInventory(connection);
    const fits = detect(inventory, candidates(inventory, options.tenant));
    const best = fits[0];
    const profile =
      options.profile ??
      (best && best.score >= FITS
        ? candidates(inventory, options.tenant).find((p) => p.name === best.profile)
        : undefined);
    return {
      server: await serverOf(connection),
      indexes: await indexesOf(connection),
      fits,
      profile: profile?.name ?? null,
      findings: profile ? await findingsOf(connection, new Shapes(profile)) : [],
      provenance: profile ? provenanceOf(profile) : [],
    };
  } finally {
    await connection.close();
  }
}

/** Profiles whose labels carry the tenant are tried with each tenant that the labels speak of. */
function candidates(inventory: Inventory, tenant?: string): Profile[] {
  const labels = inventory.labels.map((l) => l.label);
  const suffix = labels.map((l) => /^__Chunk__(.+)__$/.exec(l)?.[1]).find((s) => s !== undefined);
  const listed = inventory.labels.find(
    (l) => l.properties.includes("entity_id") && l.properties.includes("source_id"),
  )?.label;
  return Object.entries(PROFILES).map(([name, make]) => {
    const found =
      tenant ?? (name === "lightrag" ? listed : name === "graphrag-toolkit" ? suffix : undefined) ?? "default";
    return checkProfile(make(found));
  });
}

const rows = (connection: Connection, statement: string, parameters: Row = {}) =>
  connection.read((tx) => tx.run(statement, parameters));

/** Labels, types and properties with counts; properties are those of a bounded sample. */
export async function takeInventory(connection: Connection): Promise<Inventory> {
  const limit = connection.int(SAMPLE);
  const labels: Inventory["labels"] = [];
  for (const row of await rows(connection, "CALL db.labels() YIELD label RETURN label ORDER BY label")) {
    const label = row.label as string;
    const [counted] = await rows(connection, `MATCH (n:${quoted(label)}) RETURN count(n) AS count`);
    if (counted?.count === 0) continue;
    const [sampled] = await rows(
      connection,
      `MATCH (n:${quoted(label)}) WITH n LIMIT $limit UNWIND keys(n) AS key RETURN collect(DISTINCT key) AS properties`,
      { limit },
    );
    labels.push({
      label,
      count: counted?.count as number,
      properties: ((sampled?.properties as string[] | undefined) ?? []).sort(),
    });
  }
  const relationships: Inventory["relationships"] = [];
  for (const row of await rows(
    connection,
    "CALL db.relationshipTypes() YIELD relationshipType AS type RETURN type ORDER BY type",
  )) {
    const type = row.type as string;
    const [counted] = await rows(connection, `MATCH ()-[r:${quoted(type)}]->() RETURN count(r) AS count`);
    if (counted?.count === 0) continue;
    const [sampled] = await rows(
      connection,
      `MATCH (a)-[r:${quoted(type)}]->(b) WITH a, r, b LIMIT $limit
       RETURN reduce(s = [], x IN collect(DISTINCT labels(a)) | s + x) AS from, reduce(s = [], x IN collect(DISTINCT labels(b)) | s + x) AS to,
         reduce(s = [], x IN collect(DISTINCT keys(r)) | s + x) AS properties`,
      { limit },
    );
    const distinct = (value: unknown) => [...new Set(value as string[])].sort();
    relationships.push({
      type,
      count: counted?.count as number,
      from: distinct(sampled?.from),
      to: distinct(sampled?.to),
      properties: distinct(sampled?.properties),
    });
  }
  return { labels, relationships };
}

async function serverOf(connection: Connection): Promise<Diagnosis["server"]> {
  const [row] = await rows(
    connection,
    "CALL dbms.components() YIELD name, versions, edition WHERE name = 'Neo4j Kernel' RETURN versions[0] AS version, edition",
  );
  return { version: row?.version as string, edition: row?.edition as string, gds: await gdsVersion(connection) };
}

async function indexesOf(connection: Connection): Promise<Diagnosis["indexes"]> {
  const found = await rows(
    connection,
    "SHOW INDEXES YIELD name, type, labelsOrTypes, properties, state WHERE type <> 'LOOKUP' RETURN name, type, labelsOrTypes, properties, state ORDER BY name",
  );
  return found.map((row) => ({
    name: row.name as string,
    type: row.type as string,
    on: `${((row.labelsOrTypes as string[] | null) ?? []).join("|")}(${((row.properties as string[] | null) ?? []).join(", ")})`,
    state: row.state as string,
  }));
}

function provenanceOf(profile: Profile): string[] {
  const said: string[] = [];
  const { mentions, relationships, rebuildable, copies, stamps } = profile;
  if (mentions.trust === "complete")
    said.push("Entities: each mention is recorded; they are parked and purged with their last one.");
  else
    said.push(
      "Entities: mentions are recorded for some only. Entities are never collected; deprecating hides text units alone.",
    );
  if (relationships.support.by === "none")
    said.push(
      "Facts: no text unit is recorded for them. They stay as long as both their ends, and a fact between shared entities cannot be taken back.",
    );
  else {
    const stating = relationships.support.by === "documents" ? "documents" : "text units";
    said.push(
      relationships.support.trust === "none" ||
        (relationships.support.by === "documents" && relationships.support.trust !== "complete")
        ? `Facts: the ${stating} that state them are recorded for some only; they stay as long as both their ends.`
        : `Facts: the ${stating} that state them are recorded; they are parked and purged with the last one.`,
    );
  }
  if (stamps !== undefined)
    said.push(
      `Lists of documents on everything (${[...stamps.lists, ...stamps.follow].map((l) => l.property).join(", ")}): a purge takes the document out of them.`,
    );
  for (const list of [mentions, relationships.support])
    if (list.by === "list" && list.cut !== undefined)
      said.push(
        `Lists in ${list.property} may be cut (${list.cut.said}${list.cut.limit === undefined ? "" : `, or ${list.cut.limit} ids and more`}): on such a list nothing is hidden or purged.${wholeList(list.cut)}`,
      );
  for (const text of rebuildable)
    said.push(`Text: ${text.on}.${text.property} can be rebuilt from the facts that stay.`);
  if (copies.length > 0)
    said.push(`Copies of document metadata on entities and facts (${copies.join(", ")}) are removed with a purge.`);
  return said;
}

function wholeList({ whole }: NonNullable<UnitList["cut"]>): string {
  if (whole === undefined) return "";
  return "property" in whole
    ? ` Where ${whole.property} stands beside it, that is read.`
    : ` The whole one is outside of the graph, in ${whole.outside}.`;
}

interface Check {
  code: string;
  message: string;
  /** Returns `id` for each thing found. */
  statement: string;
}

async function findingsOf(connection: Connection, shapes: Shapes): Promise<Diagnosis["findings"]> {
  const findings: Diagnosis["findings"] = [];
  for (const check of checksOf(shapes)) {
    const begun = performance.now();
    const [row] = await rows(
      connection,
      `CALL () { ${check.statement} } RETURN count(id) AS count, collect(toString(id))[..10] AS samples`,
      {},
    );
    const ms = Math.round(performance.now() - begun);
    if ((row?.count as number) > 0)
      findings.push({
        code: check.code,
        message: check.message,
        count: row?.count as number,
        samples: row?.samples as string[],
        ms,
      });
  }
  return findings;
}

/** Each check covers the whole database: groups are told apart, none is left out. */
function checksOf(s: Shapes): Check[] {
  const { profile } = s;
  const unit = s.node("unit", "u");
  const entity = s.node("entity", "e");
  const having = s.unit.having === null ? "true" : `u.${quoted(s.unit.having)} IS NOT NULL`;
  const unitId = s.id("unit", "u");
  const entityId = s.id("entity", "e");
  const checks: Check[] = [];
  const add = (code: string, message: string, statement: string) => checks.push({ code, message, statement });
  if (!s.references) {
    if (profile.mentions.trust === "complete") {
      add(
        "ORPHAN_ENTITIES",
        "Entities that no text unit mentions",
        `MATCH ${entity} WHERE NOT EXISTS { MATCH ${s.mentions("u", "e")} } RETURN ${entityId} AS id`,
      );
    }
    const owner = s.unit.owner;
    if (owner.by === "edge") {
      const path =
        owner.direction === "to_document" ? `(u)-[:${quoted(owner.type)}]->()` : `(u)<-[:${quoted(owner.type)}]-()`;
      add(
        "UNITS_WITHOUT_DOCUMENT",
        "Text units that belong to no document",
        `MATCH ${unit} WHERE ${having} AND NOT EXISTS { ${path} } RETURN ${unitId} AS id`,
      );
    }
    if (owner.by === "property")
      add(
        "UNITS_WITHOUT_DOCUMENT",
        "Text units that name no document",
        `MATCH ${unit} WHERE ${having} AND u.${quoted(owner.property)} IS NULL RETURN ${unitId} AS id`,
      );
    if (s.unit.text !== null) {
      const tenant = s.tenantProperty === null ? "''" : `u.${quoted(s.tenantProperty)}`;
      const group =
        owner.by === "property"
          ? `u.${quoted(owner.property)}`
          : owner.by === "self"
            ? "''"
            : `head(${s.owners("u").replaceAll("$group", s.tenantProperty === null ? "''" : tenant)})`;
      add(
        "DUPLICATE_UNITS",
        "Text units with the same text in one document",
        `MATCH ${unit} WHERE ${having} WITH ${tenant} AS tenant, ${group} AS document, u.${quoted(s.unit.text)} AS text, collect(${unitId}) AS ids WHERE size(ids) > 1 UNWIND tail(ids) AS id RETURN id`,
      );
    }
  }
  if (profile.documents.as === "node") {
    const path = s.ownership("d", "u");
    add(
      "EMPTY_DOCUMENTS",
      "Documents without a text unit",
      `MATCH ${s.documentNode("d")} WHERE NOT EXISTS { MATCH ${path} } RETURN ${s.documentId("d")} AS id`,
    );
  }
  if (s.unit.vectors.length > 0) {
    const vector = `u.${quoted(s.unit.vectors[0] as string)}`;
    add(
      "UNITS_WITHOUT_VECTOR",
      "Live text units without a vector",
      `MATCH ${unit} WHERE ${having} AND ${s.isLive("u")} AND ${vector} IS NULL RETURN ${unitId} AS id`,
    );
    add(
      "MIXED_DIMENSIONS",
      "Vectors of text units with another number of components than most",
      `MATCH ${unit} WHERE ${vector} IS NOT NULL WITH size(${vector}) AS n, collect(${unitId}) AS ids ORDER BY size(ids) DESC WITH collect(ids) AS lists UNWIND tail(lists) AS others UNWIND others AS id RETURN id`,
    );
  }
  const { support } = profile.relationships;
  const cut = cutLists(s);
  if (cut !== null)
    add(
      "CUT_LISTS",
      "Entities and facts whose list of text units their writer has cut, or may have: it is a lower bound, on which nothing is hidden or purged",
      cut,
    );
  if (support.by === "list")
    add(
      "EMPTY_SUPPORT",
      "Facts that name no text unit: they stay as long as both their ends",
      `MATCH ${s.node("entity", "a")}-[r${s.factTypes}]->(b) WHERE ${s.isFact("r")} AND coalesce(size(${s.support("r")}), 0) = 0 RETURN ${s.relationshipId("r")} AS id`,
    );
  // Units outside of the graph have no nodes before the first install: none of them is missing.
  if (support.by === "list" && !s.references) {
    add(
      "DEAD_SUPPORT",
      "Facts whose list of text units names one that does not exist",
      `MATCH ${s.node("entity", "a")}-[r${s.factTypes}]->() UNWIND coalesce(${s.support("r")}, []) AS unit WITH r, unit WHERE unit <> '' AND NOT EXISTS { MATCH ${unit} WHERE ${unitId} = unit } RETURN DISTINCT ${s.relationshipId("r")} AS id`,
    );
    if (support.reverse !== undefined && profile.relationships.key !== undefined) {
      add(
        "DEAD_FACTS_IN_UNITS",
        "Text units whose list of facts names one that does not exist",
        `MATCH ${unit} UNWIND coalesce(u.${quoted(support.reverse)}, []) AS fact WITH u, fact WHERE NOT EXISTS { MATCH ()-[r${s.factTypes}]->() WHERE r.${quoted(profile.relationships.key)} = fact } RETURN DISTINCT ${unitId} AS id`,
      );
    }
  }
  const stamp = profile.stamps?.lists[0];
  if (stamp !== undefined) {
    const property = quoted(stamp.property);
    const named = (v: string, id: string) =>
      `UNWIND [x IN ${v}.${property} | ${partOf("x", stamp.separator, stamp.document)}] AS document RETURN document, ${id} AS id`;
    // All documents first: before the install no index leads to the units of one.
    add(
      "DEAD_STAMPS",
      "Nodes and relationships whose lists name a document that has no text unit",
      `MATCH ${unit} UNWIND ${s.owners("u")} AS owner WITH collect(DISTINCT owner) AS known
       CALL () { MATCH (n) WHERE n.${property} IS NOT NULL ${named("n", "elementId(n)")}
         UNION ALL MATCH ()-[r]->() WHERE r.${property} IS NOT NULL ${named("r", "elementId(r)")} }
       WITH known, document, collect(DISTINCT id) AS ids WHERE document IS NOT NULL AND NOT document IN known
       UNWIND ids AS id RETURN DISTINCT id`,
    );
  }
  for (const derived of profile.derived.filter((d) => d.score !== undefined)) {
    add(
      "SIMILARITY_TO_PARKED",
      `${derived.type} edges that touch something parked`,
      `MATCH (a)-[r:${quoted(derived.type)}]->(b) WHERE a.lc_active = false OR b.lc_active = false RETURN elementId(r) AS id`,
    );
  }
  if (profile.communities) {
    const { member, label, key } = profile.communities;
    const path =
      member.direction === "to_community" ? `(c)<-[:${quoted(member.type)}]-()` : `(c)-[:${quoted(member.type)}]->()`;
    add(
      "EMPTY_COMMUNITIES",
      "Communities without members",
      `MATCH (c:${quoted(s.partLabel(label))}) WHERE NOT EXISTS { ${path} } RETURN c.${quoted(key)} AS id`,
    );
  }
  if (s.tenantProperty !== null) {
    const p = quoted(s.tenantProperty);
    add(
      "EDGES_ACROSS_GROUPS",
      "Relationships between two groups",
      `MATCH (a)-[r]->(b) WHERE a.${p} <> b.${p} RETURN elementId(r) AS id`,
    );
    add("NO_GROUP", "Entities without a group", `MATCH ${entity} WHERE e.${p} IS NULL RETURN elementId(e) AS id`);
  }
  if (profile.relationships.support.by === "none" && !s.references) {
    add(
      "AMBIGUOUS_FACTS",
      "Facts whose ends several documents' text units mention together: which of these states them is not recorded",
      `MATCH ${s.node("entity", "a")}-[r${s.factTypes}]->${s.node("entity", "b")} WHERE ${s.isFact("r")}
       AND COUNT { MATCH ${s.mentions("u", "a")} WHERE EXISTS { MATCH ${s.mentions("u", "b")} } RETURN DISTINCT u } > 1 RETURN elementId(r) AS id`,
    );
  }
  if (profile.unfinished !== undefined) {
    const left = quoted(profile.unfinished);
    const nodes = ["unit", "entity"] as const;
    const labels = nodes.filter((kind) => kind === "entity" || !s.references).map((kind) => quoted(s.label(kind)));
    add(
      "UNFINISHED_WRITE",
      "Nodes that their writer left half-written: a run of it ended before it had written their relationships",
      `MATCH (n:${labels.join("|")}) WHERE n.${left} IS NOT NULL RETURN elementId(n) AS id`,
    );
  }
  const { key } = s.profile.entities;
  if ("property" in key) {
    const tenant = s.tenantProperty === null ? "''" : `e.${quoted(s.tenantProperty)}`;
    add(
      "TWINS",
      "Entities with the same id, one of them parked: the writer made it again",
      `MATCH ${entity} WITH ${tenant} AS tenant, ${entityId} AS id, count(e) AS n WHERE n > 1 RETURN id`,
    );
  }
  return checks;
}
