import { dirname } from "node:path";
import { packageFile } from "../../src/package-root.ts";

/** The folder of the repository. */
export const ROOT = dirname(packageFile("package.json"));
