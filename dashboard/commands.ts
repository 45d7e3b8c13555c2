import { API, addressOf, type Call } from "./api.ts";

/** A verb of the command line: `words` name it, `operands` are what it works on, `options` stand in pairs. */
export interface Cli {
  words: string[];
  operands?: string[];
  options?: [name: string, value?: string][];
  group?: string;
}

/** One word of a shell, quoted when it must be. */
function quoted(word: string): string {
  return /^[A-Za-z0-9_./:@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** The same call by curl. The key stays in a variable: what is copied gets pasted into tickets and chats. */
export function curlLine(call: Call, withKey: boolean): string {
  const method = call.method ?? "GET";
  const line = ["curl", "--fail-with-body"];
  if (method !== "GET") line.push("-X", method);
  line.push(quoted(addressOf(call).href));
  if (withKey) line.push("-H", '"Authorization: Bearer $GRAPHKEEPER_API_KEY"');
  if (call.group !== undefined) line.push("-H", quoted(`X-Group-ID: ${call.group}`));
  if (call.body !== undefined) {
    line.push("-H", quoted("Content-Type: application/json"), "-d", quoted(JSON.stringify(call.body)));
  }
  return line.join(" ");
}

/** The same verb by the command line; it reads the key from the same variable by itself. */
export function cliLine({ words, operands = [], options = [], group }: Cli): string {
  const flags = options.flatMap(([name, value]) => (value === undefined ? [name] : [name, value]));
  if (group !== undefined) flags.push("--group", group);
  flags.push("--url", API.href.replace(/\/$/, ""));
  // An id may begin like an option.
  const last = operands.some((operand) => operand.startsWith("-")) ? ["--", ...operands] : [];
  const line = ["graphkeeper", ...words, ...(last.length > 0 ? [] : operands), ...flags, ...last];
  return line.map(quoted).join(" ");
}
