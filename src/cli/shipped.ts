/** The scenarios that ship with the package: every JSON file of its scenarios folder that is not the schema. */

import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { ScenarioFile } from "../scenario.ts";

const FOLDER = fileURLToPath(new URL("../../scenarios", import.meta.url));

export const shippedNames = (): string[] =>
  readdirSync(FOLDER)
    .filter((file) => file.endsWith(".json") && file !== "scenario.schema.json")
    .map((file) => file.slice(0, -".json".length))
    .sort();

export const shippedFile = (name: string): string => join(FOLDER, `${name}.json`);

/** The one-line description of a shipped scenario. */
export const shippedDescription = (name: string): string =>
  (JSON.parse(readFileSync(shippedFile(name), "utf8")) as ScenarioFile).description ?? "";
