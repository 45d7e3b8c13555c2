import { vectorHex } from "../../core/canonical.ts";
import type { DocumentInput, ImportBlock, MentionInput } from "../../core/words.ts";

/** Blocks in short hand, normalised as stores get them. */

const DIMENSION = 6;

/** A vector that belongs to a text: the same for the same text, another for another, with many different bits. */
export function vectorOf(text: string, dimension: number = DIMENSION): Float32Array {
  let seed = 2_166_136_261;
  for (const character of text) seed = Math.imul(seed ^ (character.codePointAt(0) as number), 16_777_619) >>> 0;
  return Float32Array.from({ length: dimension }, () => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return seed / 2 ** 31 - 1;
  });
}

export function hexOf(text: string): string {
  return vectorHex(vectorOf(text));
}

export interface Sketch {
  /** Ids, or whole documents. */
  documents?: (string | DocumentInput)[];
  /** Owners, parted by spaces, and the text ("text of …" when absent), by the unit's id. */
  units?: Record<string, string | { documents: string; text: string }>;
  /** Names by id; the name is `Name of …` when only ids are given. */
  entities?: string[] | Record<string, string>;
  /** Entities, parted by spaces, by the unit's id. */
  mentions?: Record<string, string>;
  /** `source target`, then the supporting units; without these the support is unknown. By the relationship's id. */
  relationships?: Record<string, [ends: string, support?: string]>;
  /** Without vectors when false. */
  vectors?: boolean;
}

/** Units get the vector of their text, entities that of their id; units mention the ends of what they support. */
export function block(sketch: Sketch): ImportBlock {
  const { vectors = true } = sketch;
  const words = (text: string) => text.split(" ").filter((word) => word !== "");
  const names: [string, string][] = Array.isArray(sketch.entities)
    ? sketch.entities.map((id) => [id, `Name of ${id}`])
    : Object.entries(sketch.entities ?? {});
  const relationships = Object.entries(sketch.relationships ?? {}).map(([id, [ends, support]]) => {
    const [source, target] = words(ends) as [string, string];
    return { id, source, target, type: "relates to", ...(support === undefined ? {} : { textUnits: words(support) }) };
  });
  const mentions = new Map<string, MentionInput>();
  const mention = (textUnit: string, entity: string) =>
    mentions.set(JSON.stringify([textUnit, entity]), { textUnit, entity });
  for (const [unit, entities] of Object.entries(sketch.mentions ?? {}))
    for (const entity of words(entities)) mention(unit, entity);
  for (const { source, target, textUnits } of relationships) {
    for (const unit of textUnits ?? []) {
      mention(unit, source);
      mention(unit, target);
    }
  }
  return {
    documents: (sketch.documents ?? []).map((d) => (typeof d === "string" ? { id: d } : d)),
    textUnits: Object.entries(sketch.units ?? {}).map(([id, unit]) => {
      const { documents, text } = typeof unit === "string" ? { documents: unit, text: `text of ${id}` } : unit;
      return { id, documents: words(documents), text, ...(vectors ? { embedding: vectorOf(text) } : {}) };
    }),
    entities: names.map(([id, name]) => ({ id, name, ...(vectors ? { embedding: vectorOf(id) } : {}) })),
    mentions: [...mentions.values()],
    relationships,
  };
}

/**
 * Three documents with all that makes the law interesting: u2 is shared by d1 and d2; a and c are mentioned from both sides,
 * b by d1 alone, d by d3 alone, f by nothing; known support (ab, ac, cc, dd), unknown support (bc, ad, fa), self references
 * (cc, dd), and ad spans documents.
 */
export function library(): ImportBlock {
  return block({
    documents: ["d1", "d2", "d3"],
    units: { u1: "d1", u2: "d1 d2", u3: "d2", u4: "d3", u5: "d1" },
    entities: ["a", "b", "c", "d", "f"],
    mentions: { u1: "a b", u2: "a c", u3: "c", u4: "d", u5: "b" },
    relationships: {
      ab: ["a b", "u1"],
      ac: ["a c", "u2"],
      bc: ["b c"],
      cc: ["c c", "u3"],
      dd: ["d d", "u4"],
      ad: ["a d"],
      fa: ["f a"],
    },
  });
}
