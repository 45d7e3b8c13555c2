import { readFileSync } from "node:fs";

/** The package's version; package.json lies one folder up, in the sources as in the package. */
export const VERSION: string = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")).version;
