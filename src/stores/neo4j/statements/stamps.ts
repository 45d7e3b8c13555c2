import { literal, type NodeKind, OURS, partOf, quoted, type Shapes } from "../shapes.ts";

/** Statements on the lists of documents that a writer stamps on everything: `$documents` are taken out of them. */
export function stampStatements(s: Shapes) {
  const { stamps, mentions } = s.profile;
  if (stamps === undefined) {
    const none = "RETURN $group AS none";
    return { unstampEdges: none, unstampByEntity: none, unstampByUnit: none, unstampParked: none };
  }
  const part = (list: string, n: number) =>
    partOf("x", stamps.lists.find((l) => l.property === list)?.separator ?? "", n);
  // An element that cannot be read stays: of it nothing is known.
  const named = (list: (typeof stamps.lists)[number]) =>
    `coalesce(${part(list.property, list.document)} IN $documents, false)`;
  const stamped = (v: string) =>
    `(${stamps.lists.map((list) => `any(x IN ${v}.${quoted(list.property)} WHERE ${named(list)})`).join(" OR ")})`;
  /** Those that follow first: they are told by the elements that go and by those that stay. */
  const taken = (v: string) => {
    const followers = stamps.follow.map(({ property, list, part: n }) => {
      const of = stamps.lists.find((l) => l.property === list);
      const parts = (which: string) => `[x IN ${v}.${quoted(list)} WHERE ${which} | ${part(list, n)}]`;
      return of === undefined
        ? ""
        : `SET ${v}.${quoted(property)} = [y IN ${v}.${quoted(property)} WHERE NOT y IN ${parts(named(of))} OR y IN ${parts(`NOT ${named(of)}`)}]`;
    });
    const lists = stamps.lists.map((list) => {
      const property = `${v}.${quoted(list.property)}`;
      return `SET ${property} = [x IN ${property} WHERE NOT ${named(list)}]`;
    });
    return [...followers, ...lists].join(" ");
  };
  const empty = (v: string) => `size(${v}.${quoted(stamps.lists[0]?.property ?? "")}) = 0`;
  // An entity may have as many mentions as there are units; a unit's go with it.
  const mentioning = mentions.by === "edge" ? `:!${quoted(mentions.type)}` : "";
  const ours = [s.label("entity"), s.parkedLabel("entity"), s.label("unit"), s.parkedLabel("unit")];
  const around = (kind: NodeKind) => {
    const [v, type] = kind === "entity" ? ["e", mentioning] : ["u", ""];
    return `UNWIND $handles AS handle ${s.byHandle(kind, v, "handle")}
      CALL (${v}) { RETURN ${v} AS n UNION MATCH (${v})-[${type}]-(n) RETURN n }
      WITH DISTINCT n WHERE ${stamped("n")} ${taken("n")}
      WITH n WHERE ${empty("n")} AND any(l IN labels(n) WHERE l IN [${stamps.nodes.map((l) => literal(s.partLabel(l))).join(", ")}])
        AND none(l IN labels(n) WHERE l IN [${ours.map(literal).join(", ")}]) DETACH DELETE n`;
  };
  return {
    /** Facts and what else hangs on entities; a fact with an empty list is judged by its own, anything else goes. */
    unstampEdges: `UNWIND $handles AS handle ${s.byHandle("entity", "e", "handle")}
      MATCH (e)-[r${mentioning}]-(o) WITH r, head(collect(o)) AS o WHERE ${stamped("r")} ${taken("r")}
      WITH r, o WHERE ${empty("r")} AND NOT (${s.isFact("r")} AND o:${s.labels("entity")}) DELETE r`,
    unstampByEntity: around("entity"),
    unstampByUnit: around("unit"),
    unstampParked: `UNWIND $ids AS id MATCH (p:${OURS.parked} {lc_group: $group, lc_id: id}) WHERE ${stamped("p")} ${taken("p")}`,
  };
}
