import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { EntityInput, ImportBlock } from "../../src/core/words.ts";
import { seeded } from "../../test/data/seeded.ts";

/** Graphs of any size with the degrees of a real one. */

/** How much the passages of a graph hold, and how often its entities are mentioned. */
export interface Shape {
  source: string;
  /** Distinct entities by passage. */
  entities: number[];
  /** Relationships by passage. */
  relationships: number[];
  /** Mentions by entity. */
  mentions: number[];
}

/** Degrees of the MuSiQue graph, or where the file is missing a law that resembles it. */
export function readShape(): Shape {
  const folder = process.env.GRAPHKEEPER_TEST_DATA ?? join(import.meta.dirname, "../../../shared/data");
  const path = join(folder, "musique-openie.json");
  return existsSync(path) ? shapeOf(path) : inventedShape();
}

function shapeOf(path: string): Shape {
  const { docs } = JSON.parse(readFileSync(path, "utf8")) as {
    docs: { extracted_entities: string[]; extracted_triples: string[][] }[];
  };
  const mentions = new Map<string, number>();
  const shape: Shape = { source: "degrees of MuSiQue", entities: [], relationships: [], mentions: [] };
  for (const { extracted_entities, extracted_triples } of docs) {
    const names = new Set(extracted_entities);
    for (const [subject, , object] of extracted_triples) if (subject && object) names.add(subject).add(object);
    for (const name of names) mentions.set(name, (mentions.get(name) ?? 0) + 1);
    shape.entities.push(names.size);
    shape.relationships.push(extracted_triples.length);
  }
  shape.mentions = [...mentions.values()];
  return shape;
}

function inventedShape(): Shape {
  const random = seeded(1);
  const mentions = Array.from({ length: 19_000 }, () => Math.min(400, Math.floor((1 - random()) ** -0.9)));
  const each = Math.round(mentions.reduce((a, b) => a + b, 0) / 1_900);
  return {
    source: "invented degrees (the MuSiQue file is missing)",
    entities: Array.from({ length: 1_900 }, () => each),
    relationships: Array.from({ length: 1_900 }, () => each - 2),
    mentions,
  };
}

export const UNITS_PER_DOCUMENT = 100;
/** Entities beside the others that a fifth of all units mention: 20,000 units and more at a million entities. */
const HUBS = 2;
const HUB_SHARE = 0.2;

/**
 * The real graph's degrees, repeated up to a number of entities. Which unit mentions which entity is drawn at random, so that
 * unlike in a real graph nothing that belongs together stands together in the file.
 */
export class SyntheticGraph {
  readonly documents: number;
  /** Units that mention the hub that is mentioned most. */
  readonly hubDegree: number;
  readonly #shape: Shape;
  readonly #entities: number;
  readonly #dimensions: { unitDimension: number; entityDimension: number };
  /** One entity for each mention, shuffled; unit `u` has those from `#offsets[u]` to `#offsets[u + 1]`. */
  readonly #stubs: Uint32Array;
  readonly #offsets: number[] = [0];
  /** Bit `h`: the unit mentions hub `h`. */
  readonly #hubs: Uint8Array;
  readonly #embedded: Uint8Array;

  constructor(shape: Shape, entities: number, dimensions: { unitDimension: number; entityDimension: number }) {
    this.#shape = shape;
    this.#entities = entities;
    this.#dimensions = dimensions;
    this.#embedded = new Uint8Array(entities + HUBS);
    const random = seeded(entities);
    this.#stubs = shuffledStubs(shape.mentions, entities, random);
    while ((this.#offsets.at(-1) as number) < this.#stubs.length) {
      const unit = this.#offsets.length - 1;
      const wanted = Math.max(1, shape.entities[unit % shape.entities.length] as number);
      this.#offsets.push(Math.min(this.#stubs.length, (this.#offsets.at(-1) as number) + wanted));
    }
    const units = this.#offsets.length - 1;
    this.documents = Math.ceil(units / UNITS_PER_DOCUMENT);
    this.#hubs = new Uint8Array(units);
    const degrees = new Array<number>(HUBS).fill(0);
    for (let unit = 0; unit < units; unit++) {
      for (let hub = 0; hub < HUBS; hub++) {
        if (random() >= HUB_SHARE) continue;
        this.#hubs[unit] = (this.#hubs[unit] as number) | (1 << hub);
        degrees[hub] = (degrees[hub] as number) + 1;
      }
    }
    this.hubDegree = Math.max(...degrees);
  }

  documentId(document: number): string {
    return `document-${document}`;
  }

  /** What one document imports. An entity brings its vector with the first block that names it. */
  block(document: number): ImportBlock {
    const id = this.documentId(document);
    const random = seeded(document + 1);
    const block: ImportBlock = {
      documents: [{ id, contentHash: id }],
      textUnits: [],
      entities: [],
      mentions: [],
      relationships: [],
    };
    const named = new Map<number, EntityInput>();
    const first = document * UNITS_PER_DOCUMENT;
    for (let unit = first; unit < Math.min(first + UNITS_PER_DOCUMENT, this.#offsets.length - 1); unit++) {
      const unitId = `${id}/${unit - first}`;
      const text = `Passage ${unitId}. ${"It says what passages of an encyclopedia say. ".repeat(10)}`;
      const embedding = vectorOf(this.#dimensions.unitDimension, random);
      block.textUnits.push({ id: unitId, documents: [id], text, embedding });
      const mentioned = this.#mentionedBy(unit);
      for (const entity of mentioned) {
        if (!named.has(entity)) named.set(entity, this.#entity(entity, random));
        block.mentions.push({ textUnit: unitId, entity: entityId(entity) });
      }
      const facts = this.#shape.relationships[unit % this.#shape.relationships.length] as number;
      const pick = () => entityId(mentioned[Math.floor(random() * mentioned.length)] as number);
      for (let i = 0; i < facts; i++) {
        const textUnits = random() < 0.02 ? undefined : [unitId];
        block.relationships.push({
          id: scattered(`${unitId}/${i}`),
          source: pick(),
          target: pick(),
          type: "related",
          textUnits,
        });
      }
    }
    block.entities.push(...named.values());
    return block;
  }

  #mentionedBy(unit: number): number[] {
    const mentioned = new Set(this.#stubs.subarray(this.#offsets[unit], this.#offsets[unit + 1]));
    for (let hub = 0; hub < HUBS; hub++)
      if ((this.#hubs[unit] as number) & (1 << hub)) mentioned.add(this.#entities + hub);
    return [...mentioned];
  }

  #entity(entity: number, random: () => number): EntityInput {
    const isNew = this.#embedded[entity] === 0;
    this.#embedded[entity] = 1;
    const embedding = isNew ? vectorOf(this.#dimensions.entityDimension, random) : undefined;
    return { id: entityId(entity), name: `Entity ${entity}`, type: "thing", embedding };
  }
}

function entityId(entity: number): string {
  return scattered(`entity-${entity}`);
}

/** Ids whose order has nothing to do with the order in which they come, as those of most writers. */
function scattered(id: string): string {
  let hash = 2_166_136_261;
  for (let i = 0; i < id.length; i++) hash = Math.imul(hash ^ id.charCodeAt(i), 16_777_619);
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return `${((hash ^ (hash >>> 12)) >>> 0).toString(16).padStart(8, "0")}-${id}`;
}

function vectorOf(dimension: number, random: () => number): Float32Array {
  const vector = new Float32Array(dimension);
  for (let i = 0; i < dimension; i++) vector[i] = random() - 0.5;
  return vector;
}

function shuffledStubs(mentions: number[], entities: number, random: () => number): Uint32Array {
  let total = 0;
  for (let e = 0; e < entities; e++) total += mentions[e % mentions.length] as number;
  const stubs = new Uint32Array(total);
  let at = 0;
  for (let e = 0; e < entities; e++) {
    for (let i = mentions[e % mentions.length] as number; i > 0; i--) stubs[at++] = e;
  }
  for (let i = total - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    const held = stubs[i] as number;
    stubs[i] = stubs[j] as number;
    stubs[j] = held;
  }
  return stubs;
}
