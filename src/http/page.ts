import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { GraphkeeperError } from "../core/errors.ts";

/** The built page. It lies at the same place beside the sources and beside `dist`. */
const BUILT = fileURLToPath(new URL("../../dashboard/built/", import.meta.url));

/** Only what this process serves, and nothing inline: a name out of the graph cannot become a script. */
export const PAGE_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

const TYPES: Record<string, string> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
};

interface PageFile {
  type: string;
  bytes: Buffer;
  zipped: Buffer;
  etag: string;
}

/**
 * The page of the operator under `/ui/`, and a redirect to it from `/`. Its files are public: they say nothing about any
 * graph, and every call that the page makes carries the caller's own key.
 */
export function servePage(app: FastifyInstance, folder = BUILT): void {
  const files = readFiles(folder);
  // Relative, so that it also holds behind a proxy that serves everything under a path.
  for (const path of ["/", "/ui"]) app.get(path, (_request, reply) => reply.redirect("ui/", 302));
  app.get("/ui/:name", (request, reply) => sendFile(files, (request.params as { name: string }).name, request, reply));
  app.get("/ui/", (request, reply) => sendFile(files, "index.html", request, reply));
}

function readFiles(folder: string): Map<string, PageFile> {
  const files = new Map<string, PageFile>();
  for (const name of existsSync(folder) ? readdirSync(folder) : []) {
    const type = TYPES[extname(name)];
    if (type === undefined) continue;
    const bytes = readFileSync(join(folder, name));
    const etag = `"${createHash("sha256").update(bytes).digest("hex").slice(0, 32)}"`;
    files.set(name, { type, bytes, zipped: gzipSync(bytes, { level: 9 }), etag });
  }
  return files;
}

function sendFile(files: Map<string, PageFile>, name: string, request: FastifyRequest, reply: FastifyReply) {
  const file = files.get(name);
  if (file === undefined) {
    const missing = files.size === 0;
    throw new GraphkeeperError(
      "NOT_FOUND",
      missing ? "The page is not built: run npm run build:page, then start again." : "The page has no such file.",
    );
  }
  reply.headers({
    "content-security-policy": PAGE_POLICY,
    // Asked for again each time, answered by 304 while it is the same: file names are the same in all versions.
    "cache-control": "no-cache",
    etag: file.etag,
    vary: "accept-encoding",
  });
  if (request.headers["if-none-match"] === file.etag) return reply.code(304).send();
  const zipped = /\bgzip\b/.test(String(request.headers["accept-encoding"] ?? ""));
  if (zipped) reply.header("content-encoding", "gzip");
  return reply.type(file.type).send(zipped ? file.zipped : file.bytes);
}
