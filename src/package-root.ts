/** Where the package lies: its scenarios and package.json are found from any depth of the built code. */

import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const MARK = "scenarios/scenario.schema.json";
const MAX_DEPTH = 5;

function findRoot(): URL {
  let folder = new URL(".", import.meta.url);
  for (let depth = 0; depth < MAX_DEPTH; depth++) {
    if (existsSync(new URL(MARK, folder))) return folder;
    folder = new URL("..", folder);
  }
  throw new Error(`the package is incomplete: no ${MARK} above ${fileURLToPath(import.meta.url)}`);
}

let root: URL | undefined;

/** The path of a file of the package, such as `package.json`. */
export const packageFile = (path: string): string => fileURLToPath(new URL(path, (root ??= findRoot())));
