// Builds each file of entries/ into one self-contained script (and stylesheet) with a stable name.
// One build per entry: no shared chunks, so templates name files directly and a page loads one script.
import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import tailwindcss from "@tailwindcss/vite";
import { build } from "vite";

const here = dirname(fileURLToPath(import.meta.url));
const out = join(here, "../src/genie/web/static/build");
const watch = process.argv.includes("--watch") ? {} : null;
const entries = readdirSync(join(here, "entries")).filter((name) => name.endsWith(".ts"));

rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });

for (const file of entries) {
  const entry = basename(file, ".ts");
  await build({
    configFile: false,
    root: here,
    base: "./",
    publicDir: false,
    logLevel: "warn",
    plugins: [tailwindcss()],
    build: {
      outDir: out,
      emptyOutDir: false,
      target: "es2022",
      cssCodeSplit: false,
      modulePreload: false,
      reportCompressedSize: false,
      watch,
      rollupOptions: {
        input: { [entry]: join(here, "entries", file) },
        output: {
          format: "iife",
          entryFileNames: "[name].js",
          // the one stylesheet of a build is called style.css unless we name it after its entry
          assetFileNames: (asset) => (asset.names[0]?.endsWith(".css") ? `${entry}.css` : "[name][extname]"),
        },
      },
    },
  });
}
