import { defineConfig } from "vite";

/**
 * Builds the page into `dashboard/built`, which is committed: a checkout and the package show it without a build step.
 * Names carry no hash, so that a rebuild changes files and does not add any; the server's ETag tells browsers what is new.
 */
export default defineConfig({
  root: import.meta.dirname,
  // Relative addresses: the page also works behind a proxy that serves it under a path of its own.
  base: "./",
  publicDir: "public",
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    outDir: "built",
    emptyOutDir: true,
    target: "es2023",
    // An inlined file would be a data: address, which the content security policy allows for images only.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    license: { fileName: "licenses.md" },
    rolldownOptions: {
      output: {
        entryFileNames: "page.js",
        chunkFileNames: "[name].js",
        assetFileNames: "page[extname]",
      },
    },
  },
});
