import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("../../", import.meta.url));

export interface Block {
  /** Relative to the repository. */
  file: string;
  line: number;
  language: string;
  text: string;
}

/** Languages in which a reader executes what stands there. */
export const EXECUTABLE = new Set(["sh", "bash", "shell", "console", "zsh", "python", "py", "ts", "typescript", "js"]);

/** Pages whose commands people copy. */
export function pages(): string[] {
  const quickstarts = readdirSync(join(ROOT, "docs")).filter((name) => /^quickstart-.*\.md$/.test(name));
  return ["README.md", "docs/operations.md", ...quickstarts.sort().map((name) => `docs/${name}`)];
}

/** The fenced blocks of a page that somebody would execute, in order. */
export function blocksOf(file: string, markdown = readFileSync(join(ROOT, file), "utf8")): Block[] {
  const found: Block[] = [];
  let open: Block | null = null;
  for (const [i, line] of markdown.split("\n").entries()) {
    const fence = /^\s*(?:```|~~~)\s*(\S*)/.exec(line);
    if (fence === null) {
      if (open !== null) open.text += `${line}\n`;
    } else if (open === null) {
      open = { file, line: i + 1, language: fence[1]!.toLowerCase(), text: "" };
    } else {
      if (EXECUTABLE.has(open.language)) found.push(open);
      open = null;
    }
  }
  return found;
}
