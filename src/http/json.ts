import { GraphkeeperError } from "../core/errors.ts";

/** Deeper nesting is no request of ours; it would only exhaust the stack of whoever walks it. */
const MAX_DEPTH = 64;
/** A million values take about 0.2 s to read, during which nobody else is served; longer texts go as NDJSON, line by line. */
const MAX_VALUES = 1_000_000;
const MAX_MEMBERS = 10_000;

/**
 * Parses a JSON body, more strictly than the language does: no member twice (which of the two is meant?), no `__proto__`,
 * at most 64 levels, a million values and 10,000 members in one object.
 *
 * Cost: one pass over the text before `JSON.parse`.
 * @throws GraphkeeperError `INVALID_REQUEST`, `PAYLOAD_TOO_LARGE`
 */
export function parseJson(text: string): unknown {
  scan(text);
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new GraphkeeperError("INVALID_REQUEST", `The body is not JSON: ${(error as Error).message}.`, {}, error);
  }
}

function scan(text: string): void {
  // One entry per open bracket: the names seen in an object (made with the first one), null for an array.
  const open: (Set<string> | typeof NO_NAMES | null)[] = [];
  let nameComes = false;
  let values = 1;
  const countValue = () => {
    if (++values > MAX_VALUES) throw tooMuch(`The body has more than ${MAX_VALUES} values.`);
  };
  for (let i = 0; i < text.length; i++) {
    switch (text.charCodeAt(i)) {
      case QUOTE: {
        const end = endOfString(text, i + 1);
        if (nameComes) {
          const last = open.length - 1;
          const known = open[last];
          const names = known instanceof Set ? known : new Set<string>();
          open[last] = names;
          addName(names, text.slice(i, end + 1));
          nameComes = false;
        }
        i = end;
        break;
      }
      case OPEN_OBJECT:
      case OPEN_ARRAY: {
        const isObject = text.charCodeAt(i) === OPEN_OBJECT;
        open.push(isObject ? NO_NAMES : null);
        countValue();
        nameComes = isObject;
        if (open.length > MAX_DEPTH) {
          throw new GraphkeeperError("INVALID_REQUEST", `The body is nested deeper than ${MAX_DEPTH} levels.`);
        }
        break;
      }
      case CLOSE_OBJECT:
      case CLOSE_ARRAY:
        open.pop();
        nameComes = false;
        break;
      case COMMA:
        nameComes = open.length > 0 && open[open.length - 1] !== null;
        countValue();
        break;
    }
  }
}

const NO_NAMES = Symbol("an object without names yet");
const QUOTE = 0x22;
const COMMA = 0x2c;
const BACKSLASH = 0x5c;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/** Index of the closing quote, or of the end of the text when there is none. */
function endOfString(text: string, from: number): number {
  for (let end = text.indexOf('"', from); end >= 0; end = text.indexOf('"', end + 1)) {
    let slashes = 0;
    while (text.charCodeAt(end - 1 - slashes) === BACKSLASH) slashes++;
    if (slashes % 2 === 0) return end;
  }
  return text.length;
}

function addName(names: Set<string>, quoted: string): void {
  let name = quoted.slice(1, -1);
  if (name.includes("\\")) {
    try {
      name = JSON.parse(quoted) as string;
    } catch {
      return; // JSON.parse of the whole says what is wrong.
    }
  }
  if (name === "__proto__") {
    throw new GraphkeeperError("INVALID_REQUEST", 'The body has a member "__proto__", which is not allowed.');
  }
  if (names.has(name)) {
    const shown = JSON.stringify(name.slice(0, 60));
    throw new GraphkeeperError("INVALID_REQUEST", `The body has the member ${shown} twice in one object.`);
  }
  names.add(name);
  if (names.size > MAX_MEMBERS) throw tooMuch(`An object of the body has more than ${MAX_MEMBERS} members.`);
}

function tooMuch(message: string): GraphkeeperError {
  return new GraphkeeperError("PAYLOAD_TOO_LARGE", message);
}
