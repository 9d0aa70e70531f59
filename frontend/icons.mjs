// Copies the icons named in icons.txt from Lucide into the pages' package, where `{% icon "name" %}` reads them.
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const from = join(here, "../node_modules/lucide-static/icons");
const to = join(here, "../src/genie/web/icons");
const names = readFileSync(join(here, "icons.txt"), "utf8").split("\n").filter(Boolean);
const unknown = names.filter((name) => !existsSync(join(from, `${name}.svg`)));
if (unknown.length) throw new Error(`Lucide has no icon named ${unknown.join(", ")}: look the name up and write it into icons.txt`);
rmSync(to, { recursive: true, force: true });
mkdirSync(to, { recursive: true });
for (const name of names) copyFileSync(join(from, `${name}.svg`), join(to, `${name}.svg`));
