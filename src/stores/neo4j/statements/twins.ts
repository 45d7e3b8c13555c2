import { propertiesOf, unitedCut } from "../lists.ts";
import { hideDocument, hideNodeAgain, otherLabels, vectorsOut } from "../parking.ts";
import { literal, MENTIONED, type NodeKind, OURS, PARKED_VECTOR, quoted, type Shapes } from "../shapes.ts";

/**
 * Statements for what a writer that goes on does to parked things: it makes a node again that it does not see (a twin),
 * dresses a parked one in its label again, or overwrites our marks. Nodes are named by handle within the transaction.
 */
export function twinStatements(s: Shapes) {
  return { ...ofKind(s, "unit"), ...ofKind(s, "entity"), ...ofFacts(s), ...countsOf(s) };
}

const KINDS = { unit: "Unit", entity: "Entity" } as const;
type Named<K extends string> = { [N in `${K}${"Unit" | "Entity"}`]: string };
type Kinds = "parkedPageOf" | "twinsOf" | "foldEdgesOf" | "foldNodeOf" | "remember" | "rehide" | "restless";

function ofKind(s: Shapes, kind: NodeKind): Named<Kinds> {
  const label = quoted(s.label(kind));
  const parked = quoted(s.parkedLabel(kind));
  const id = s.id(kind, "p");
  const key = s.key(kind);
  // Units that are only referred to are nodes of ours: nobody else writes them.
  const referred = kind === "unit" && s.references;
  const swap = s.swaps(kind);
  // In our own shapes a constraint of ours keeps ids unique; only what wears another label can have a twin.
  const single = referred || (s.profile.imports && !swap);
  const by = (v: string, handle: string) => `MATCH (${v}) WHERE elementId(${v}) = ${handle} AND ${s.belongs(kind, v)}`;
  const after = "property" in key ? `p.${quoted(key.property)} > $after` : `${id} > $after`;
  const identity =
    "property" in key
      ? [key.property]
      : "properties" in key
        ? key.properties
        : kind === "entity"
          ? s.profile.entities.merged?.by
          : undefined;
  const other = (v: string) => otherLabels(s, kind, v);
  // What is swapped has its labels in a list of ours.
  const worn = (v: string) => (swap ? `(coalesce(${v}.lc_labels, []) + ${other(v)})` : other(v));
  const sameLabels =
    "elementId" in key
      ? ` AND all(l IN ${worn("t")} WHERE l IN ${worn("p")}) AND all(l IN ${worn("p")} WHERE l IN ${worn("t")})`
      : "";
  const none = "UNWIND $handles AS handle WITH handle WHERE $group IS NULL RETURN handle, handle AS twin";
  // A subquery of its own: in one pattern the planner of 2025.12 begins with all that have the property.
  const namesake = (from: string, to: string, of: string, not: string) =>
    `MATCH (${from}:${of}) WHERE elementId(${from}) = handle AND ${s.belongs(kind, from)}
      CALL (${from}) { MATCH (${to}:${not}) WHERE ${(identity ?? []).map((p) => `${to}.${quoted(p)} = ${from}.${quoted(p)}`).join(" AND ")} AND ${s.belongs(kind, to)}
        AND NOT ${literal(s.parkedLabel(kind))} IN labels(t)${sameLabels} RETURN ${to} }`;
  const name = <K extends Kinds>(k: K) => `${k}${KINDS[kind]}` as `${K}${"Unit" | "Entity"}`;
  const lists = listsOf(s, kind);
  const vectors = kind === "unit" && s.mode !== "label" ? s.vectors(kind) : [];
  const returned = vectors.map((p) => `p.${quoted(p)} IS NOT NULL`);
  const seen = `(${[swap ? `p:${label} OR size(${other("p")}) > 0` : "false", `NOT ${literal(s.profile.parking.label)} IN labels(p)`, ...returned].join(" OR ")})`;
  return {
    [name("parkedPageOf")]: referred
      ? "RETURN $group AS handle LIMIT 0"
      : `MATCH (p:${parked}) WHERE ${s.belongs(kind, "p")} AND ${after}
      RETURN elementId(p) AS handle, ${id} AS id ORDER BY id LIMIT $limit`,
    /** Of the parked ones and the live ones among the handles: the pairs that are one thing. */
    [name("twinsOf")]:
      identity === undefined || single
        ? none
        : `UNWIND $handles AS handle
      CALL (handle) {
        ${namesake("p", "t", parked, label)} RETURN elementId(p) AS kept, elementId(t) AS twin
        UNION ${namesake("t", "p", label, parked)} RETURN elementId(p) AS kept, elementId(t) AS twin
      }
      RETURN DISTINCT kept AS handle, twin ORDER BY twin`,
    [name("foldEdgesOf")]: single
      ? none
      : `UNWIND [{kept: $handle, twin: $twin}] AS pair CALL (pair) { ${by("p", "pair.kept")} RETURN p }
      CALL (pair, p) { ${moved(s, "out")} } CALL (pair, p) { ${moved(s, "in")} }
      RETURN outgoing + incoming AS edges`,
    [name("foldNodeOf")]: single
      ? none
      : `UNWIND [{kept: $handle, twin: $twin}] AS pair CALL (pair) { ${by("p", "pair.kept")} RETURN p } CALL (pair) { ${by("t", "pair.twin")} RETURN t }
      WITH p, t, properties(p) AS older, properties(t) AS newer, ${worn("t")} AS worn,
        [k IN keys(p) WHERE NOT k STARTS WITH 'lc_' AND t[k] IS NOT NULL AND NOT t[k] = p[k]] AS overwritten,
        [k IN keys(t) WHERE p[k] IS NULL] AS added
      DETACH DELETE t
      WITH p, older, newer, worn, overwritten, added
      SET p += newer ${swap ? "SET p.lc_labels = coalesce(older.lc_labels, []) + [l IN worn WHERE NOT l IN coalesce(older.lc_labels, [])]" : "SET p:$(worn)"}${lists} RETURN overwritten, added`,
    /** A writer that sets all properties anew takes our marks away; the label of ours stays and tells. */
    [name("remember")]:
      `UNWIND $handles AS handle MATCH (p:${parked}) WHERE elementId(p) = handle AND ${s.belongs(kind, "p")} AND p.lc_active IS NULL
      SET p.lc_active = false, p.lc_parked_at = $now, p.lc_labelled = true`,
    /** Parked, but found by readers again: the writer gave it its label or its vector back. */
    [name("rehide")]:
      `UNWIND $handles AS handle MATCH (p:${parked}) WHERE elementId(p) = handle AND ${s.belongs(kind, "p")}
        AND ${seen}
      ${hideNodeAgain(s, kind, "p")} ${vectorsOut(s, vectors, "p")} RETURN handle`,
    /** How many of the parked ones `remember` and `rehide` would change. */
    [name("restless")]:
      `UNWIND $handles AS handle MATCH (p:${parked}) WHERE elementId(p) = handle AND ${s.belongs(kind, "p")}
        AND (p.lc_active IS NULL OR ${seen}) RETURN count(p) AS count`,
  } as Named<Kinds>;
}

/** Lists that both have parts of: what the older one held stands first. */
function listsOf(s: Shapes, kind: NodeKind): string {
  const { mentions, relationships, entities } = s.profile;
  const { support } = relationships;
  const plain = [...s.stampLists, ...(kind === "entity" ? entities.appends : [])];
  if (kind === "unit" && support.by === "list" && support.reverse !== undefined) plain.push(support.reverse);
  const joined: [string, string][] = [];
  const given: [string, string][] = [];
  if (kind === "entity" && mentions.by === "list") {
    if (mentions.separator === undefined) plain.push(...propertiesOf(mentions));
    else for (const property of propertiesOf(mentions)) joined.push([property, mentions.separator]);
    given.push(...unitedCut(mentions, "older", "newer"));
  }
  return [
    ...given.map(([p, expression]) => ` SET p.${quoted(p)} = ${expression}`),
    ...plain.map((p) => ` SET p.${quoted(p)} = ${unitedList(`older.${quoted(p)}`, `newer.${quoted(p)}`)}`),
    ...joined.map(
      ([p, separator]) => ` SET p.${quoted(p)} = ${joinedText(`older.${quoted(p)}`, `newer.${quoted(p)}`, separator)}`,
    ),
  ].join("");
}

/** The union of two delimited lists, as a delimited list. */
function joinedText(older: string, newer: string, separator: string): string {
  const mark = literal(separator);
  return `CASE WHEN coalesce(${older}, '') = '' THEN ${newer} ELSE reduce(text = ${older}, x IN split(coalesce(${newer}, ''), ${mark}) | CASE WHEN x = '' OR x IN split(text, ${mark}) THEN text ELSE text + ${mark} + x END) END`;
}

/** Moves the relationships of the twin; one that the kept node has already is folded into it. */
function moved(s: Shapes, direction: "out" | "in"): string {
  const [from, to] = direction === "out" ? ["p", "o"] : ["o", "p"];
  const find = direction === "out" ? "MATCH (t)-[r]->(e)" : "MATCH (t)<-[r]-(e)";
  const count = direction === "out" ? "outgoing" : "incoming";
  return `${find} WHERE elementId(t) = pair.twin WITH p, t, r, e WITH p, r, CASE WHEN e = t THEN p ELSE e END AS o, e = p AS between
        WITH ${from}, ${to}, r, between, properties(r) AS newer,
          head([(${from})-[x]->(${to}) WHERE type(x) = type(r) AND x <> r AND ${sameEdge(s)} | x]) AS x
        FOREACH (_ IN CASE WHEN x IS NULL AND NOT between THEN [1] ELSE [] END | CREATE (${from})-[n:$(type(r))]->(${to}) SET n = newer)
        FOREACH (y IN CASE WHEN x IS NULL THEN [] ELSE [x] END | ${foldInto(s, "y", "newer")})
        DELETE r RETURN count(*) AS ${count}`;
}

/** Whether two relationships between the same two nodes are one: structure always, facts by what the writer merges on. */
function sameEdge(s: Shapes): string {
  const { types } = s.profile.relationships;
  const isFact =
    "only" in types ? `type(r) IN [${types.only.map(literal).join(", ")}]` : s.isFact("r").replace(/^true$/, "false");
  return `(NOT (${isFact}) OR ${sameFact(s, "x", "r")})`;
}

/** Whether two facts of one type between the same two entities are the same one, to the writer. */
function sameFact(s: Shapes, x: string, r: string): string {
  const { key, merged, support } = s.profile.relationships;
  if (key !== undefined) return `${x}.${quoted(key)} = ${r}.${quoted(key)}`;
  const lists = [...s.stampLists, ...(support.by === "list" ? propertiesOf(support) : [])];
  const apart = lists.map((list) => `k = ${literal(list)} OR `).join("");
  const equal = `all(k IN keys(${x}) WHERE ${apart}k STARTS WITH 'lc_' OR ${x}[k] = ${r}[k])`;
  if (merged === undefined) return equal;
  const on = ["true", ...merged.by.map((p) => `${x}.${quoted(p)} = ${r}.${quoted(p)}`)].join(" AND ");
  if (merged.types === undefined) return on;
  return `CASE WHEN type(${x}) IN [${merged.types.map(literal).join(", ")}] THEN ${on} ELSE ${equal} END`;
}

/** The elements of the older list, then those that only the newer one has; null where neither is there. */
function unitedList(older: string, newer: string): string {
  return `CASE WHEN ${older} IS NULL THEN ${newer} ELSE ${older} + [x IN coalesce(${newer}, []) WHERE NOT x IN ${older}] END`;
}

/** Sets the newer properties over the older ones of `x`; lists of what supports it are united. */
function foldInto(s: Shapes, x: string, newer: string): string {
  const { support } = s.profile.relationships;
  const united = (property: string) => unitedList(`${x}.${property}`, `${newer}.${property}`);
  const lists = s.stampLists.map((list) => [quoted(list), united(quoted(list))]);
  if (support.by === "list") {
    const { separator } = support;
    for (const property of propertiesOf(support).map(quoted))
      lists.push([
        property,
        separator === undefined ? united(property) : joinedText(`${x}.${property}`, `${newer}.${property}`, separator),
      ]);
    lists.push(...unitedCut(support, x, newer).map(([property, expression]) => [quoted(property), expression]));
  }
  if (lists.length === 0) return `SET ${x} += ${newer}`;
  // The unions first: afterwards the older lists are overwritten.
  return `SET ${x} += ${newer} {.*, ${lists.map(([property, union]) => `${property}: ${union}`).join(", ")}}`;
}

function ofFacts(s: Shapes) {
  const { merged } = s.profile.relationships;
  const unordered = merged?.per === "unordered_pair";
  const pair = (to: string) =>
    `MATCH (a)-[t]->(b) WHERE type(t) = p.lc_type AND ${s.id("entity", "b")} = ${to} AND ${sameFact(s, "t", "p")}`;
  const end = (of: string) => s.byKey("entity", "a", of, "p");
  const own = "lc_group: null, lc_id: null, lc_type: null, lc_at: null, lc_source: null, lc_target: null";
  return {
    /** A writer that goes on may have written the same fact again while ours was parked. */
    twinsOfFacts: `UNWIND $ids AS id MATCH (p:${OURS.parked} {lc_group: $group, lc_id: id})
      CALL (p) {
        CALL (p) { ${end("p.lc_source")} RETURN a } ${pair("p.lc_target")} RETURN t
        ${unordered ? `UNION CALL (p) { ${end("p.lc_target")} RETURN a } ${pair("p.lc_source")} RETURN t` : ""}
      }
      RETURN id, min(elementId(t)) AS handle`,
    foldFact: `MATCH (p:${OURS.parked} {lc_group: $group, lc_id: $id})
      CALL (p) { WITH p WHERE p.lc_id = $id MATCH ${s.node("entity", "a")}-[t${s.factTypes}]->${s.node("entity", "b")} WHERE elementId(t) = $handle AND ${s.isFact("t")} AND ${s.belongs("entity", "a")} AND ${s.belongs("entity", "b")} RETURN t }
      WITH p, t, properties(t) AS newer, [k IN keys(t) WHERE p[k] IS NOT NULL AND NOT t[k] = p[k]] AS overwritten
      SET t = properties(p) ${foldInto(s, "t", "newer")} SET t += {${own}}
      DELETE p RETURN overwritten`,
    /** Where the key is the element id, what names the twin names the kept node from now on. */
    renameEnds: `CALL () { MATCH (p:${OURS.parked} {lc_group: $group, lc_source: $from}) SET p.lc_source = $to RETURN count(p) AS a }
      CALL () { MATCH (p:${OURS.parked} {lc_group: $group, lc_target: $from}) SET p.lc_target = $to RETURN count(p) AS b } RETURN a + b AS count`,
    renameDerived: `CALL () { MATCH (p:${OURS.edge} {lc_group: $group, lc_source: $from}) SET p.lc_source = $to RETURN count(p) AS a }
      CALL () { MATCH (p:${OURS.edge} {lc_group: $group, lc_target: $from}) SET p.lc_target = $to RETURN count(p) AS b } RETURN a + b AS count`,
    unitRows: `UNWIND $handles AS handle ${s.byHandle("unit", "u", "handle")}
      RETURN handle, ${s.id("unit", "u")} AS id, NOT ${s.isLive("u")} AS parked, ${s.owners("u")} AS owners,
        ${any(s, "unit", "")} AS vector, ${any(s, "unit", PARKED_VECTOR)} AS parkedVector`,
  };
}

function any(s: Shapes, kind: NodeKind, prefix: string): string {
  return (
    s
      .vectors(kind)
      .map((p) => `u.${quoted(prefix + p)} IS NOT NULL`)
      .join(" OR ") || "false"
  );
}

/**
 * How many nodes and relationships of the writer's kinds the database has, from Neo4j's count store: a step of constant
 * cost. Parking does not change them; what a writer makes, or we purge, does.
 */
function placesOf(s: Shapes): string[][] {
  const { profile } = s;
  const labels = (kind: NodeKind) =>
    s.mode === "swap" && !(kind === "unit" && s.references) ? [s.label(kind), s.parkedLabel(kind)] : [s.label(kind)];
  const types: string[] = [];
  if (s.unit.owner.by === "edge") types.push(s.unit.owner.type);
  if (profile.mentions.by === "edge") types.push(profile.mentions.type);
  if (profile.mentions.by === "path") types.push(...profile.mentions.hops.flatMap((hop) => hop.type));
  if (profile.mentions.by === "list") types.push(MENTIONED);
  const facts = "only" in profile.relationships.types ? profile.relationships.types.only : [];
  const edge = (type: string) => `()-[n:${quoted(type)}]->()`;
  // What is swapped or parked counts as what it was: patterns of one place are added up.
  return [
    ...(["unit", "entity"] as const).map((kind) => labels(kind).map((label) => `(n:${quoted(label)})`)),
    ...[...new Set(types)].map((type) => [edge(type)]),
    ...(facts.length > 0 ? [[...facts.map(edge), `(n:${OURS.parked})`]] : []),
  ];
}

/** Sums the counts of what is one thing, swapped or parked or not. */
export function sumsOf(s: Shapes, counts: number[]): number[] {
  let at = 1;
  return placesOf(s).map((patterns) => {
    const from = at;
    at += patterns.length;
    return counts.slice(from, at).reduce((sum, count) => sum + count, 0);
  });
}

function countsOf(s: Shapes) {
  const { profile } = s;
  // Each branch is a step of constant cost: Neo4j's count store. The rows come in the order of the branches.
  const counts = placesOf(s)
    .flat()
    .map((pattern) => `MATCH ${pattern} RETURN count(n) AS count`);
  return {
    writerCounts: ["RETURN CASE WHEN $group IS NULL THEN 1 ELSE 0 END AS count", ...counts].join(" UNION ALL "),
    hideAgain:
      profile.documents.as === "node"
        ? `UNWIND $keys AS key ${s.documentByKey("d", "key")} WITH d WHERE coalesce(d.lc_active, true)
          ${hideDocument(s, "d")} RETURN elementId(d) AS handle`
        : "UNWIND $keys AS key WITH key WHERE $group IS NULL RETURN key AS handle",
  };
}
