/** Thrown when stored state is not what was written: cut off, altered, or of another version. Build it anew. */
export class BrokenState extends Error {
  constructor(reason: string) {
    super(`The stored state cannot be used: ${reason}`);
    this.name = "BrokenState";
  }
}

type Section = Uint32Array | Int32Array | Float32Array | Float64Array;
type SectionType = new (buffer: ArrayBuffer, byteOffset: number, length: number) => Section;

/** Magic number, kind and version, total bytes, two halves of the checksum, and one word for alignment. */
const HEADER_WORDS = 6;
const MAGIC = 0x31534b47;

/**
 * Packs arrays into bytes with a checksum. Each section is its length (8 bytes) and its numbers in the machine's order
 * (little-endian on every machine that Node runs on), padded to 8 bytes.
 */
export function packState(kind: number, sections: Section[]): Uint8Array {
  const bytes = sections.reduce((sum, section) => sum + 8 + Math.ceil(section.byteLength / 8) * 8, HEADER_WORDS * 4);
  const buffer = new ArrayBuffer(bytes);
  let at = HEADER_WORDS * 4;
  for (const section of sections) {
    new Float64Array(buffer, at, 1)[0] = section.length;
    const type = section.constructor as SectionType;
    new type(buffer, at + 8, section.length).set(section);
    at += 8 + Math.ceil(section.byteLength / 8) * 8;
  }
  const words = new Uint32Array(buffer);
  words[0] = MAGIC;
  words[1] = kind;
  words[2] = bytes % 4294967296;
  words.set(checksum(words), 3);
  return new Uint8Array(buffer);
}

/** Reads what `packState` wrote, section by section in the same order. */
export class StateReader {
  private readonly buffer: ArrayBuffer;
  private at = HEADER_WORDS * 4;

  /** @throws BrokenState */
  constructor(bytes: Uint8Array, kind: number) {
    if (bytes.length < HEADER_WORDS * 4 || bytes.length % 8 !== 0) throw new BrokenState("it is cut off");
    this.buffer = bytes.slice().buffer;
    const words = new Uint32Array(this.buffer);
    if (words[0] !== MAGIC) throw new BrokenState("it is something else");
    if (words[1] !== kind) throw new BrokenState("it is of another kind or version");
    if (words[2] !== bytes.length % 4294967296) throw new BrokenState("it is cut off");
    const [low, high] = checksum(words);
    if (words[3] !== low || words[4] !== high) throw new BrokenState("its checksum is wrong");
  }

  next<T extends Section>(type: new (buffer: ArrayBuffer, byteOffset: number, length: number) => T): T {
    const length = new Float64Array(this.buffer, this.at, 1)[0]!;
    const section = new type(this.buffer, this.at + 8, length);
    this.at += 8 + Math.ceil(section.byteLength / 8) * 8;
    return section;
  }
}

/** 64 bits against accidents, not against intent: two FNV-1a sums over all words but those of the checksum itself. */
function checksum(words: Uint32Array): [number, number] {
  let low = 0x811c9dc5;
  let high = 0x9e3779b9;
  for (let i = 0; i < words.length; i++) {
    if (i === 3 || i === 4) continue;
    low = Math.imul(low ^ words[i]!, 0x01000193);
    high = Math.imul(high ^ (words[i]! + i), 0x85ebca6b);
    high ^= high >>> 15;
  }
  return [low >>> 0, high >>> 0];
}
